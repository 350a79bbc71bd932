#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# rate_limit.sh MODE: with --rate-limit, a terminator that floods the cache with NEWs and GETs costs
# another one neither sessions nor answers; without it, the other one loses sessions.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
place_for "$mode"

gone_mad()
{
	FROM=t2 udp store --count 20000 --seed 99 --rate 20000 "$@"
}

step "without a limit, new sessions of one drive those of the other out"
daemon_for "$mode" --capacity 4000
udp store --count 400
expect_stat new_stored ge 400
gone_mad
expect_stat new_stored ge 10000
note "$(farm_stat new_stored) stored, $(farm_stat sessions_evicted) evicted"
expect_stat sessions_evicted ge 6000
if udp fetch --count 400 >"$LOGS/fetch" 2>&1; then
	fail "no session was driven out: this test shows nothing"
fi
farm_end "$FARM_DAEMON"

step "with a limit they stay"
daemon_for "$mode" --capacity 4000 --rate-limit 4000/500
udp store --count 400
expect_stat new_stored ge 400
gone_mad
expect_stat drop_limit_new ge 15000
note "$(farm_stat new_stored) stored, $(farm_stat drop_limit_new) over the limit"
expect_stat sessions_evicted eq 0
expect_stat new_stored le 3500
udp fetch --count 400

step "a flood of GETs of one, and every GET of the other is answered"
farm_spawn t2 "$LOGS/flood.log" "$TOOLS/udpclient" load "$FARM_CACHE" "$FARM_PORT" --seed 7 \
	--rate 40000 --seconds 4
flood=$FARM_PID
farm_ctl top --once >"$LOGS/top" &
top=$!
udp fetch --count 400 --seconds 3 --rate 1000
wait "$flood" || true
expect_stat drop_limit_get ge 50000
note "$(farm_stat drop_limit_get) GETs over the limit, $(farm_stat get_hits) hits"
if [ "$mode" = xdp ]; then
	expect_stat xdp_drop_limit_get ge 50000
	expect_stat slow_drop_limit_get eq 0
fi

step "sessionctl top has named it"
wait "$top"
first=$(sed -n '/^sources that send most/{n;p}' "$LOGS/top")
note "$first"
if [ "$FARM_PLACE" = lab ]; then
	[[ $first == 10.201.2.* ]] || fail "the source that sends most is not terminator B's"
fi
