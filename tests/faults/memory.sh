#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# memory.sh MODE: a memory limit (cgroup) that is too small for a start: it ends at once with one line,
# leaves nothing that prevents the next start, and its exit code tells whether a retry may help. Then a
# limit that is reached while it runs: stored sessions are served, the daemon logs what it could not
# store or is killed, and it recovers once memory is available.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$*"

mode=$1
place_for "$mode"
interfaces=()
[ "$mode" != xdp ] || interfaces=("${FARM_INTERFACES[@]}")
name=sessiond-test-$$
if [ -e /sys/fs/cgroup/cgroup.controllers ] && grep -qw memory /sys/fs/cgroup/cgroup.subtree_control
then
	group=/sys/fs/cgroup/$name limit=memory.max none=max
	mkdir "$group" 2>/dev/null || skip "no cgroup can be made here"
elif [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
	group=/sys/fs/cgroup/memory/$name limit=memory.limit_in_bytes none=-1
	mkdir "$group" 2>/dev/null || skip "no cgroup can be made here"
else
	skip "there is no cgroup controller for memory here"
fi
AT_END+=("farm_end \$FARM_DAEMON KILL; sleep 0.2; rmdir '$group'")

hits() # how often the limit was hit
{
	if [ "$limit" = memory.max ]; then
		awk '$1 == "max" { print $2 }' "$group/memory.events"
	else
		cat "$group/memory.failcnt"
	fi
}

in_group() # COMMAND...
{
	bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" "$@"
}

step "too little to start"
echo $((3 << 20)) >"$group/$limit"
code=0
_farm_prefix cache
in_group "${FARM_PREFIX[@]}" timeout 20 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" \
	--capacity 5000000 --mode "$mode" ${FARM_MOUNTED:+--pin-dir "$LOGS/bpf"} \
	"${interfaces[@]}" 2>"$LOGS/refused" || code=$?
note "exit code $code: $(tail -n 1 "$LOGS/refused")"
[ "$code" -eq 2 ] || fail "exit code $code: only an edit can mend that"
grep -q -- '--capacity 5000000: needs up to' "$LOGS/refused" || fail "it does not say why"

step "enough, but somebody has it"
echo $((400 << 20)) >"$group/$limit"
# Not by in_group: a function would leave a shell between the test and the process to kill.
bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" python3 -c 'import time
hog = b"x" * (350 << 20)
print("full", flush=True)
time.sleep(30)' >"$LOGS/hog" &
hog=$!
farm_wait 10 grep -q full "$LOGS/hog" || fail "no memory could be taken"
for check in '' --check; do
	code=0
	# shellcheck disable=SC2086 # none, or one
	in_group "${FARM_PREFIX[@]}" timeout 20 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" \
		--capacity 300000 --mode "$mode" ${FARM_MOUNTED:+--pin-dir "$LOGS/bpf"} \
		"${interfaces[@]}" $check 2>"$LOGS/refused" || code=$?
	note "exit code $code: $(tail -n 1 "$LOGS/refused")"
	[ "$code" -eq 1 ] || fail "exit code $code: it may come free"
	grep -q -- '--capacity 300000: needs up to' "$LOGS/refused" || fail "it does not say why"
done
kill "$hog"
wait "$hog" || true
echo $none >"$group/$limit"

step "enough"
touch "$LOGS/sessiond.log"
farm_spawn cache "$LOGS/sessiond.log" bash -c 'echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" \
	"$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --capacity 200000 --mode "$mode" \
	${FARM_MOUNTED:+--pin-dir "$LOGS/bpf"} "${interfaces[@]}"
FARM_DAEMON=$FARM_PID
farm_wait 20 farm_ctl version || fail "it does not start: $(tail -n 2 "$LOGS/sessiond.log")"
udp store --count 2000 --seed 1 --rate 20000 --confirm

step "no more than it has now"
if [ "$limit" = memory.max ]; then
	cat "$group/memory.current" >"$LOGS/used"
else
	cat "$group/memory.usage_in_bytes" >"$LOGS/used"
fi
# The table is there from the start; 80000 sessions take some 1.3 MB besides it.
echo $(($(cat "$LOGS/used") + (256 << 10))) >"$group/$limit"
before=$(hits)
# A busy machine may lose NEWs: again, until the limit is reached.
for round in $(seq 24); do
	udp store --count 10000 --seed $((2 + round % 8)) --rate 50000 2>/dev/null || break
	[ "$round" -lt 8 ] || [ "$(hits)" -eq "$before" ] || break
done
sleep 0.5
note "the limit was run into $(($(hits) - before)) times"
[ "$(hits)" -gt "$before" ] || fail "the limit was not reached"
if kill -0 "$FARM_DAEMON" 2>/dev/null && farm_ctl version >/dev/null 2>&1; then
	note "it lives: $(farm_stat sessions) sessions, $(farm_stat new_failed) NEWs failed"
	udp fetch --count 2000 --seed 1
	echo $none >"$group/$limit"
	step "memory again"
	udp store --count 1000 --seed 20 --rate 20000 --confirm
else
	note "the kernel has ended it"
	if [ "$mode" = xdp ]; then
		udp fetch --count 2000 --seed 1 # answered by the fast path, which outlives it
	fi
	echo $none >"$group/$limit"
	step "memory again, and a new daemon"
	daemon_for "$mode" --capacity 200000
	udp store --count 1000 --seed 20 --rate 20000 --confirm
fi
[ "$mode" != xdp ] || udp fetch --count 2000 --seed 1
