#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# time_namespace.sh MODE: in a time namespace, whose clock is ahead of the kernel's or behind it,
# sessions live exactly as long as they should; also after an adoption from outside.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1"

mode=$1
[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
unshare -T --monotonic 1 --fork true 2>/dev/null || skip "no time namespace can be made here"
place_for "$mode"

# daemon_at SECONDS: starts a daemon whose clock is that far ahead.
daemon_at()
{
	unshare -T --monotonic "$1" --fork sleep 100 &
	FARM_PIDS+=("$!")
	farm_wait 5 pgrep -P "$!" sleep >/dev/null || fail "no time namespace"
	AT_END+=("kill $(pgrep -P "$!" sleep)") # unshare waits for it and ignores signals
	cat >"$LOGS/sessiond" <<-END
		#!/bin/sh
		exec nsenter --time=/proc/$(pgrep -P "$!" sleep)/ns/time -- "$BUILD/sessiond" "\$@"
	END
	chmod +x "$LOGS/sessiond"
	FARM_SESSIOND=$LOGS/sessiond daemon_for "$mode" --keep
}

uptime=$(cut -d. -f1 /proc/uptime)
for ahead in 1000000 $((5 - uptime)); do
	step "a clock that is $ahead seconds ahead"
	daemon_at "$ahead"
	udp store --count 50 --seed 1 --timeout 3
	udp store --count 50 --seed 2 --timeout 100
	expect_stat new_stored eq 100
	udp fetch --count 50 --seed 1
	udp fetch --count 50 --seed 2
	sleep 3.2
	udp fetch --count 50 --seed 1 --expect miss
	udp fetch --count 50 --seed 2
	expect_stat sessions eq 50
	expect_stat uptime_seconds le 30
	left=$(farm_ctl list | awk '{ print $2 }' | sort -n | sed -n '1p;$p' | tr '\n' ' ')
	note "seconds left: $left"
	for n in $left; do
		[ "$n" -gt 60 ] && [ "$n" -le 100 ] || fail "$n seconds are left of 100"
	done
	farm_end "$FARM_DAEMON" || fail "the daemon ended badly"
	if [ "$mode" = xdp ]; then
		step "adopted by a daemon outside"
		daemon_for "$mode"
		expect_stat sessions_adopted eq 50
		udp fetch --count 50 --seed 2
		farm_ctl list | awk '$2 > 100 || $2 < 60 { exit 1 }' || fail "other ends than before"
		farm_end "$FARM_DAEMON" || fail "the daemon ended badly"
	fi
done
