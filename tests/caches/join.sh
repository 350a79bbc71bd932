#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A cache joins two that have 60,000 sessions: it is not ready before it has them, answers GETs
# meanwhile, has none that was removed, and each ends when it does elsewhere. One that is too small
# keeps the newest.

. "$(dirname "$0")/lib.sh"

engine one || finish
farm="--farm unix://$folder/one.redis"
# shellcheck disable=SC2086
cache a 7001 $farm && cache b 7002 $farm || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002
client store 7001 --count 30000 --seed 1 --rate 20000 --timeout 300 --confirm
client store 7002 --count 30000 --seed 2 --rate 20000 --timeout 3000 --confirm
client remove 7002 --count 3000 --seed 1
client remove 7001 --count 3000 --seed 2
await 30 "a has both halves" has a sessions eq 54000
await 30 "b has both halves" has b sessions eq 54000

# shellcheck disable=SC2086
cache c 7003 $farm || finish
"$udpclient" fetch 127.0.0.1 7003 --seconds 2 --rate 1000 --count 1000 --seed 77 --expect miss >"$folder/gets" 2>&1 &
gets=$!
await 35 "c is ready" is_ready 7003
await 10 "c has all sessions" has c sessions eq 54000
echo "c read $(stat c farm_warm_up_sessions) sessions in $(stat c farm_warm_up_ms) ms"
wait "$gets" || fail "GETs during the warm-up: $(cat "$folder/gets")"
echo "GETs during the warm-up: $(cat "$folder/gets")"
client fetch 7003 --count 3000 --seed 1 --rate 30000 --expect miss
client fetch 7003 --count 3000 --seed 2 --rate 30000 --expect miss
has c farm_passed eq 0 || fail "c publishes what it has read"

# Each session ends when it does at a, give or take two seconds. A list shows the time left, so the
# end lies between that from the list's begin and that from its end.
for name in a c; do
	began=$(date +%s)
	"$sessionctl" -C "$folder/$name.sock" list >"$folder/$name.all"
	ended=$(date +%s)
	cut -d ' ' -f 1,2 "$folder/$name.all" | sort | head -n 500 |
		awk -v began="$began" -v ended="$ended" '{ print $1, began + $2, ended + $2 }' \
			>"$folder/$name.list"
done
cases=$((cases + 1))
join "$folder/a.list" "$folder/c.list" |
	awk '{ n++; if ($4 - $3 > 2 || $2 - $5 > 2) bad++ }
	END { print n " sessions compared, " bad + 0 " end at another time"; exit n < 400 || bad > 0 }' ||
	fail "sessions end at another time at c"

# Too small: it takes what fits, evicts nothing for the history, and is ready.
start d 7004 --mode socket --threads 1 --listen 127.0.0.1 --capacity 10000 --farm-key "$folder/key" \
	--farm-node d --farm "unix://$folder/one.redis" || finish
await 35 "d is ready" is_ready 7004
await 10 "d is full" has d sessions eq 10000
has d sessions_evicted eq 0 || fail "d evicted $(stat d sessions_evicted) sessions for the history"
await 10 "d had no room for the rest" has d farm_no_room gt 0
finish
