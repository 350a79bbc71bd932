#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# clock.sh MODE PRELOAD: a wall clock that jumps by two hours at each reading changes nothing: sessions
# live exactly as long as they should.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1"

mode=$1 preload=$2
place_for "$mode"
if ldd "$BUILD/sessiond" | grep -qE 'lib[at]san'; then
	skip "nothing can be preloaded before a sanitizer"
fi
export LD_PRELOAD=$preload WALLCLOCK_LOADED=$LOGS/loaded
daemon_for "$mode"
unset LD_PRELOAD WALLCLOCK_LOADED
[ -L "$LOGS/loaded" ] || fail "it was not preloaded"

step "sessions of 3 seconds, and of 300"
udp store --count 200 --seed 1 --timeout 300 --confirm
udp store --count 200 --seed 2 --timeout 3
stored=$EPOCHREALTIME
udp fetch --count 200 --seed 2
for _ in 1 2 3 4; do
	farm_ctl list >/dev/null # shows the seconds left of each
	udp fetch --count 200 --seed 1
	sleep 0.3
done
elapsed=$(awk -v a="$stored" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
awk -v e="$elapsed" 'BEGIN { exit !(e < 2.5) }' && udp fetch --count 200 --seed 2
step "they end in time"
sleep 3
udp fetch --count 200 --seed 2 --expect miss
expect_stat sessions eq 200
expect_stat sessions_expired eq 200
udp fetch --count 200 --seed 1
left=$(farm_ctl list | awk '{ print $2 }' | sort -n | sed -n '1p;$p' | tr '\n' ' ')
note "seconds left: $left"
for n in $left; do
	[ "$n" -gt 280 ] && [ "$n" -le 300 ] || fail "$n seconds are left of 300"
done
