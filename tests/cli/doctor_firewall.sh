#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessionctl doctor` judges real rules of nftables and iptables, in a network namespace of the test,
# and datagrams are treated as it says.

# Some cases hide nft, in a mount namespace of this test.
if [ -z "${DOCTOR_MOUNTS:-}" ]; then
	unshare -nm true 2>/dev/null || {
		echo "SKIPPED: no namespaces can be made: run as root"
		exit 77
	}
	DOCTOR_MOUNTS=1 CLI_TEST_NAMESPACE=1 exec unshare -nm "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

command -v nft >/dev/null || skip "nft is not installed"
nft list ruleset >/dev/null 2>"$folder/err" || skip "nft does not work here: $(cat "$folder/err")"
command -v iptables >/dev/null || skip "iptables is not installed"
ip link add doc0 type veth peer name doc1 || skip "no interface can be made"

# Prints whether a datagram from this address reaches the port.
arrives() {
	python3 - "$1" <<-'END'
		import socket, sys
		server = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET,
		                       socket.SOCK_DGRAM)
		server.bind(("", 54321))
		server.settimeout(0.3)
		client = socket.socket(server.family, socket.SOCK_DGRAM)
		client.bind((sys.argv[1], 0))
		try:
		    client.sendto(b"x", ("::1" if ":" in sys.argv[1] else "127.0.0.1", 54321))
		    server.recv(10)
		    print("yes")
		except OSError:
		    print("no")
	END
}

# found CHECK SEVERITY PATTERN
found() {
	cases=$((cases + 1))
	"$sessionctl" -C "$folder/none" --pin-dir "$folder/pins" doctor doc0 >"$folder/out" 2>&1
	grep "^[a-z]* *$1: " "$folder/out" | grep -Eq "^$2 +$1: .*$3" || {
		fail "$what: not $1 $2, like $3: $(grep -A1 " $1: " "$folder/out")"
		nft list ruleset
	}
}

# firewall WHAT SEVERITY PATTERN ARRIVES RULES: with these nft rules instead of the previous ones.
firewall() {
	what=$1
	printf 'flush ruleset\n%s\n' "$5" >"$folder/rules"
	nft -f "$folder/rules" || fail "$what: nft refuses the rules"
	found firewall "$2" "$3"
	cases=$((cases + 1))
	[ "$(arrives 127.0.0.1)" = "$4" ] || fail "$what: a datagram arrives: not $4"
}

input() {
	printf 'table inet filter {\nchain input {\ntype filter hook input priority 0; policy %s\n%s\n}\n}\n' \
		"$1" "$2"
}

firewall nothing good 'nothing filters' yes ''
[ ! -r /proc/sys/net/netfilter/nf_conntrack_count ] || found conntrack good 'but none is'
firewall "another's rules" good 'no rule names' yes \
	"$(input accept 'tcp dport 54321 drop; iifname "nodrop0" accept;')"
firewall "a drop" problem 'table inet filter, chain input: a rule refuses UDP port 54321' no \
	"$(input accept 'udp dport 54321 drop')"
firewall "a reject" problem 'a rule refuses' no \
	"$(input accept 'udp dport 54321 reject')"
firewall "a range" problem 'a rule refuses' no \
	"$(input accept 'udp dport 54000-55000 counter drop')"
firewall "other ports" good 'no rule names' yes \
	"$(input accept 'udp dport 54322-55000 drop; udp dport 5432 drop; udp dport { 321, 4321 } drop')"
firewall "a set and a comment" problem 'a rule refuses' no \
	"$(input accept 'udp dport { 53, 54321 } log prefix "accept " drop comment "accept it"')"
firewall "a map that lets in" good 'lets UDP port 54321 in' yes \
	"$(input drop 'udp dport vmap { 53 : drop, 50000-60000 : accept }')"
firewall "a map that refuses" problem 'a rule refuses' no \
	"$(input accept 'udp dport vmap { 53 : accept, 54321 : drop }')"
firewall "all but another port" problem 'a rule refuses' no \
	"$(input accept 'udp dport != 53 drop')"
firewall "a named set" problem 'a rule refuses' no '
	table inet filter {
		set ports { type inet_service; flags interval; elements = { 53, 54000-55000 }; }
		chain input { type filter hook input priority 0; udp dport @ports drop; }
	}'
firewall "a port beside an address" warning 'to some' no \
	"$(input accept 'ip saddr . udp dport { 127.0.0.1 . 54321 } drop')"
firewall "two protocols" warning 'to some' no \
	"$(input accept 'meta l4proto { tcp, udp } th dport 54321 drop')"
firewall "all but the farm" good 'lets UDP port 54321 in' yes \
	"$(input accept 'ip saddr 127.0.0.0/8 udp dport 54321 accept; udp dport 54321 drop')"
firewall "an accept that comes too late" problem 'a rule refuses' no \
	"$(input accept 'udp dport 54321 drop; udp dport 54321 accept')"
firewall "some" warning 'to some' yes \
	"$(input accept 'ip saddr 10.0.0.0/8 udp dport 54321 drop')"
firewall "a policy" warning 'no rule lets UDP port 54321 in' no \
	"$(input drop '')"
firewall "a policy and a rule" good 'lets UDP port 54321 in' yes \
	"$(input drop 'udp dport 54321 accept')"
firewall "a rule that takes all" warning 'no rule lets' no \
	"$(input accept 'ct state established accept; counter drop')"
