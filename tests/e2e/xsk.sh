#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# NEWs arrive from the program of every interface that has it, over IPv4 and IPv6, in rings or (--busy-poll)
# by AF_XDP, and by the UDP socket from other interfaces; a new daemon opens both ways again.
. "$(dirname "$0")/lib.sh"

place_for xdp

# arrive COUNT OFFSET: stores COUNT sessions from t1, which must be readable and have come from the program.
arrive()
{
	local received fallback

	received=$(farm_stat xsk_received) fallback=$(farm_stat xsk_fallback)
	udp store --count "$1" --confirm
	expect_stat xsk_received ge $((received + $1))
	expect_stat xsk_fallback eq "$fallback"
}

for option in '' --busy-poll; do
	step "a daemon with options '$option'"
	# shellcheck disable=SC2086
	daemon_for xdp $option
	[ "$(farm_stat xsk_sockets)" -ge "$((${#FARM_INTERFACES[@]} / 2))" ] ||
		skip "AF_XDP is unavailable here"
	arrive 500
	TO=$FARM_CACHE6 arrive 500

	step "from the host itself, where no program is"
	fallback=$(farm_stat xsk_fallback)
	FROM=cache udp store --count 200 --confirm
	expect_stat xsk_fallback ge $((fallback + 200))

	step "kill -9; NEWs go nowhere, GETs are answered; start again"
	farm_end "$FARM_DAEMON" KILL || true
	udp store --count 10 || true # the sender gets an ICMP error
	udp fetch --count 500
	# shellcheck disable=SC2086
	daemon_for xdp $option
	expect_stat sessions_adopted ge 500
	arrive 600
	for name in malformed checksum ring_full no_frame; do
		expect_stat "xsk_drop_$name" eq 0
	done
	step "stop"
	farm_end "$FARM_DAEMON" || fail "the daemon ended badly"
done
