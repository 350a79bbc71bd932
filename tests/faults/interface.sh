#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# An interface changes while the daemon runs: down and up, another MTU, another name, deleted, moved to
# another namespace and back, recreated. The other interface keeps answering, the daemon survives, and
# XDP serves the interface again when it is back, without a restart, although the daemon has no
# privileges. If the kernel refuses that, the log says so, and sockets serve the interface.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
daemon_for xdp
udp store --count 500 --confirm

both()
{
	FROM=t1 udp fetch --count 500 || fail "t1 is not answered"
	FROM=t2 udp fetch --count 500 || fail "t2 is not answered"
	FROM=t2 udp store --count 50 --seed $((++seed)) --confirm || fail "NEWs do not arrive"
	kill -0 "$FARM_DAEMON" || fail "the daemon has ended"
}
seed=100

by_t1() # restores the route to the cache, which is deleted with the link
{
	farm_in t1 ip route replace 10.200.0.0/24 via 10.201.1.1
}

fast() # 100 GETs from a terminator, all answered by XDP
{
	local before

	before=$(farm_stat xdp_get_hits)
	FROM=$1 udp fetch --count 100
	expect_stat xdp_get_hits ge $((before + 100))
}

step "down and up"
farm_in cache ip link set t1 down
FROM=t2 udp fetch --count 500
farm_in cache ip link set t1 up
sleep 0.2
by_t1
both
fast t1

step "another MTU"
farm_in cache ip link set t1 mtu 1400
both
farm_in cache ip link set t1 mtu 9000 2>"$LOGS/mtu" || note "refused by the kernel: $(cat "$LOGS/mtu")"
both
farm_in cache ip link set t1 mtu 1500
both
fast t1

step "another name"
farm_in cache ip link set t1 down
farm_in cache ip link set t1 name renamed
farm_in cache ip link set renamed up
sleep 0.2
by_t1
both
fast t1
farm_in cache ip link set renamed down
farm_in cache ip link set renamed name t1
farm_in cache ip link set t1 up
sleep 0.2
by_t1
both

link_index()
{
	farm_in cache ip -o link show "$1" | cut -d : -f 1
}

pinned() # only the links of the interfaces that have the names now
{
	local expected

	expected=$(printf 'link-%s\n' "$(link_index t1)" "$(link_index t2)" | sort)
	[ "$(cd "$LOGS/bpf/$FARM_PORT" && printf '%s\n' link-* | sort)" = "$expected" ] ||
		fail "pinned are $(cd "$LOGS/bpf/$FARM_PORT" && echo link-*), expected" $expected
}

logged() # COUNT TEXT
{
	[ "$(grep -c "$2" "$LOGS/sessiond.log")" -eq "$1" ]
}

step "to another namespace"
farm_in cache ip link set t1 netns "/run/netns/$FARM_LAB-t2"
FROM=t2 udp fetch --count 500
FROM=t2 udp store --count 50 --seed 7 --confirm
farm_wait 2 logged 2 'no interface is named t1' || fail "it is not logged" # and once at the renaming

step "and back"
farm_in t2 ip link set t1 netns "/run/netns/$FARM_LAB-cache"
t1_is_there()
{
	farm_in cache ip address add 10.201.1.1/30 dev t1
	farm_in cache ip link set t1 up
	farm_in t1 ip link set cache up
	sleep 0.3
	by_t1
}
t1_is_there
both
fast t1
FROM=t1 udp store --count 50 --seed 9 --confirm # an unbound AF_XDP socket would receive none
pinned

step "gone"
farm_in cache ip link delete t1
FROM=t2 udp fetch --count 500
FROM=t2 udp store --count 50 --seed 8 --confirm
farm_ctl stats >/dev/null || fail "the admin socket does not answer"

new_t1() # [OPTION-OF-THE-PEER...]
{
	ip link add name t1 netns "$FARM_LAB-cache" type veth \
		peer name cache netns "$FARM_LAB-t1" "$@"
	farm_in t1 ip address add 10.201.1.2/30 dev cache
	farm_in t1 "$TOOLS/xdppass" cache
	t1_is_there
}

step "a new one of the same name: XDP answers there, without a restart"
new_t1
expect_stat xdp_interfaces_reattached eq 1
expect_stat xdp_interfaces_detached eq 0
logged 1 't1 is another interface now (index [0-9]*): native XDP on it' || fail "it is not logged"
both
fast t1
FROM=t1 udp store --count 50 --seed 10 --confirm
pinned

step "another one takes the name, and the first lives on under another: the program goes to the name"
farm_in cache ip link set t1 down
farm_in cache ip link set t1 name former
farm_in cache ip link set former up
farm_in t1 ip link set cache name before
farm_in cache ip address flush dev former
farm_in t1 ip address flush dev before
new_t1
expect_stat xdp_interfaces_reattached eq 2
both
fast t1
pinned
if farm_in cache ip -details link show former | grep -q 'prog/xdp'; then
	fail "the program is still on it"
fi
farm_in cache ip link delete former

step "one whose peer's MTU is too large for XDP: the log says so, and the socket answers"
farm_in cache ip link delete t1
new_t1 mtu 9000
if farm_wait 2 logged 1 't1 is another interface now.*SLOW'; then
	expect_stat xdp_interfaces_detached eq 1
	both
	step "and once it is not, and the interface changes, XDP"
	farm_in t1 ip link set cache mtu 1500
	farm_in cache ip link set t1 mtu 1400
	expect_stat xdp_interfaces_reattached eq 3
	# Earlier tries failed too: the reason was logged only once.
	logged 1 't1 is another interface now.*SLOW' || fail "it is logged more than once"
	both
	fast t1
else
	note "this kernel attaches to it all the same: not tested"
fi

step "restarted"
farm_end "$FARM_DAEMON" USR2 || fail "exit code $?"
FROM=t1 udp fetch --count 500
daemon_for xdp
both
fast t1
pinned

step "kill -9 and start again: XDP keeps answering there, and the pins are adopted"
farm_end "$FARM_DAEMON" KILL || true
FROM=t1 udp fetch --count 500
daemon_for xdp
both
fast t1
fast t2
pinned
farm_end "$FARM_DAEMON" || fail "exit code $?"
[ ! -e "$LOGS/bpf/$FARM_PORT" ] || fail "pins are left: $(ls "$LOGS/bpf/$FARM_PORT")"
