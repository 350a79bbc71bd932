# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# For tests that run in a guest of scripts/nics. To be sourced by bash. A function that finds a fault calls
# fail; a row holds if its function did not.
#
#   row NAME FUNCTION...     makes a row
#   need NAME FUNCTION...    a row that later ones build on: it runs even if --row does not ask for it
#   not_here NAME WHY        says that this guest cannot have the row
#   fail TEXT                ends the row's function
#   wire [SERVER CLIENT]     connects eth0 and eth2, or these interfaces: addresses $S and $S6 at the
#                            server, the client in a namespace of its own
#   c COMMAND...             runs it at the client
#   serve OPTION...          starts the daemon; $daemon_log has what it logs
#   refused WORDS OPTION...  the daemon must end with an error that has these words
#   stop [SIGNAL]            ends the daemon
#   traffic HOST             stores sessions, GETs each and some that were never stored; every reply is
#                            checked, byte for byte
#   by_xdp COMMAND...        and XDP must have answered every GET, and every NEW have come from the program
#   reachable [HOST]         waits until the client's pings get replies
#   counter NAME             a value of sessionctl stats
#   until_true WHAT COMMAND...  waits until the command succeeds, else fails with WHAT
#   said WORDS               the daemon's log has a line with these words, now or soon
#   monitor COMMAND          runs a command of QEMU's monitor; the NICs are nic-s0 nic-s1 nic-c0 nic-c1
#
# Set by scripts/nics: GUEST, the name of the guest; BUILD, the folder with the programs.

S=10.9.0.1 S6=fd09::1
client=$BUILD/tests/e2e/udpclient
daemon_log=/run/sessiond.log
seed_file=/run/seed
# A row takes longer than this only if it hangs.
row_seconds=120

fail()
{
	echo "FAIL $*"
	exit 1
}

# In a process of its own, which may not return.
row()
{
	local name=$1 log=/run/row.log pid i verdict=0

	shift
	# shellcheck disable=SC2053
	[[ $name == $ROWS ]] || return 0
	echo "== $name"
	(set -m; ("$@") >$log 2>&1 & echo $! >/run/row.pid; wait $!; echo $? >/run/row.code) &
	pid=$!
	for ((i = 0; i < row_seconds * 5; i++)); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.2
	done
	if kill -0 $pid 2>/dev/null; then
		kill -9 -- "-$(cat /run/row.pid)" 2>/dev/null
		echo "FAIL it did not end within $row_seconds s" >>$log
		echo 1 >/run/row.code
	fi
	wait $pid
	cat $log
	verdict=$(cat /run/row.code)
	if [ "$verdict" = 0 ]; then
		echo "$TEST ok $name" >>/share/rows
	else
		echo "$TEST not ok $name: $(grep '^FAIL ' $log | tail -n 1 | cut -c 6- | grep . || tail -n 1 $log)" \
			>>/share/rows
		tail -n 5 $daemon_log 2>/dev/null
		dmesg | tail -n 5
	fi
	return "$verdict"
}

need()
{
	local ROWS='*'

	row "$@"
}

not_here()
{
	# shellcheck disable=SC2053
	[[ $1 != $ROWS ]] || echo "$TEST skip $1: $2" >>/share/rows
}

c()
{
	ip netns exec client "$@"
}

until_true()
{
	local what=$1 i

	shift
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	fail "$what"
}

# Replies on another VLAN, or to another interface, do not count: rp_filter.
wire()
{
	local server=${1:-eth0} its=${2:-eth2} name

	[ -e /run/netns/client ] || ip netns add client
	for name in eth2 eth3; do
		[ ! -e "/sys/class/net/$name" ] || ip link set "$name" netns client
	done
	c ip link set lo up
	for name in default all "$its"; do c sysctl -qw "net.ipv4.conf.$name.rp_filter=1"; done
	ip link set "$server" up
	c ip link set "$its" up
	ip addr replace $S/24 dev "$server"
	ip addr replace $S6/64 dev "$server" nodad
	c ip addr replace 10.9.0.2/24 dev "$its"
	c ip addr replace fd09::2/64 dev "$its" nodad
	reachable
}

