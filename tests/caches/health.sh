#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The health check of dist/keepalived, as keepalived runs it: it fails while a cache reads the sessions of
# the others, for 30 s at most, and once the daemon is gone; it does not fail for engines that are down.

. "$(dirname "$0")/lib.sh"

conf=$SESSIOND_BUILD/../dist/keepalived/keepalived.conf
[ -r "$conf" ] || conf=$(dirname "$0")/../../dist/keepalived/keepalived.conf
script=$(sed -n 's/^\tscript "\(.*\)"$/\1/p' "$conf")
limit=$(sed -n 's/^\ttimeout \([0-9]*\)$/\1/p' "$conf")
[ "$script" = "/usr/sbin/sessionctl check 127.0.0.1" ] && [ "$limit" = 1 ] ||
	fail "keepalived.conf has another check than this test: $script, $limit s"
# shellcheck disable=SC2086 # the words of the script
healthy() {
	timeout "$limit" "$sessionctl" ${script#* } >"$folder/health" 2>&1
}
unhealthy() {
	! healthy
}
port=54321

engine one --maxmemory 256mb || finish
one=$started
cache a 7001 --farm "unix://$folder/one.redis" || finish
await 35 "a is ready" is_ready 7001
try store 7001 --count 80000 --seed 1 --rate 10000 --timeout 3000 >/dev/null
all_published() {
	sessions=$(stat a sessions)
	[ "$sessions" -gt 70000 ] && [ "$(stat a farm_published)" = "$sessions" ]
}
await 20 "a has published all" all_published
echo "a has $sessions sessions"

# Some 16 MB of history at 350 kB/s: three quarters of a minute.
relay narrow one 0 350000 || finish
cache b $port --farm "unix://$folder/narrow.redis" || finish
b=$started
began=$(date +%s%N)
await 10 "b has begun to read" has b farm_warm_up_sessions gt 0
cases=$((cases + 1))
unhealthy || fail "b is healthy before it has the sessions"
grep -q 'not ready: .*state=warming' "$folder/health" || fail "the check does not say why: $(cat "$folder/health")"
await 40 "b is healthy" healthy
took=$((($(date +%s%N) - began) / 1000000))
echo "b was unhealthy for $took ms, and had $(stat b farm_warm_up_percent) % of the sessions then"
[ "$took" -ge 25000 ] && [ "$took" -le 32000 ] || fail "b was unhealthy for $took ms, not for 30 s"
has b farm_warm_up_percent lt 100 || fail "the way is not narrow: b had all sessions"
# A GET is answered all the while.
client fetch $port --count 1000 --seed 77 --expect miss
stop b "$b"

# Engines that are down: since the start, and later.
cache c $port --farm "unix://$folder/nowhere.redis" --farm "unix://$folder/nobody.redis" || finish
c=$started
await 15 "c is healthy without an engine" healthy
stop c "$c"
cache d $port --farm "unix://$folder/one.redis" || finish
d=$started
await 35 "d, with all sessions, is healthy" healthy
has d sessions eq "$sessions" || fail "d has $(stat d sessions) sessions"
kill -9 "$one"
ended "$one"
await 20 "d sees that the engine is down" has d farm_engines_up eq 0
for _ in $(seq 30); do
	cases=$((cases + 1))
	healthy || fail "d is unhealthy without an engine: $(cat "$folder/health")"
	sleep 0.1
done

# A daemon that hangs, and one that is gone.
kill -STOP "$d"
await 10 "a daemon that is stopped is unhealthy" unhealthy
kill -CONT "$d"
await 10 "it goes on, and is healthy" healthy
kill -9 "$d"
ended "$d"
await 5 "a daemon that was killed is unhealthy" unhealthy
finish
