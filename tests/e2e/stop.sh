#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A clean stop leaves nothing behind; --keep leaves the fast path answering, until a daemon adopts it or
# `sessionctl detach` removes it.
. "$(dirname "$0")/lib.sh"

place_for xdp
pins=$LOGS/bpf/$FARM_PORT

nothing_left()
{
	[ ! -e "$pins" ] || fail "the pins are still there: $(ls "$pins")"
	if farm_in cache ip -details link show | grep -q 'prog/xdp'; then
		fail "a program is still attached: $(farm_in cache bpftool net)"
	fi
	udp fetch --count 2 --expect silence
}

step "a clean stop"
daemon_for xdp
udp store --count 100 --confirm
[ -e "$pins/sessions" ] || fail "there are no pins in $pins"
farm_in cache ip -details link show t1 | grep -q 'prog/xdp' || fail "no program on t1"
farm_end "$FARM_DAEMON" || fail "exit code $?"
nothing_left

step "a clean stop with --keep"
daemon_for xdp --keep
udp store --count 100 --confirm
farm_ctl --pin-dir "$LOGS/bpf" detach 2>"$LOGS/refusal" && fail "detached under a running daemon"
note "refused: $(cat "$LOGS/refusal")"
farm_end "$FARM_DAEMON" || fail "exit code $?"
udp fetch --count 100

step "the next daemon adopts the sessions"
daemon_for xdp --keep
expect_stat sessions_adopted eq 100
udp fetch --count 100
farm_end "$FARM_DAEMON" || fail "exit code $?"
udp fetch --count 100

step "sessionctl detach"
farm_in cache "$BUILD/sessionctl" --pin-dir "$LOGS/bpf" --port "$FARM_PORT" detach
nothing_left