# Waits until the link is up and the neighbours are known.
# shellcheck disable=SC2120
reachable()
{
	until_true "no reply to a ping of ${1:-$S}" c ping -c 1 -W 1 "${1:-$S}"
}

sessionctl()
{
	"$BUILD/sessionctl" "$@"
}

running()
{
	[ -e /run/sessiond.pid ] && kill -0 "$(cat /run/sessiond.pid)" 2>/dev/null
}

start()
{
	: >$daemon_log
	(cd / && exec "$BUILD/sessiond" -n 2000 --user "${user:-nobody}" "$@") >>$daemon_log 2>&1 </dev/null &
	echo $! >/run/sessiond.pid
	for ((i = 0; i < 300; i++)); do
		! sessionctl version >/dev/null 2>&1 || return 0
		running || return 1
		sleep 0.1
	done
	return 1
}

serve()
{
	start "$@" || fail "the daemon did not start: $(tail -n 1 $daemon_log)"
	cat $daemon_log
}

refused()
{
	local words=$1

	shift
	if start "$@"; then
		cat $daemon_log
		stop
		fail "the daemon started: $*"
	fi
	cat $daemon_log
	grep -q -- "$words" $daemon_log || fail "it said: $(tail -n 1 $daemon_log)"
}

# It ends with the process, which this shell may not wait for.
stop()
{
	local i

	kill "-${1:-TERM}" "$(cat /run/sessiond.pid)"
	for ((i = 0; i < 100; i++)); do
		running || return 0
		sleep 0.1
	done
	fail "the daemon did not stop"
}

said()
{
	until_true "the daemon did not say '$*'" grep -q -- "$*" $daemon_log
}

# counter NAME
counter()
{
	sessionctl stats | awk -v name="$1" '$1 == name { print $2 }'
}

# Sessions of the last traffic are there until the daemon goes.
sessions=16
traffic()
{
	local host=$1 seed

	seed=$(($(cat $seed_file 2>/dev/null || echo 0) + 1))
	echo $seed >$seed_file
	c timeout 20 "$client" store "$host" 54321 --count $sessions --seed $seed --rate 1000 --confirm ||
		fail "NEWs to $host are lost"
	stored "$host"
	c timeout 20 "$client" fetch "$host" 54321 --count 8 --seed $((seed + 1000000)) --expect miss ||
		fail "GETs of sessions that were never stored, from $host"
}

# stored HOST: GETs what the last traffic stored
stored()
{
	c timeout 20 "$client" fetch "$1" 54321 --count $sessions --seed "$(cat $seed_file)" --expect hit ||
		fail "GETs of stored sessions, from $1"
}

by_xdp()
{
	local before=/run/before hits news slow

	sessionctl stats >$before
	"$@"
	was() { awk -v name="$1" '$1 == name { print $2 }' $before; }
	hits=$(($(counter xdp_get_hits) - $(was xdp_get_hits)))
	news=$(($(counter xsk_received) - $(was xsk_received)))
	slow=$(($(counter xsk_fallback) - $(was xsk_fallback) + $(counter slow_get_hits) - $(was slow_get_hits)))
	[ $hits -ge $sessions ] || fail "XDP answered $hits GETs of $sessions"
	[ $news -ge $sessions ] || fail "the program handed over $news NEWs of $sessions"
	[ $slow -eq 0 ] || fail "$slow requests took the kernel's sockets"
}

monitor()
{
	echo "$*" >/share/ask.new
	mv /share/ask.new /share/ask
	until_true "the monitor took no command" test ! -e /share/ask
}

# What a test left, taken away.
reset()
{
	local name

	! running || stop KILL
	sessionctl detach
	for name in $(ip -br link | awk '{ print $1 }' | sed 's/@.*//'); do
		[ "$name" = lo ] || [ -e "/sys/class/net/$name/device" ] || ip link del "$name"
	done
	[ ! -e /run/netns/client ] || ip netns del client
	for name in eth2 eth3; do
		until_true "$name did not come back" test -e /sys/class/net/$name
	done
	for name in eth0 eth1 eth2 eth3; do
		ip link set $name down
		ip addr flush dev $name
		ip link set $name mtu 1500
		ethtool -K $name rxvlan on
	done
}
