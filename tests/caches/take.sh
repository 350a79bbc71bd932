#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# TAKE at two caches of a farm at once (--take farm): of 10,000 sessions each is given once. With
# --take local the same run gives sessions twice, so that it is known to find them.

. "$(dirname "$0")/lib.sh"

# shellcheck source=tests/caches/lib_take.sh
. "$(dirname "$0")/lib_take.sh"

names="a b"
both="127.0.0.1 7001 127.0.0.1 7002"

engine one && one=$started && engine two || finish
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis --take farm"
# The other order of engines: it must not matter.
swapped="--farm unix://$folder/two.redis --farm unix://$folder/one.redis --take farm"
# shellcheck disable=SC2086
cache a 7001 $farm && cache b 7002 $swapped || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
expect 0 '' "$sessionctl" check 127.0.0.1:7001
grep -q 'take=yes exclusive=farm' "$folder/out" || fail "the status does not say it: $(cat "$folder/out")"

# The engines are new: what they knew before is unknown.
client store 7001 --count 200 --seed 1 --confirm
await 10 "b has what a's clients stored" try fetch 7002 --count 200 --seed 1
at_once - 200 1 none || fail "a TAKE was answered while the engines are younger than the window"
await 5 "a counts refusals" has a farm_take_refused gt 0
"$sessionctl" -C "$folder/a.sock" farm
"$sessionctl" -C "$folder/a.sock" farm | grep -q 'no TAKE is decided here for' || fail "farm does not say so"
await 90 "the engines are up for the window" decides a
await 10 "b knows it" decides b

left=200
for seed in 2 3; do
	client store 7001 --count 5000 --seed "$seed" --confirm
	await 20 "b has what a's clients stored" try fetch 7002 --count 5000 --seed "$seed"
	once "$folder/given$seed" 5000 "$seed"
	left=$((left + once_none))
done
await 20 "a has given its sessions" has a sessions le "$left"
await 20 "b has given its sessions" has b sessions le "$left"
at_once "$folder/given3" 5000 3 any || fail "a session was given again"
for name in a b; do
	echo "$name: $("$sessionctl" -C "$folder/$name.sock" stats | grep farm_take_ | tr '\n' ' ')"
	[ "$(stat $name farm_take_won)" -gt 100 ] || fail "$name won hardly a session"
done
ask_engine one --raw INFO keyspace | grep -q 'keys=' || fail "engine one has no key"
ask_engine two --raw INFO keyspace | grep -q 'keys=' || fail "engine two has no key"
[ -z "$(ask_engine one --raw KEYS '*' | grep -v '^sd:sessiond:')" ] || fail "keys beyond sd:"

# An engine that stops: TAKEs are misses soon, GETs are answered.
client store 7001 --count 2000 --seed 4 --confirm
await 20 "b has what a's clients stored" try fetch 7002 --count 2000 --seed 4
kill -STOP "$one"
at_once - 300 4 any || fail "TAKE while an engine is stopped"
await 5 "a counts late TAKEs" has a farm_take_late gt 0
slowest=$(sed -n 's/.*slowest \([0-9]*\) ms.*/\1/p' "$folder/takes")
[ "${slowest:-1000}" -lt 900 ] || fail "a TAKE waited $slowest ms"
client fetch 7001 --count 300 --seed 4 --expect any
kill -CONT "$one"
await 30 "a has both engines again" has a farm_engines_up eq 2

# The only engine of a key is killed in the middle, and starts again: nobody gets a session twice.
client store 7001 --count 4000 --seed 5 --confirm
await 20 "b has what a's clients stored" try fetch 7002 --count 4000 --seed 5
(
	sleep 0.2
	kill -9 "$one"
) &
at_once "$folder/given" 4000 5 any || fail "TAKE while an engine is killed"
wait $!
ended "$one"
engine one || finish
for _ in 1 2 3; do
	at_once "$folder/given" 4000 5 any || fail "TAKE after an engine was killed"
	grep -q 'one 0,' "$folder/takes" || echo "  (of keys of the other engine)"
	sleep 1
done
await 90 "the new engine is up for the window" decides a
await 10 "b knows it" decides b
client store 7001 --count 500 --seed 6 --confirm
await 20 "b has what a's clients stored" try fetch 7002 --count 500 --seed 6
once - 500 6

# A cache that has other engines asks nothing.
# shellcheck disable=SC2086
cache c 7003 --farm "unix://$folder/two.redis" --take farm || finish
await 35 "c is ready" is_ready 7003
await 20 "c has sessions" has c sessions gt 1000
both="127.0.0.1 7003"
at_once - 200 4 none || fail "a cache that differs answers a TAKE"
await 5 "c counts it" has c farm_take_disagreed gt 0

# The control: without an arbiter the same run finds sessions that were given twice.
# shellcheck disable=SC2086
cache d 7004 --farm "unix://$folder/two.redis" --farm-name other && cache e 7005 --farm "unix://$folder/two.redis" --farm-name other || finish
await 35 "d is ready" is_ready 7004
await 35 "e is ready" is_ready 7005
client store 7004 --count 2000 --seed 7 --confirm
await 20 "e has what d's clients stored" try fetch 7005 --count 2000 --seed 7
both="127.0.0.1 7004 127.0.0.1 7005"
at_once - 2000 7 any
[ $? -eq 3 ] || fail "this test would not find a session that is given twice"
finish
