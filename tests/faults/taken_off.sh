#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The program is detached from an interface while the daemon runs: it is attached again within 2
# seconds, or a line with SLOW says why not.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
need_program bpftool
daemon_for xdp
udp store --count 50 --confirm

# The name of the link's pin includes the interface's index. bpftool 7.5 ends with 255, although it shows
# the link.
link_of()
{
	local pin

	pin=$FARM_DIR/bpf/$FARM_PORT/link-$(farm_in cache ip -o link show "$1" | cut -d: -f1)
	{ bpftool -j link show pinned "$pin" || true; } |
		grep -o '"id":[0-9]*' | cut -d: -f2
}

step "taken off t1 by bpftool"
id=$(link_of t1)
[ -n "$id" ] || fail "no link on t1"
farm_in cache bpftool link detach id "$id"
farm_wait 2 grep -q 'taken off t1, not by sessiond: attached again' "$LOGS/sessiond.log" ||
	fail "it is not on again"
expect_stat xdp_interfaces_detached eq 0
hits=$(farm_stat xdp_get_hits)
udp fetch --count 50
expect_stat xdp_get_hits ge $((hits + 50))
udp store --count 50 --seed 2 --confirm
grep -q 'is another interface now' "$LOGS/sessiond.log" && fail "it says that the interface is another"

step "taken off, and somebody else's program comes in its place"
farm_in cache bpftool link detach id "$(link_of t1)"
farm_in cache "$TOOLS/xdppass" t1
if farm_wait 3 grep -q 'SLOW: the XDP program was taken off t1' "$LOGS/sessiond.log"; then
	udp fetch --count 50 # by the sockets
	step "the other goes"
	farm_in cache ip link set dev t1 xdp off || farm_in cache ip link set dev t1 xdpgeneric off
	farm_wait 10 _stat_is xdp_interfaces_detached eq 0 || fail "it is not on again"
else
	# The daemon was faster than the other program.
	expect_stat xdp_interfaces_detached eq 0
fi
udp fetch --count 50
step "killed: it answers on, and is adopted"
farm_end "$FARM_DAEMON" KILL || true
udp fetch --count 50
daemon_for xdp
expect_stat sessions_adopted eq 100
