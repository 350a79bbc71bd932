#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# The fast path outlives the daemon: after kill -9 GETs are still answered; after a restart every
# session is still there, and every GET in between was answered.
. "$(dirname "$0")/lib.sh"

need_tls
place_for xdp
daemon_for xdp
farm_terminators

step "400 TLS sessions and 2,000 others"
for version in 1.2 1.3; do
	farm_tls --tls "$version" --count 100 --make "$FARM_A" --save "$FARM_SECRETS/$version"
done
udp store --count 2000 --confirm
sessions=$(farm_stat sessions)

step "a client that asks 2,000 times a second, all along"
farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" \
	--count 2000 --rate 2000 --forever
watch=$FARM_PID
sleep 0.5

step "the status is ready, and says so no longer when the daemon is dead"
check=(farm_in t1 "$BUILD/sessionctl" --port "$FARM_PORT" check "$FARM_CACHE")
"${check[@]}" || fail "not ready"
hits=$(farm_stat xdp_get_hits)
"${check[@]}"
expect_stat xdp_get_hits gt "$hits" # though nothing says that it was this one

step "kill -9"
farm_end "$FARM_DAEMON" KILL || true
farm_ctl stats >/dev/null 2>&1 && fail "the daemon is still there"
for version in 1.2 1.3; do
	resume_all 100 --tls "$version" --load "$FARM_SECRETS/$version" --resume "$FARM_B"
done

farm_wait 10 eval '! "${check[@]}" 2>"$LOGS/check"' || fail "a dead daemon is ready"
grep -q 'has no status: its daemon is dead' "$LOGS/check" || fail "$(cat "$LOGS/check")"
udp fetch --count 2000

step "start again"
daemon_for xdp
expect_stat sessions_adopted eq "$sessions"
expect_stat sessions ge "$sessions"
"${check[@]}" || fail "not ready again"
for version in 1.2 1.3; do
	resume_all 100 --tls "$version" --load "$FARM_SECRETS/$version" --resume "$FARM_B"
done
resume_all 50 --make "$FARM_A" --resume "$FARM_B"

step "kill -9 and start again, three times in a row"
for _ in 1 2 3; do
	farm_end "$FARM_DAEMON" KILL || true
	daemon_for xdp
done
udp fetch --count 2000

step "every GET was answered"
farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
note "the client: $(cat "$LOGS/watch.log")"
