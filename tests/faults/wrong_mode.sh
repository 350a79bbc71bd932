#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A start with an XDP mode that the interface does not support leaves the previous program, which keeps
# answering; and auto does not fall back to sockets then.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
step "generic XDP on a loopback interface, and the daemon is killed"
farm_daemon --mode xdp --xdp-mode generic -i lo --capacity 100000
FROM=cache udp store --count 5 --confirm
farm_end "$FARM_DAEMON" KILL || true

program()
{
	farm_in cache ip -d link show lo | sed -n 's/.*prog\/xdp id \([0-9]*\).*/\1/p'
}

before=$(program)
[ -n "$before" ] || fail "there is no program"
for mode in xdp auto; do
	step "--mode $mode --xdp-mode native fails"
	code=0
	farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --user root \
		--pin-dir "$FARM_DIR/bpf" --mode "$mode" --xdp-mode native -i lo --capacity 100000 \
		>"$LOGS/failed" 2>&1 || code=$?
	note "exit code $code: $(tail -n 1 "$LOGS/failed")"
	[ "$code" -eq 1 ] || fail "exit code $code"
	grep -q 'has no native XDP' "$LOGS/failed" || fail "not the reason"
	[ "$(program)" = "$before" ] || fail "the program is '$(program)', was $before"
done

step "sessions that are pinned without a program are not left behind either"
rm "$FARM_DIR/bpf/$FARM_PORT"/link-*
farm_wait 5 test -z "$(program)" || true
code=0
farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --user root \
	--pin-dir "$FARM_DIR/bpf" --mode socket --capacity 100000 >"$LOGS/failed" 2>&1 || code=$?
note "exit code $code: $(tail -n 1 "$LOGS/failed")"
[ "$code" -eq 1 ] || fail "exit code $code"
grep -q "left its sessions pinned.*sessionctl --pin-dir .* detach" "$LOGS/failed" || fail "what it says"

step "adopted"
farm_daemon --mode xdp --xdp-mode generic -i lo --capacity 100000
expect_stat sessions_adopted eq 5
FROM=cache udp fetch --count 5
