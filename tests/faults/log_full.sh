#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# log_full.sh MODE: the disk of the log is full, or the reader of the log is gone or stalls. The daemon
# continues undisturbed; it counts lost lines, and logs their number once it can.
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

step "a pipe without a reader"
mkfifo "$LOGS/pipe"
cat "$LOGS/pipe" >/dev/null &
reader=$!
start "$LOGS/pipe"
kill "$reader"
serve
farm_end "$FARM_DAEMON" || fail "exit code $?"

step "a pipe that somebody holds, and does not read"
mkfifo "$LOGS/stalled"
# shellcheck disable=SC2217 # this holds the pipe open
sleep 100 <"$LOGS/stalled" &
reader=$!
FARM_PIDS+=("$reader")
start "$LOGS/stalled"
# Some 64 KiB, one line per request.
python3 - "$FARM_ADMIN" <<-'END' || fail "the admin socket does not answer"
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(10)
	s.connect(sys.argv[1])
	for _ in range(200):
	    s.sendall(b"log-level debug\n" * 10)
	    replies = b""
	    while replies.count(b".\n") < 10:
	        replies += s.recv(4096)
END
[ "$(farm_stat log_dropped)" -gt 0 ] || fail "the pipe is not full"
serve
for signal in USR1 HUP; do
	kill -$signal "$FARM_DAEMON"
done
timeout 5 "$BUILD/sessionctl" -C "$FARM_ADMIN" stats >"$LOGS/stats" || fail "no statistics"
note "$(grep '^log_dropped ' "$LOGS/stats")"

step "it is read again"
cat "$LOGS/stalled" >"$LOGS/read" &
FARM_PIDS+=($!)
told()
{
	grep -q '^[0-9]* log lines were dropped: ' "$LOGS/read"
}
farm_wait 3 told || fail "the log does not say that lines were dropped: $(tail -n 2 "$LOGS/read")"
note "$(grep 'log lines were dropped' "$LOGS/read" | tail -n 1)"
dropped=$(awk '/ log lines were dropped: / { n += $1 } END { print n }' "$LOGS/read")
[ "$dropped" -eq "$(farm_stat log_dropped)" ] || fail "the log says $dropped, stats $(farm_stat log_dropped)"
kill "$reader"
farm_end "$FARM_DAEMON" || fail "exit code $?"
