#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A host with thousands of addresses, as with kube-proxy: XDP answers at each, also after a restart, and
# at all 16 ports. Sockets answer at addresses that exceed the room reserved at the start, and XDP as
# soon as there is room.
. "$(dirname "$0")/lib.sh"

place_for xdp

# addresses add|del NET FROM TO: adds or deletes 10.NET.x.y/32 on lo, by number
addresses()
{
	seq "$3" "$4" | awk -v what="$1" -v net="$2" \
		'{ printf "addr %s 10.%d.%d.%d/32 dev lo\n", what, net, $1 / 256, $1 % 256 }' |
		farm_in cache ip -batch -
}

# by_xdp ADDRESS...: XDP answers there, not the daemon
by_xdp()
{
	local slow

	slow=$(farm_stat slow_get_hits)
	for TO in "$@"; do
		farm_in t1 ip route replace "$TO" via 10.201.1.1
		udp fetch --count 100
	done
	TO=
	[ "$(farm_stat slow_get_hits)" = "$slow" ] || fail "the daemon had to answer, not XDP"
}

killed()
{
	farm_end "$FARM_DAEMON" KILL || true
}

step "4200 addresses: a first start, and one after kill -9"
addresses add 60 0 4199
daemon_for xdp
udp store --count 100 --confirm
by_xdp 10.60.0.0 10.60.8.8 10.60.16.103
killed
udp fetch --count 100
daemon_for xdp
expect_stat sessions_adopted eq 100
by_xdp 10.60.0.0 10.60.8.8 10.60.16.103

step "as many again while it is down: the sessions stay, and XDP answers at all"
killed
addresses add 61 0 13999
daemon_for xdp
expect_stat sessions_adopted eq 100
by_xdp 10.60.0.0 10.61.0.0 10.61.54.175
! grep -qE 'SLOW|cannot tell' "$LOGS/sessiond.log" || fail "something had no room"

step "more than there is room for: sockets answer, and it is said once"
killed
addresses del 61 0 13999
addresses del 60 0 4199
farm_in cache rm -f "$LOGS/bpf/$FARM_PORT/sessions" # starts anew
daemon_for xdp
udp store --count 100 --confirm
began=$(date +%s)
addresses add 62 0 4999
grow_is_seen()
{
	[ "$(grep -c '^SLOW: the program.s list of addresses and ports is full' "$LOGS/sessiond.log")" -eq 1 ]
}
farm_wait 10 grow_is_seen || fail "it is not said"
sleep 1
grow_is_seen || fail "it is said more than once"

step "5000 addresses that come at once are nine lines a second in the log"
last=10.62.19.135
all_are_told()
{
	[ "$(sed -n 's/.*total: \([0-9]*\) local addresses added.*/\1/p' "$LOGS/sessiond.log" |
		awk '{ n += $1 } END { print n + 0 }')" -ge 4900 ]
}
farm_wait 10 all_are_told || fail "the log does not count them"
lines=$(grep -c 'local address' "$LOGS/sessiond.log")
[ "$lines" -le $((9 * ($(date +%s) - began + 2))) ] || fail "$lines lines"
farm_in t1 ip route replace "$last" via 10.201.1.1
TO=$last udp fetch --count 100

step "after others are removed there is room for all"
addresses del 62 0 2499
farm_wait 10 grep -q 'answers at every address of this host again' "$LOGS/sessiond.log" || fail "it is not said"
by_xdp "$last" 10.62.10.0
farm_end "$FARM_DAEMON" || fail "exit code $?"

step "16 ports at 300 addresses, twice"
addresses del 62 2500 4999
addresses add 63 0 299
ports=()
for ((port = FARM_PORT; port > FARM_PORT - 16; port--)); do
	ports+=(--listen "*:$port")
done
daemon_for xdp "${ports[@]}"
udp store --count 100 --confirm
killed
daemon_for xdp "${ports[@]}"
expect_stat sessions_adopted eq 100
main=$FARM_PORT
for FARM_PORT in "$main" $((main - 15)); do
	by_xdp 10.63.0.0 10.63.1.43
done
FARM_PORT=$main
farm_end "$FARM_DAEMON" || fail "exit code $?"
