#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Both engines are stopped for 10 s under load: GETs are answered, memory is bounded, and when they go
# on, sessions cross again. A cache that starts meanwhile is ready, for no engine answers.

. "$(dirname "$0")/lib.sh"

engine one || finish
one=$started
engine two || finish
two=$started
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis"
# shellcheck disable=SC2086
cache a 7001 $farm || finish
a=$started
# shellcheck disable=SC2086
cache b 7002 $farm || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
client store 7001 --count 1000 --seed 1 --confirm
await 10 "sessions cross" try fetch 7002 --count 1000 --seed 1

before=$(resident_kib "$a")
kill -STOP "$one" "$two"
"$udpclient" store 127.0.0.1 7001 --count 100000 --rate 12000 --seed 2 >"$folder/news" 2>&1 &
news=$!
client fetch 7001 --seconds 9 --rate 2000 --count 1000 --seed 1
wait "$news"
after=$(resident_kib "$a")
echo "resident memory: $before KiB, and $after KiB after 100,000 NEWs without an engine"
# The sessions themselves, and what was reserved at start.
[ $((after - before)) -lt 65536 ] || fail "memory grew by $((after - before)) KiB"
is_ready 7001 >/dev/null || fail "a is not ready while the engines are stopped"
# shellcheck disable=SC2086
cache c 7003 $farm || finish
await 35 "c, which starts without an engine, is ready" is_ready 7003
kill -CONT "$one" "$two"
await 30 "a sees both engines" has a farm_engines_up eq 2
all_of_a() {
	has b sessions ge "$(stat a sessions)"
}
await 60 "b has what was stored meanwhile" all_of_a
client store 7001 --count 1000 --seed 3 --confirm
await 30 "sessions cross again to b" try fetch 7002 --count 1000 --seed 3
await 30 "and to c" try fetch 7003 --count 1000 --seed 3
grep '' "$folder/news"
"$sessionctl" -C "$folder/a.sock" farm
finish
