#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessiond's XDP program is recognised even if it is not pinned in the pin folder: no mode stores
# sessions that this program would hide from GETs, and the advised command detaches it.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
step "the daemon is killed, and the next one has another pin folder"
daemon_for xdp
udp store --count 5 --confirm
farm_end "$FARM_DAEMON" KILL || true

# refused MODE PATTERN OPTION...
refused()
{
	local code=0 mode=$1 pattern=$2

	shift 2
	farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --user root \
		--pin-dir "$FARM_DIR/bpf/elsewhere" --mode "$mode" --capacity 100000 "$@" \
		>"$LOGS/refused" 2>&1 || code=$?
	note "exit code $code: $(tail -n 1 "$LOGS/refused")"
	[ "$code" -eq 1 ] || fail "mode $mode: exit code $code"
	grep -q "$pattern" "$LOGS/refused" || fail "mode $mode: what it says"
	udp fetch --count 5
}

advice='sessionctl detach --interface t[12]'
refused xdp "another sessiond.*$advice" "${FARM_INTERFACES[@]}"
refused auto "another sessiond.*$advice" "${FARM_INTERFACES[@]}"
refused socket "mode socket would store sessions that nobody finds.*$advice"
step "on another port it is not in the way"
farm_spawn cache "$LOGS/other.log" "$BUILD/sessiond" $((FARM_PORT + 1)) -C "$LOGS/other.sock" \
	--user root --mode socket --capacity 1000 --pin-dir "$FARM_DIR/bpf/elsewhere"
other=$FARM_PID
farm_wait 10 grep -q 'answers in mode socket' "$LOGS/other.log" || fail "it does not start"
farm_end "$other" || fail "it ended badly"

step "the advice works"
for interface in t1 t2; do
	farm_in cache "$BUILD/sessionctl" detach --interface "$interface" >>"$LOGS/detach"
done
note "$(tail -n 1 "$LOGS/detach")"
code=0
farm_in cache "$BUILD/sessionctl" detach --interface t1 >"$LOGS/detach" 2>&1 || code=$?
[ "$code" -eq 1 ] || fail "detach of nothing: exit code $code"
farm_in cache timeout 3 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --user root \
	--pin-dir "$FARM_DIR/bpf/elsewhere" --mode xdp "${FARM_INTERFACES[@]}" --capacity 100000 \
	>"$LOGS/last" 2>&1 || true
grep -q 'answers in mode xdp' "$LOGS/last" || fail "xdp mode does not start: $(cat "$LOGS/last")"
