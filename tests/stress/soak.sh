#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# soak.sh CLIENTS: an hour of terminators' TLS 1.3 traffic into a full cache, including sessions of real
# stunnels. The daemon's memory and descriptors do not grow after the first tenth, no reply is wrong,
# almost none is lost, 98 % of the stunnels' sessions resume, and the hit ratio matches the eviction's
# model for the same visits (soak_clients.c). Only with SESSIOND_LONG (scripts/test --long);
# SOAK_SECONDS makes it shorter.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" soak

clients=$1 capacity=20000 seconds=${SOAK_SECONDS:-3600}
[ -n "${SESSIOND_LONG:-}${SOAK_SECONDS:-}" ] || skip "takes an hour: scripts/test --long"
need_tls
place_for xdp
daemon_for xdp --capacity $capacity
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
farm_spawn t1 "$LOGS/clients" "$clients" "$FARM_CACHE" "$FARM_PORT" $capacity "$seconds"
load=$FARM_PID
begin=$SECONDS
peak=0 first='' fds='' made=0 resumed=0
while [ $((SECONDS - begin)) -lt $((seconds - 3)) ]; do
	# In a full cache a session may be evicted before it is requested, also on a busy machine.
	farm_tls --count 20 --threads 2 --tls 1.3 --make "$FARM_A" --resume "$FARM_B" \
		>"$LOGS/resume" || true
	now=$(sed -n 's/^made 20 resumed \([0-9]*\) full [0-9]* failed 0$/\1/p' "$LOGS/resume")
	[ -n "$now" ] || fail "$(cat "$LOGS/resume")"
	resumed=$((resumed + now))
	made=$((made + 20))
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
note "stunnels: made $made resumed $resumed"
[ $((resumed * 100)) -ge $((made * 98)) ] || fail "too few of the stunnels' sessions were resumed"
[ $((peak - first)) -le 1024 ] || fail "memory grew from $first to $peak kB"
code=0
wait "$load" || code=$?
note "$(cat "$LOGS/clients")"
[ "$code" -eq 0 ] || fail "wrong or lost replies, or another hit ratio than predicted"
[ "$(awk '/^tried/ { print $2 }' "$LOGS/clients")" -gt $((seconds * 500)) ] || fail "too few visits"
expect_stat sessions le $capacity
expect_stat sessions_evicted gt 0
