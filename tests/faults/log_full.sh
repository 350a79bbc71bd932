#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# log_full.sh MODE: the disk that the log goes to is full, or what reads it is gone. The daemon goes
# on as if nothing were.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$*"

mode=$1
place_for "$mode"
interfaces=()
[ "$mode" != xdp ] || interfaces=("${FARM_INTERFACES[@]}")
mkdir -p "$LOGS/disk"
mount -t tmpfs -o size=64k "full-$$" "$LOGS/disk" 2>/dev/null || skip "no tmpfs can be mounted here"
AT_END+=("umount -l '$LOGS/disk'")
dd if=/dev/zero of="$LOGS/disk/ballast" bs=4k 2>/dev/null || true

# start REDIRECTED-TO
start()
{
	_farm_prefix cache
	: >"$LOGS/sessiond.log"
	"${FARM_PREFIX[@]}" "$BUILD/sessiond" "$FARM_PORT" -C "$FARM_ADMIN" --mode "$mode" \
		--capacity 5000 --log-level debug ${FARM_MOUNTED:+--pin-dir "$LOGS/bpf"} \
		"${interfaces[@]}" 2>"$1" </dev/null &
	FARM_DAEMON=$!
	FARM_PIDS+=("$FARM_DAEMON")
	farm_wait 10 farm_ctl version || fail "it does not start"
}

serve()
{
	udp store --count 500 --confirm
	for _ in $(seq 20); do
		kill -HUP "$FARM_DAEMON"
		farm_in "${FROM:-t1}" bash -c "printf 'short' >/dev/udp/$FARM_CACHE/$FARM_PORT" || true
		farm_ctl log-level debug >/dev/null
	done
	sleep 1.5 # events are logged once a second
	udp fetch --count 500
	kill -0 "$FARM_DAEMON" || fail "the daemon has ended"
}

step "a full disk"
start "$LOGS/disk/log"
serve
[ "$(stat -c %s "$LOGS/disk/log")" -eq 0 ] || note "$(stat -c %s "$LOGS/disk/log") bytes were written"
farm_end "$FARM_DAEMON" || fail "exit code $?"

step "a pipe that nobody reads any more"
mkfifo "$LOGS/pipe"
cat "$LOGS/pipe" >/dev/null &
reader=$!
start "$LOGS/pipe"
kill "$reader"
serve
farm_end "$FARM_DAEMON" || fail "exit code $?"
