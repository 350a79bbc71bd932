#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# soak.sh SESSIONBENCH: an hour of what terminators send under TLS 1.3, into a cache that is full, with
# real stunnels' sessions among it. The daemon's memory and descriptors stay as they are after the
# first tenth, no reply is wrong, and next to none is lost. The hit ratio is told, and not judged: what
# it is to be is the eviction's tests' (tests/bench/eviction.md). Only with SESSIOND_LONG
# (scripts/test --long);
# SOAK_SECONDS makes it shorter.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" soak

bench=$1 seconds=${SOAK_SECONDS:-3600}
[ -n "${SESSIOND_LONG:-}${SOAK_SECONDS:-}" ] || skip "takes an hour: scripts/test --long"
need_tls
place_for xdp
daemon_for xdp --capacity 20000
farm_terminators

resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$FARM_DAEMON/status"
}

descriptors()
{
	find "/proc/$FARM_DAEMON/fd" -mindepth 1 | wc -l
}

step "$seconds seconds of the mix"
farm_spawn t1 "$LOGS/bench.json" "$bench" -q --json --workload mix --sessions 1000 --rate 5000 \
	--duration "$seconds" "$FARM_CACHE:$FARM_PORT"
load=$FARM_PID
begin=$SECONDS
peak=0 first='' fds=''
while [ $((SECONDS - begin)) -lt $((seconds - 3)) ]; do
	resume_all 20 --tls 1.3 --make "$FARM_A" --resume "$FARM_B" >/dev/null
	udp store --count 200 --seed $((RANDOM + 100)) --timeout 5 >/dev/null
	sleep 1
	[ $((SECONDS - begin)) -gt $((seconds / 10)) ] || continue
	now=$(resident)
	if [ -z "$first" ]; then
		first=$now fds=$(descriptors)
		note "after $((SECONDS - begin)) s: $first kB resident, $fds descriptors"
	fi
	[ "$now" -le "$peak" ] || peak=$now
	[ "$(descriptors)" -le "$fds" ] || fail "$(descriptors) descriptors, there were $fds"
done
note "at the end: $(resident) kB resident, at most $peak, $(descriptors) descriptors"
[ $((peak - first)) -le 1024 ] || fail "memory grew from $first to $peak kB"
code=0
wait "$load" || code=$?
[ "$code" -eq 0 ] || fail "sessionbench's exit code is $code: $(head -c 300 "$LOGS/bench.json")"
read -r hits misses lost < <(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["counters"]
print(c["hits"], c["misses"], c["lost"])' "$LOGS/bench.json")
note "$hits hits, $misses misses, $lost lost"
[ $((lost * 1000)) -le $((hits + misses)) ] || fail "more than 0.1 % of the GETs were not answered"
[ "$hits" -gt $((seconds * 500)) ] || fail "too few hits"
expect_stat sessions le 20000
