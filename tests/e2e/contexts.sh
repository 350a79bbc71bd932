#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# contexts.sh MODE: services with different names find each other's sessions and resume none. The hit
# ratio does not show it; the estimate, the log and doctor do. With the same name they are silent.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_tls
place_for "$mode"
count=30

# Sessions are made at A, and B is asked to resume them; the estimate takes some seconds.
visit()
{
	farm_tls --count $count --threads 1 --delay 100 --tls "$1" --make "$FARM_A" --resume "$FARM_B" \
		>"$LOGS/tls-$1" 2>&1 || true
}

# within NAME LEAST MOST: comes true within ten seconds, because the estimate waits for NEWs.
_within()
{
	local n

	n=$(farm_stat "$1")
	[ "$n" -ge "$2" ] && [ "$n" -le "$3" ]
}

within()
{
	farm_wait 10 _within "$@" || fail "$1 is $(farm_stat "$1"), expected $2 to $3"
}

# Comes true once most uses are judged. The estimate pauses while the daemon waits for its CPU.
_judged()
{
	[ $(($(farm_stat resumed_estimate) + $(farm_stat not_resumed_estimate))) -ge $((2 * count * 7 / 10)) ]
}

judged()
{
	farm_wait 10 _judged || {
		note "too busy a machine for the estimate: it paused"
		return 1
	}
}

step "services farm and farm2"
daemon_for "$mode"
FARM_SERVICE_B=farm2
farm_terminators
visit 1.3
visit 1.2
# Late answers are misses: some may be lost on a busy machine.
expect_stat get_hits ge $((2 * count * 8 / 10))
within resumed_estimate 0 $((2 * count * 2 / 10))
farm_ctl contexts | tee -a "$LOGS/test.log"
for line in 'farm 1.3' 'farm 1.2' 'farm2 1.3' 'farm2 1.2'; do
	farm_ctl contexts | grep -q "^$line [0-9]* [0-9]* [0-9]*$" || fail "contexts lacks $line"
done
if judged; then
	within not_resumed_estimate $((2 * count * 5 / 10)) $((2 * count))
	farm_wait 5 grep -q 'sessions are found, but not resumed: .* Contexts here: farm.*, farm' \
		"$FARM_DIR/sessiond.log" || fail "the log does not warn"
	farm_ctl doctor lo >"$LOGS/doctor" || true
	grep -q '^warning *resumption: sessions are found, but not resumed' "$LOGS/doctor" ||
		fail "doctor does not warn: $(cat "$LOGS/doctor")"
fi
farm_ctl top --once >"$LOGS/top"
farm_close

step "both services farm"
rm -f "$LOGS"/sessiond.log "$LOGS"/stunnel-?.log
unset FARM_SERVICE_B
place_for "$mode"
daemon_for "$mode"
farm_terminators
# Who made the sessions, and that another terminator got them: counted while somebody looks.
farm_ctl watch >"$LOGS/watch" 2>&1 &
watching=$!
FARM_PIDS+=("$watching")
farm_wait 5 grep -q '^# every GET' "$LOGS/watch" || fail "watch: $(cat "$LOGS/watch")"
visit 1.3
visit 1.2
farm_ctl --json top >"$LOGS/top.json"
kill "$watching"
# What the clients saw. On a busy machine an answer may come too late for stunnel, which then makes
# a full handshake.
resumed=$(cat "$LOGS/tls-1.3" "$LOGS/tls-1.2" |
	awk '$1 == "made" { n += $4 } END { print n + 0 }')
[ "$resumed" -gt 0 ] || fail "no client resumed"
python3 - "$LOGS/top.json" $count "$resumed" <<'END' || fail "sources: $(cat "$LOGS/top.json")"
import json, sys
count = int(sys.argv[2])
rows = [row for row in json.load(open(sys.argv[1]))["sources"] if row["stored"]]
a = max(rows, key=lambda row: row["elsewhere"])
resumed = int(sys.argv[3])
assert a["stored"] >= 3 * count and a["elsewhere"] >= resumed * 9 / 10, (a, resumed)
assert sum(row["home"] for row in rows) <= count / 10
END
expect_stat get_hits ge "$resumed"
if judged; then
	within resumed_estimate $((2 * count * 5 / 10)) $((resumed + count / 5))
	note "$(farm_stat resumed_estimate) estimated, $resumed resumed"
fi
within not_resumed_estimate 0 $((2 * count - resumed + count / 5))
[ "$resumed" -ge $((2 * count * 8 / 10)) ] || exit 0
! grep -q 'not resumed' "$FARM_DIR/sessiond.log" || fail "the log warns without reason"
farm_ctl doctor lo >"$LOGS/doctor" || true
! grep -q '^warning *resumption' "$LOGS/doctor" || fail "doctor: $(cat "$LOGS/doctor")"
