#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# twice.sh MODE: a second daemon on the same port ends with one clear line and exit code 1, and does not
# harm the first.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
place_for "$mode"
daemon_for "$mode"
udp store --count 100 --confirm

# second OPTION...
second()
{
	local code=0

	farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_PORT" "$@" 2>"$LOGS/second" || code=$?
	note "exit code $code: $(cat "$LOGS/second")"
	[ "$code" -eq 1 ] || fail "exit code $code, expected 1"
	# A private BPF file system, as in a container, adds the warning PRIVATE.
	[ "$(grep -vc '^PRIVATE: ' "$LOGS/second")" -eq 1 ] || fail "not one line"
	udp fetch --count 100
}

step "the same mode"
if [ "$mode" = xdp ]; then
	second --mode xdp --pin-dir "$LOGS/bpf" "${FARM_INTERFACES[@]}" -C "$LOGS/other.sock"
	step "the same mode and other pins"
	second --mode xdp --pin-dir "$LOGS/bpf/other" "${FARM_INTERFACES[@]}" \
		-C "$LOGS/other.sock"
	[ ! -e "$LOGS/bpf/other/$FARM_PORT" ] || fail "it left pins"
fi
step "socket mode"
second --mode socket -C "$LOGS/other.sock"
step "the same admin socket"
FARM_OTHER=$((FARM_PORT + 1))
code=0
farm_in cache timeout 20 "$BUILD/sessiond" "$FARM_OTHER" --mode socket -C "$FARM_ADMIN" \
	2>"$LOGS/second" || code=$?
note "exit code $code: $(cat "$LOGS/second")"
[ "$code" -eq 1 ] || fail "exit code $code, expected 1"
expect_stat sessions eq 100
