# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Shared by the tests of a farm of caches: real daemons and a real redis-server (or the program that
# SESSIOND_TEST_ENGINE names, such as valkey-server) in a network namespace of the test. Cache NAME
# answers at 127.0.0.1 on a port of its own, its admin socket is $folder/NAME.sock. Each test prints
# its figures.
# shellcheck shell=sh

# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

udpclient=$SESSIOND_BUILD/tests/e2e/udpclient
engine_program=${SESSIOND_TEST_ENGINE:-redis-server}
command -v "$engine_program" >/dev/null || skip "$engine_program is not installed"
[ -x "$udpclient" ] || skip "udpclient is not built"
[ -r /proc/self/status ] || skip "/proc is not mounted"
"$sessionctl" key new "$folder/key" >/dev/null || exit 1
if "$sessiond" --check --user root --farm unix:///nowhere --farm-key "$folder/key" 2>&1 | grep -q 'built without'; then
	skip "this sessiond is built without a farm of caches"
fi

# engine NAME [OPTION...]: starts an engine at the Unix socket $folder/NAME.redis without persistence,
# and waits until it answers. Sets $started to its pid. `engine_at NAME PORT` starts one on loopback.
engine() {
	engine_name=$1
	shift
	engine_run "$engine_name" --port 0 "$@"
}

engine_at() {
	engine_name=$1 engine_port=$2
	shift 2
	engine_run "$engine_name" --port "$engine_port" --bind 127.0.0.1 "$@"
}

engine_run() {
	name=$1
	shift
	"$engine_program" --unixsocket "$folder/$name.redis" --dir "$folder" --save '' --appendonly no \
		--maxmemory-policy noeviction --daemonize no "$@" >"$folder/$name.redis.log" 2>&1 </dev/null &
	started=$!
	daemons="$daemons $started"
	for _ in $(seq 100); do
		ask_engine "$name" PING 2>/dev/null | grep -q PONG && return 0
		sleep 0.1
	done
	fail "engine $name does not answer"
	cat "$folder/$name.redis.log"
	return 1
}

# relay NAME TO DELAY_MS BYTES_PER_SECOND: a long or narrow way (relay.py) to engine TO, at the socket
# $folder/NAME.redis. Sets $started to its pid.
relay() {
	python3 "$(dirname "$0")/relay.py" "$folder/$1.redis" "$folder/$2.redis" "$3" "$4" \
		>"$folder/$1.relay.log" 2>&1 </dev/null &
	started=$!
	daemons="$daemons $started"
	for _ in $(seq 100); do
		ask_engine "$1" PING 2>/dev/null | grep -q PONG && return 0
		sleep 0.1
	done
	fail "the relay to $2 does not work: $(cat "$folder/$1.relay.log")"
	return 1
}

# ask_engine NAME COMMAND...
ask_engine() {
	engine_socket=$folder/$1.redis
	shift
	redis-cli -s "$engine_socket" "$@"
}

# cache NAME PORT [OPTION...]: starts a cache of the farm. The engines come as options.
cache() {
	cache_name=$1 cache_port=$2
	shift 2
	start "$cache_name" "$cache_port" --mode socket --threads 1 --listen 127.0.0.1 --capacity 200000 \
		--farm-key "$folder/key" --farm-node "$cache_name" "$@"
}

stat() {
	"$sessionctl" -C "$folder/$1.sock" stats 2>/dev/null | sed -n "s/^$2 //p"
}

# await SECONDS WHAT COMMAND...: waits until a command succeeds, polling. Prints how long it took.
await() {
	seconds=$1 what=$2
	shift 2
	cases=$((cases + 1))
	began=$(date +%s%N)
	while ! "$@" >/dev/null 2>&1; do
		if [ $(($(date +%s%N) - began)) -gt $((seconds * 1000000000)) ]; then
			fail "not within $seconds s: $what"
			return 1
		fi
		sleep 0.05
	done
	echo "$what: after $((($(date +%s%N) - began) / 1000000)) ms"
}

# has NAME FIGURE OPERATOR NUMBER
has() {
	has_value=$(stat "$1" "$2")
	# shellcheck disable=SC1072,SC1073 # the operator is an argument
	[ -n "$has_value" ] && test "$has_value" "-$3" "$4"
}

is_ready() {
	"$sessionctl" check "127.0.0.1:$1"
}

# client COMMAND PORT OPTION...: udpclient against a cache; fails the test if it fails.
client() {
	cases=$((cases + 1))
	client_command=$1 client_port=$2
	shift 2
	"$udpclient" "$client_command" 127.0.0.1 "$client_port" "$@" >"$folder/client" 2>&1
	client_code=$?
	echo "$client_command at $client_port $*: $(cat "$folder/client")"
	[ "$client_code" -eq 0 ] || fail "$client_command at $client_port $*"
	return "$client_code"
}

# The same without a verdict.
try() {
	try_command=$1 try_port=$2
	shift 2
	"$udpclient" "$try_command" 127.0.0.1 "$try_port" "$@"
}

resident_kib() {
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# ended PID: forgets a process that was killed.
ended() {
	wait "$1" 2>/dev/null
	rest=
	for pid in $daemons; do
		[ "$pid" = "$1" ] || rest="$rest $pid"
	done
	daemons=$rest
}

# As in tests/cli/lib.sh; and no sanitizer has found anything.
finish() {
	for log in "$folder"/*.log; do
		if grep -qE 'Sanitizer|runtime error' "$log"; then
			fail "a sanitizer found a fault: ${log##*/}"
			grep -E -m 1 -A 40 'Sanitizer|runtime error' "$log"
		fi
	done
	echo "$cases commands, $failures failures"
	[ "$failures" -eq 0 ]
	exit
}
