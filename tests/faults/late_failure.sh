#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A start that fails after adoption leaves the program, the pins and the sessions, and GETs are
# answered.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
need_program setpriv
step "5 sessions, and the daemon is killed"
daemon_for xdp
udp store --count 5 --confirm
farm_end "$FARM_DAEMON" KILL || true

# fails PATTERN COMMAND...: a start with existing pins that exits with 1.
fails()
{
	local code=0 pattern=$1

	shift
	farm_in cache timeout 20 "$@" "$FARM_PORT" -C "$FARM_ADMIN" --pin-dir "$FARM_DIR/bpf" \
		--mode xdp "${FARM_INTERFACES[@]}" --capacity 100000 >"$LOGS/failed" 2>&1 || code=$?
	note "exit code $code: $(tail -n 1 "$LOGS/failed")"
	[ "$code" -eq 1 ] || fail "exit code $code"
	grep -q 'adopted 5 sessions' "$LOGS/failed" || fail "nothing was adopted"
	grep -Eq "$pattern" "$LOGS/failed" || fail "no '$pattern'"
	udp fetch --count 5
}

step "a user that it may not become"
fails 'cannot become|cannot change' setpriv --bounding-set=-setgid "$BUILD/sessiond" --user nobody
step "the next start adopts them"
daemon_for xdp
expect_stat sessions_adopted eq 5
udp fetch --count 5
farm_end "$FARM_DAEMON" || fail "the daemon ended badly"
[ ! -e "$FARM_DIR/bpf/$FARM_PORT" ] || fail "a clean stop leaves its pins"

step "a first start that fails leaves nothing"
if farm_in cache timeout 20 setpriv --bounding-set=-setgid "$BUILD/sessiond" --user nobody \
	"$FARM_PORT" -C "$FARM_ADMIN" --pin-dir "$FARM_DIR/bpf" --mode xdp "${FARM_INTERFACES[@]}" \
	--capacity 100000 >"$LOGS/failed" 2>&1; then
	fail "it started"
fi
[ ! -e "$FARM_DIR/bpf/$FARM_PORT" ] || fail "it leaves its pins"
farm_in cache ip -d link show t1 | grep -q 'prog/xdp' && fail "it leaves its program"
exit 0