firewall "a rule behind all" good 'no rule names' yes \
	"$(input accept 'accept; udp dport 54321 drop')"
firewall "other hooks" good 'nothing filters' yes '
	table inet filter {
		chain forward { type filter hook forward priority 0; policy drop; udp dport 54321 drop; }
		chain out { type filter hook output priority 0; udp dport 54322 drop; }
		chain unused { udp dport 54321 drop; }
	}'
firewall "a chain of its own" problem 'chain input: a rule refuses' no '
	table inet filter {
		chain farm { udp dport 53 accept; udp dport 54321 drop; }
		chain input { type filter hook input priority 0; tcp dport 22 accept; jump farm; }
	}'
firewall "a chain for the port" problem 'a rule refuses' no '
	table inet filter {
		chain farm { ip saddr 10.0.0.0/8 accept; drop; }
		chain input { type filter hook input priority 0; udp dport 54321 jump farm; }
	}'
firewall "ahead of routing" problem 'table ip raw, chain early: a rule refuses' no '
	table ip raw {
		chain early { type filter hook prerouting priority raw; udp dport 54321 drop; }
	}'
firewall "IPv6 alone" note 'IPv6' yes '
	table ip6 filter {
		chain input { type filter hook input priority 0; policy drop; }
	}'
[ "$(arrives ::1)" = no ] || fail "IPv6 alone: it is not dropped"

# With iptables, here the nftables variant.
iptables_rules() {
	what=$1 severity=$2 pattern=$3 wanted=$4
	shift 4
	nft flush ruleset
	for rule in "$@"; do
		# shellcheck disable=SC2086
		iptables $rule || fail "$what: iptables refuses $rule"
	done
	found firewall "$severity" "$pattern"
	cases=$((cases + 1))
	[ "$(arrives 127.0.0.1)" = "$wanted" ] || fail "$what: a datagram arrives: not $wanted"
	# The same without nft: only iptables-save lists the rules.
	nft=$(command -v nft)
	mount --bind /dev/null "$nft" 2>/dev/null || return
	found firewall "$severity" "$pattern"
	umount "$nft"
}
iptables_rules "iptables: a drop" problem 'chain INPUT: a rule refuses' no \
	'-A INPUT -p udp --dport 54321 -j DROP'
iptables_rules "iptables: a range" problem 'a rule refuses' no \
	'-A INPUT -p udp -m multiport --dports 53,54000:55000 -j REJECT'
iptables_rules "iptables: all but the farm" good 'lets UDP port 54321 in' yes \
	'-A INPUT -s 127.0.0.0/8 -p udp --dport 54321 -j ACCEPT' '-A INPUT -p udp --dport 54321 -j DROP'
iptables_rules "iptables: a policy" warning 'no rule lets' no '-P INPUT DROP'
iptables_rules "iptables: a chain" problem 'a rule refuses' no \
	'-N farm' '-A farm -p udp --dport 54321 -j DROP' '-A INPUT -i lo -j ACCEPT' \
	'-I INPUT -j farm'
iptables_rules "iptables: some" warning 'to some' yes \
	'-A INPUT -p udp ! -s 127.0.0.1 --dport 54321 -j DROP'
iptables_rules "iptables: other hooks" good 'no rule names' yes \
	'-A INPUT -p tcp --dport 54321 -j DROP' '-A FORWARD -p udp --dport 54321 -j DROP'

# iptables-legacy has separate tables, which nft does not list.
if iptables-legacy -S >/dev/null 2>&1; then
	what="iptables-legacy: a drop"
	nft flush ruleset
	iptables-legacy -A INPUT -p udp -m multiport --dports 53,54000:55000 -j DROP ||
		fail "$what: iptables-legacy refuses it"
	found firewall problem 'table iptables-legacy filter, chain INPUT: a rule refuses'
	[ "$(arrives 127.0.0.1)" = no ] || fail "$what: a datagram arrives"
	what="iptables-legacy that cannot be read"
	save=$(readlink -f "$(command -v iptables-legacy-save)")
	mount --bind /dev/null "$save" && {
		found firewall note 'rules of iptables-legacy, but they cannot be read'
		umount "$save"
	}
	iptables-legacy -F
else
	echo "iptables-legacy is left out: it does not work here"
fi

# Connection tracking, with real entries.
if [ -r /proc/sys/net/netfilter/nf_conntrack_count ]; then
	what="conntrack"
	nft flush ruleset
	input accept 'ct state established accept' | nft -f - || fail "nft refuses ct state"
	found conntrack warning 'every NEW takes an entry'
	arrives 127.0.0.1 >/dev/null
	[ "$(cat /proc/sys/net/netfilter/nf_conntrack_count)" -gt 0 ] || fail "nothing is tracked"
	found conntrack warning '\([1-9][0-9]* of [0-9]+ are taken\)'
	# Doctor's advice.
	nft -f - <<-'END' || fail "nft refuses notrack"
		table inet raw {
			chain prerouting { type filter hook prerouting priority raw; udp dport 54321 notrack; }
			chain output { type filter hook output priority raw; udp sport 54321 notrack; }
		}
	END
	found conntrack good 'not those of UDP port 54321'
	nft flush ruleset
	iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
	iptables -t raw -A PREROUTING -p udp --dport 54321 -j CT --notrack || fail "no CT target"
	found conntrack good 'not those of UDP port 54321'
else
	echo "conntrack is left out: this kernel has none"
fi
finish
