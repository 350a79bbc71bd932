#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Two caches and one engine: what is stored at one is answered by the other, byte for byte; REMOVE,
# TAKE, flush and sessionctl's remove cross; what came from a peer does not go back.

. "$(dirname "$0")/lib.sh"

engine one || finish
farm="--farm unix://$folder/one.redis"
# shellcheck disable=SC2086
cache a 7001 $farm && cache b 7002 $farm --metrics "$folder/metrics" || finish
await 35 "a is ready" is_ready 7001
await 35 "b is ready" is_ready 7002

client store 7001 --count 2000 --seed 1 --confirm
client store 7002 --count 2000 --seed 2 --confirm
await 10 "b has what a's clients stored" try fetch 7002 --count 2000 --seed 1
await 10 "a has what b's clients stored" try fetch 7001 --count 2000 --seed 2
client fetch 7001 --count 2000 --seed 1
client fetch 7002 --count 2000 --seed 2
has a farm_passed eq 2000 || fail "a has passed on $(stat a farm_passed) records"
has b farm_passed eq 2000 || fail "b has passed on $(stat b farm_passed) records"
has b farm_stored eq 2000 || fail "b has stored $(stat b farm_stored) sessions of a"

# The first NEW wins everywhere.
client store 7002 --count 2000 --seed 1 --confirm
has b farm_passed eq 2000 || fail "b passes on NEWs that it did not store"

# A REMOVE at the other cache, and one that finds nothing there.
client remove 7002 --count 500 --seed 1
await 10 "a has lost them" try fetch 7001 --count 500 --seed 1 --expect miss
client fetch 7001 --count 500 --seed 2
key=$("$sessionctl" -C "$folder/a.sock" list | head -n 1 | cut -d ' ' -f 1)
expect 0 '' "$sessionctl" -C "$folder/a.sock" show "$key"
expect 0 '' "$sessionctl" -C "$folder/b.sock" take "$key"
gone() {
	! "$sessionctl" -C "$folder/$1.sock" show "$2" 2>/dev/null
}
await 10 "what was taken at b is gone at a" gone a "$key"
key=$("$sessionctl" -C "$folder/a.sock" list | head -n 1 | cut -d ' ' -f 1)
expect 0 '' "$sessionctl" -C "$folder/a.sock" remove "$key"
await 10 "what was removed at a is gone at b" gone b "$key"

expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
await 10 "b is empty" has b sessions eq 0
await 10 "a is empty" has a sessions eq 0
client store 7001 --count 100 --seed 9 --confirm
await 10 "what is stored after the flush crosses" try fetch 7002 --count 100 --seed 9

# What an operator sees.
expect 0 '' "$sessionctl" -C "$folder/a.sock" farm
cat "$folder/out"
grep -q '^a of farm sessiond: ready' "$folder/out" || fail "farm does not say that a is ready"
grep -q 'one.redis.* up ' "$folder/out" || fail "farm does not show the engine"
grep -Eq '^b  *alive ' "$folder/out" || fail "farm does not show b"
expect 0 '' "$sessionctl" -C "$folder/a.sock" farm --json
python3 - "$folder/out" <<-'END' || fail "the JSON of farm: $(cat "$folder/out")"
	import json, sys
	farm = json.load(open(sys.argv[1]))
	assert farm["cache"]["name"] == "a" and farm["cache"]["ready"] == 1
	assert farm["engines"][0]["up"] == 1 and farm["engines"][0]["version"]
	assert [n["name"] for n in farm["nodes"] if n["alive"]] == ["b"]
END
"$sessionctl" -C "$folder/a.sock" stats >"$folder/stats"
"$SESSIOND_BUILD/docs/man/manual" --section counters-farm | sed -n 's/^\.It Sy //p' >"$folder/promised"
[ "$(wc -l <"$folder/promised")" -gt 30 ] || fail "hardly a figure is listed"
while read -r name; do
	cases=$((cases + 1))
	grep -Eq "^$name [0-9]+\$" "$folder/stats" || fail "stats lack $name"
done <"$folder/promised"
grep '^farm_' "$folder/stats" | cut -d ' ' -f 1 | while read -r name; do
	grep -qx "$name" "$folder/promised" || echo "$name"
done >"$folder/unlisted"
[ ! -s "$folder/unlisted" ] || fail "sessionctl(8) lacks $(cat "$folder/unlisted")"
http_get "$folder/metrics" /metrics >"$folder/page"
sed 1d "$folder/page" >"$folder/metrics.page"
documented_metrics "$folder/metrics.page" socket --farm
grep -qx 'sessiond_farm_engines_up 1' "$folder/page" || fail "metrics lack the engines"
grep -q '^sessiond_farm_dropped_total{reason="queue_full"} 0' "$folder/page" || fail "metrics lack drops"

# No value, no key and no password is in a log or in what operators see; the engine gets ciphertext.
ask_engine one --raw XINFO STREAM "$(ask_engine one --raw KEYS 'sd:sessiond:a:*' | head -n 1)" | head -n 4
finish
