#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# descriptors.sh MODE: too few file descriptors (RLIMIT_NOFILE), from very few to enough, so that a
# start fails at each of its steps. Each failed start ends with exit code 1 and one line of error, and
# leaves nothing. What an earlier daemon left pinned keeps answering, and the first daemon with enough
# descriptors adopts it.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$*"

mode=$1
place_for "$mode"
interfaces=()
if [ "$mode" = xdp ]; then
	interfaces=(--xdp-mode native "${FARM_INTERFACES[@]}")
	daemon_for xdp --keep --capacity 2000
	udp store --count 200 --confirm
	farm_end "$FARM_DAEMON" || fail "exit code $?"
	udp fetch --count 200
	before=$(cd "$LOGS/bpf/$FARM_PORT" && ls)
fi

step "from hardly any to enough"
failures=0
# With fewer, libevent itself ends the program.
for limit in $(seq 9 120); do
	: >"$LOGS/sessiond.log"
	_farm_prefix cache
	prlimit --nofile="$limit" "${FARM_PREFIX[@]}" "$BUILD/sessiond" "$FARM_PORT" \
		-C "$FARM_ADMIN" --user root --mode "$mode" --capacity 2000 --keep \
		${FARM_MOUNTED:+--pin-dir "$LOGS/bpf"} "${interfaces[@]}" \
		2>"$LOGS/sessiond.log" </dev/null &
	FARM_DAEMON=$!
	FARM_PIDS+=("$FARM_DAEMON")
	farm_wait 20 eval '! kill -0 $FARM_DAEMON 2>/dev/null ||
		grep -q " answers in mode " "$LOGS/sessiond.log"' || fail "$limit: it neither starts nor ends"
	! grep -q ' answers in mode ' "$LOGS/sessiond.log" || break
	code=0
	wait "$FARM_DAEMON" || code=$?
	[ "$code" -eq 127 ] && continue # its libraries cannot be loaded
	failures=$((failures + 1))
	note "$limit: $code: $(tail -n 1 "$LOGS/sessiond.log")"
	[ "$code" -eq 1 ] || fail "exit code $code with $limit descriptors"
	[ "$(grep -c '^sessiond: ' "$LOGS/sessiond.log")" -eq 1 ] || fail "not one line says why"
	[ ! -e "$FARM_ADMIN" ] || fail "the admin socket is left behind"
	[ "$mode" != xdp ] || [ "$(cd "$LOGS/bpf/$FARM_PORT" && ls)" = "$before" ] ||
		fail "other pins are left: $(ls "$LOGS/bpf/$FARM_PORT")"
done
[ "$failures" -ge 5 ] || fail "only $failures starts failed: this shows nothing"
grep -q ' answers in mode ' "$LOGS/sessiond.log" || fail "it never starts"
note "$limit are enough"
[ "$mode" != xdp ] || udp fetch --count 200
udp store --count 100 --seed 2 --confirm
farm_end "$FARM_DAEMON" || fail "exit code $?"
