#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# clocks.sh ENGINE_CLOCK: the engine's clock steps by an hour, forth and back, and the clock of one
# cache jumps by two hours at each reading. Sessions cross all the while, a cache that joins gets what was
# stored before, and each session ends when it does where it was stored.

engine_clock=$1
. "$(dirname "$0")/lib.sh"

if ldd "$sessiond" | grep -qE 'lib[at]san'; then
	skip "nothing can be preloaded before a sanitizer"
fi
echo 0 >"$folder/ahead"
export ENGINE_CLOCK="$folder/ahead"
LD_PRELOAD=$engine_clock
export LD_PRELOAD
engine_run one --port 0 || finish
unset LD_PRELOAD
farm="--farm unix://$folder/one.redis"
engine_time() {
	ask_engine one TIME | head -n 1
}
# step SECONDS: sets the engine's clock.
step() {
	echo "$1    " >"$folder/ahead"
	is=$(($(engine_time) - $(date +%s)))
	echo "the engine is $is s ahead"
	[ $((is - $1)) -ge -2 ] && [ $((is - $1)) -le 2 ] || fail "the engine's clock did not step to $1"
}

# same NAME: how much the ends of the sessions differ from those at a, which stored them.
same() {
	for cache_name in a "$1"; do
		"$sessionctl" -C "$folder/$cache_name.sock" list | cut -d ' ' -f 1,2 | sort >"$folder/$cache_name.list"
	done
	cases=$((cases + 1))
	join "$folder/a.list" "$folder/$1.list" | awk -v name="$1" '
		{ d = $3 - $2; n++; if (n == 1 || d < least) least = d; if (n == 1 || d > most) most = d }
		END { print name ": " n " sessions, they end " least + 0 " to " most + 0 " s later than at a"
			exit n == 0 || least < -5 || most > 2 }' || fail "sessions end at another time at $1"
}
all_at() {
	[ "$(stat "$1" sessions)" = "$(stat a sessions)" ]
}
seed=0
# More than a second of sessions, over the moment at which the caches learn of the step.
crosses() {
	seed=$((seed + 1))
	await 20 "300 sessions are stored at a" try store 7001 --count 300 --seed $seed --rate 100 --timeout 300 --confirm
	for port in "$@"; do
		await 20 "$port has them" try fetch "$port" --count 300 --seed $seed
	done
}

# shellcheck disable=SC2086 # options
cache a 7001 $farm || finish
export LD_PRELOAD="$SESSIOND_BUILD/tests/faults/libwallclock.so" WALLCLOCK_LOADED="$folder/loaded"
# shellcheck disable=SC2086
cache b 7002 $farm || finish
unset LD_PRELOAD WALLCLOCK_LOADED
[ -L "$folder/loaded" ] || fail "the clock of b was not preloaded"
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
crosses 7002
same b

step 3600
crosses 7002
same b
# shellcheck disable=SC2086
cache c 7003 $farm || finish
await 35 "c, which joins after the step, is ready" is_ready 7003
crosses 7002 7003
await 60 "c has all" all_at c
same b
same c

# The last entry of a is as old then.
sleep 8
step 0
crosses 7002 7003
# shellcheck disable=SC2086
cache d 7004 $farm || finish
await 35 "d, which joins after the step back, is ready" is_ready 7004
crosses 7002 7003 7004
await 60 "d has all" all_at d
same b
same c
same d
"$sessionctl" -C "$folder/d.sock" farm
for name in a b c d; do
	echo "$name: lag $(stat $name farm_lag_ms) ms, gaps $(stat $name farm_gaps), expired $(stat $name farm_expired)," \
		"resends $(stat $name farm_resends)"
	has $name farm_lag_ms lt 5000 || fail "$name is $(stat $name farm_lag_ms) ms behind"
done
finish
