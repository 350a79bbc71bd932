#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# kill -9 at random points under load: while it serves, while it starts and adopts. Each time the next
# daemon finds every stored session unaltered, including those stored and read just before the kill, and
# no session in flight is altered; and the fast path has answered throughout. Ten times, with
# SESSIOND_LONG a hundred times.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

kills=10
[ -z "${SESSIOND_LONG:-}" ] || kills=100
# The loads of each kill store at most 2300: nothing is evicted, and nothing ends before the test does.
capacity=$((20000 + 2300 * kills))
place_for xdp
RANDOM=$$
note "random numbers from seed $$"

pause() # sleeps up to so many milliseconds
{
	sleep "$(printf '0.%03d' $((RANDOM % $1)))"
}

daemon_for xdp --capacity "$capacity"
udp store --count 3000 --seed 1 --timeout 7200 --confirm
farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" \
	--count 3000 --seed 1 --rate 2000 --forever
watch=$FARM_PID watched=$SECONDS

for i in $(seq "$kills"); do
	step "kill $i"
	# NEWs, and GETs of stored and unknown sessions, from the other terminator.
	farm_spawn t2 "$LOGS/load.log" "$TOOLS/udpclient" load "$FARM_CACHE" "$FARM_PORT" \
		--seed $((i + 10)) --rate 4000 --seconds 2 --count 2000
	load=$FARM_PID
	udp store --count 300 --seed $((i + 1000)) --rate 20000 --timeout 7200 --confirm
	pause 500
	farm_end "$FARM_DAEMON" KILL || true
	# Then a daemon that is killed soon after its start.
	farm_spawn cache "$LOGS/sessiond.log" "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" \
		--pin-dir "$LOGS/bpf" --mode xdp --xdp-mode native "${FARM_INTERFACES[@]}" \
		--capacity "$capacity"
	FARM_DAEMON=$FARM_PID
	pause 250
	farm_end "$FARM_DAEMON" KILL || true
	udp fetch --count 3000 --seed 1 --rate 50000
	daemon_for xdp --capacity "$capacity"
	expect_stat sessions ge 3000
	expect_stat sessions_adopted ge 3000
	expect_stat sessions_evicted eq 0
	udp fetch --count 3000 --seed 1 --rate 50000
	udp fetch --count 300 --seed $((i + 1000)) --rate 50000
	udp fetch --count 2000 --seed $((i + 10)) --rate 50000 --expect any
	farm_end "$load" || fail "the load got no reply: $(cat "$LOGS/load.log")"
	if [ $((SECONDS - watched)) -gt 100 ] || ! kill -0 "$watch" 2>/dev/null; then
		farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
		farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" \
			"$FARM_PORT" --count 3000 --seed 1 --rate 2000 --forever
		watch=$FARM_PID watched=$SECONDS
	fi
done
note "adopted: $(grep -c ' 0 damaged)' "$LOGS/sessiond.log") times"
grep -h 'adopted .* damaged)' "$LOGS/sessiond.log" | grep -v ', 0 damaged)' &&
	fail "sessions were damaged"

step "every GET was answered"
farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
note "the client: $(tail -n 1 "$LOGS/watch.log")"
