#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# full.sh MODE: a hundred times as many sessions as the capacity. The cache does not exceed its
# capacity, the newest sessions are there, memory does not grow, and a REMOVE makes room.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$*"

mode=$1
place_for "$mode"
daemon_for "$mode" --capacity 500
resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$FARM_DAEMON/status"
}

udp store --count 1000 --seed 1 --rate 20000
before=$(resident)
step "50,000 sessions into 500 places"
for seed in $(seq 2 11); do
	udp store --count 5000 --seed "$seed" --rate 40000
	[ "$(farm_stat sessions)" -le 500 ] || fail "$(farm_stat sessions) sessions"
done
udp store --count 100 --seed 12 --confirm
udp fetch --count 100 --seed 12
expect_stat sessions eq 500
expect_stat sessions_evicted gt 1000
after=$(resident)
note "resident: $before kB before, $after kB after"
[ $((after - before)) -lt 1024 ] || fail "memory grew from $before to $after kB"
udp remove --count 100 --seed 12
expect_stat sessions eq 400
udp store --count 100 --seed 13 --confirm
