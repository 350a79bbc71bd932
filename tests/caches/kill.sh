#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A cache is killed under load: every session whose NEW was stored more than 100 ms before is answered
# by the other, byte for byte. Then it comes back empty and has all of them again.

. "$(dirname "$0")/lib.sh"

engine one || finish
one=$started
engine two || finish
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis"
# shellcheck disable=SC2086
cache a 7001 $farm || finish
a=$started
# shellcheck disable=SC2086
cache b 7002 $farm || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002

# One client and one reader thread: sessions are stored in their order.
"$udpclient" store 127.0.0.1 7001 --count 100000 --rate 20000 --seed 5 >"$folder/load" 2>&1 &
load=$!
await 30 "a has 30,000 sessions" has a sessions ge 30000
stored=$(stat a new_stored)
drops=$(($(stat a drop_socket_buffer) + $(stat a drop_queue_full)))
sleep 0.1
kill -9 "$a"
echo "a is killed: $stored sessions were stored 100 ms before, $drops NEWs were lost before a"
ended "$a"
kill -9 "$load" 2>/dev/null
wait "$load" 2>/dev/null
[ "$drops" -eq 0 ] || skip "this machine is too busy: a lost NEWs, so that its sessions are not the first ones"
client fetch 7002 --count "$stored" --rate 50000 --seed 5

# It warms up again, and GETs are answered meanwhile.
# shellcheck disable=SC2086
cache a 7001 $farm || finish
"$udpclient" fetch 127.0.0.1 7001 --seconds 3 --rate 2000 --count 1000 --seed 77 --expect miss >"$folder/gets" 2>&1 &
gets=$!
await 35 "a is ready again" is_ready 7001
await 10 "a has all sessions again" has a sessions ge "$stored"
client fetch 7001 --count "$stored" --rate 50000 --seed 5
wait "$gets" || fail "GETs during the warm-up: $(cat "$folder/gets")"
echo "GETs during the warm-up: $(cat "$folder/gets")"
"$sessionctl" -C "$folder/a.sock" farm

# One engine is killed: nothing changes.
kill -9 "$one"
ended "$one"
client store 7001 --count 1000 --seed 6 --confirm
await 10 "sessions cross by the other engine" try fetch 7002 --count 1000 --seed 6
is_ready 7001 >/dev/null && is_ready 7002 >/dev/null || fail "an engine that is down makes a cache unready"
await 10 "the engine is seen to be down" has a farm_engines_up eq 1
finish
