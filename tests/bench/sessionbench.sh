#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessionbench against the classic server on loopback: every workload runs, every kind of wrong reply is
# detected. Nothing is timed.
set -u
bench=$1 classic=$2
work=$(mktemp -d)
server=

stop_server() {
	[ -n "$server" ] && kill "$server" && wait "$server"
	server=
}
trap 'stop_server; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

fail() {
	echo "FAIL: $*"
	cat "$work/out"
	exit 1
}

# start ARGS...: starts a server on a free port, $port.
start() {
	stop_server
	: >"$work/port"
	"$classic" "$@" 0 >"$work/port" &
	server=$!
	for _ in $(seq 100); do
		read -r _ port <"$work/port" && return
		sleep 0.05
	done
	fail "the classic server did not start"
}

# expect CODE ARGS...
expect() {
	code=$1
	shift
	"$bench" -q "$@" >"$work/out" 2>&1
	got=$?
	[ $got -eq "$code" ] || fail "exit code $got instead of $code: sessionbench $*"
}

start
expect 0 --count 5000 --require-hits "127.0.0.1:$port"
expect 0 --count 5000 --require-hits --no-preload --keys zipf --threads 2 "[::1]:$port"
expect 0 --count 2000 --workload miss "127.0.0.1:$port"
expect 0 --count 2000 --workload new "127.0.0.1:$port"
expect 0 --count 2000 --workload mix --rate 10k "127.0.0.1:$port"
expect 0 --count 2000 --value 1-1400 --seed 2 --sessions 500 "127.0.0.1:$port"
# A preload in two parts, and --first skips earlier sessions.
expect 0 --seed 3 --sessions 300 --preload-only "127.0.0.1:$port"
expect 0 --seed 3 --sessions 900 --first 300 --count 5000 --require-hits "127.0.0.1:$port"
expect 0 --seed 4 --sessions 900 --first 300 --preload-only "127.0.0.1:$port"
expect 0 --seed 4 --sessions 300 --no-preload --count 500 --json "127.0.0.1:$port"
grep -q '"misses": 500' "$work/out" || fail 'sessions before --first were stored'
expect 2 --sessions 10 --first 11 "127.0.0.1:$port"
# Each session once, then the run ends.
expect 0 --seed 3 --sessions 900 --no-preload --keys each --threads 2 --require-hits --json "127.0.0.1:$port"
grep -q '"hits": 900' "$work/out" || fail 'not each session was asked for once'
expect 2 --keys each --workload miss "127.0.0.1:$port"
expect 2 --keys most "127.0.0.1:$port"
expect 2 --warm-up 10 "127.0.0.1:$port"
# Other values under the same keys.
expect 1 --count 2000 --value 145 --sessions 500 --no-preload "127.0.0.1:$port"
grep -q 'WRONG.*length' "$work/out" || fail 'a wrong length was not named'
expect 0 --workload remove --seed 2 --value 1-1400 --sessions 500 "127.0.0.1:$port"
expect 1 --count 100 --require-hits --no-preload --seed 2 "127.0.0.1:$port"

expect 0 --count 2000 --json "127.0.0.1:$port"
grep -q '"hits": 2000' "$work/out" || fail 'the JSON does not tell 2000 hits'
grep -q '"wrong": 0' "$work/out" || fail 'the JSON does not tell that nothing was wrong'

# Each fault by its name. The preload of so few sessions gets only correct replies.
for fault in value:value key:key timeout:timeout length:length other:value; do
	start --corrupt "${fault%:*}" --every 450
	expect 1 --count 4000 --sessions 50 --rate 20k "127.0.0.1:$port"
	grep -q "WRONG.*${fault#*:}" "$work/out" || fail "fault ${fault%:*} was not named"
done
start --corrupt miss --every 450
expect 1 --count 2000 --workload miss "127.0.0.1:$port"
grep -q 'WRONG.*never stored' "$work/out" || fail 'a hit of what was never stored was not named'

# Lost and late replies are counted, but are not a failure.
start --corrupt lose --every 100
expect 0 --count 1000 --no-preload --workload miss --patience 50ms --json "127.0.0.1:$port"
grep -q '"lost": 10,' "$work/out" || fail 'ten lost replies were not counted'
start --corrupt delay --every 100
expect 0 --count 1000 --workload miss --rate 5k --json "127.0.0.1:$port"
grep -q '"late": 0,' "$work/out" && fail 'no late reply was counted'

# A load that was held up reports it, and does not count the server as late.
start
"$bench" -q --count 4000 --workload miss --rate 5k --deadline 50ms --json "127.0.0.1:$port" \
	>"$work/out" 2>&1 &
load=$!
sleep 0.3
kill -STOP $load
sleep 0.2
kill -CONT $load
wait $load || fail 'a load that was held up failed'
held=$(sed -n 's/.*"longest_ns": \([0-9]*\).*/\1/p' "$work/out")
[ "${held:-0}" -gt 150000000 ] || fail 'a load that was stopped does not say that it was held up'
grep -q '"late": 0,' "$work/out" && fail 'no reply was late for a load that was stopped'
grep -q '"late_served": 0,' "$work/out" || fail 'the server is held to be late for a stopped load'

expect 2
expect 2 nohost.invalid
expect 2 --value 1401 "127.0.0.1:$port"
stop_server
expect 1 --count 10 --workload miss "127.0.0.1:$port"
exit 0
