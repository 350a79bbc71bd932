#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Logging to systemd's journal: priorities, and the fields for events that programs watch. The journal
# is a socket of this test, in a mount namespace.

. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is not installed"
unshare -m mount -t tmpfs none /run 2>/dev/null || skip "no mount namespace can be made"

cat >"$folder/journal.py" <<'END'
import os, socket
os.makedirs("/run/systemd/journal")
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind("/run/systemd/journal/socket")
os.chmod("/run/systemd/journal/socket", 0o666)
open("/run/ready", "w").close()
while True:
    print(" | ".join(server.recv(65536).decode().splitlines()), flush=True)
END
# With auto, an interface without native XDP leads to a fallback to sockets, which is an event, except
# in a build without xdp mode.
interface=
[ "${SESSIOND_XDP:-yes}" = yes ] && interface='-i lo --xdp-mode native'
echo 'remove = honour' >"$folder/conf"
# shellcheck disable=SC2016
unshare -m sh -c '
	mount -t tmpfs none /run
	python3 "$1/journal.py" >"$1/journal" &
	server=$!
	for _ in $(seq 50); do [ -e /run/ready ] && break; sleep 0.1; done
	: >"$1/stderr"
	JOURNAL_STREAM=$(stat -c %d:%i "$1/stderr") "$2" --user nobody -m auto $3 -n 1000 \
		-c "$1/conf" -C "$1/journal.sock" 7501 2>"$1/stderr" </dev/null &
	echo "$! $server" >"$1/pids"
	wait' journal "$folder" "$sessiond" "$interface" &
wrapper=$!
for _ in $(seq 100); do
	"$sessionctl" -C "$folder/journal.sock" version >/dev/null 2>&1 && break
	sleep 0.1
done
read -r pid server <"$folder/pids"
# shellcheck disable=SC2034 # lib.sh ends them in any case
daemons="$pid $server $wrapper"
expect 0 '' "$sessionctl" -C "$folder/journal.sock" reload
echo 'remove = perhaps' >"$folder/conf"
expect 1 'remove = perhaps: expected' "$sessionctl" -C "$folder/journal.sock" reload
python3 -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 7501))'
sleep 1.5

# A journal that does not read never blocks the daemon: lines that it does not accept go to stderr.
kill -STOP "$server"
for _ in $(seq 30); do # more than a socket queues
	expect 1 'remove = perhaps: expected' "$sessionctl" -C "$folder/journal.sock" reload
done
kill -CONT "$server"
grep -q '^<3>reload failed, nothing was changed' "$folder/stderr" || fail "events are lost"
# It gets lines again once it has read the queued ones.
echo 'remove = ignore' >"$folder/conf"
for _ in $(seq 50); do
	expect 0 '' "$sessionctl" -C "$folder/journal.sock" reload
	grep -q 'MESSAGE=reloaded.*REMOVEs are ignored' "$folder/journal" && break
	sleep 0.1
done
kill "$pid"
for _ in $(seq 50); do
	grep -q 'stopping on' "$folder/journal" && break
	sleep 0.1
done
kill "$server"

# said EVENT PRIORITY TEXT
said() {
	cases=$((cases + 1))
	grep -F "SESSIOND_EVENT=$1" "$folder/journal" | grep -F "PRIORITY=$2" |
		grep -F 'SYSLOG_IDENTIFIER=sessiond' | grep -q "MESSAGE=$3" ||
		fail "the journal did not hear of $1: $(cat "$folder/journal")"
}
said start 5 'sessiond .* answers in mode socket'
said reload 5 'reloaded'
said reload-failed 3 'reload failed, nothing was changed: .*remove = perhaps'
[ -z "$interface" ] || said slow 4 'SLOW: falling back to mode socket'
said drop 4 'dropped a packet from 127.0.0.1'
# Source and reason of a drop; other lines have neither field.
grep -F 'SESSIOND_EVENT=drop' "$folder/journal" | grep -F 'SESSIOND_SOURCE=127.0.0.1 ' |
	grep -q 'SESSIOND_REASON=short ' || fail "no source or reason: $(cat "$folder/journal")"
grep -v 'SESSIOND_EVENT=drop' "$folder/journal" | grep -E 'SESSIOND_(SOURCE|REASON|INTERFACE)' &&
	fail "a field of nothing"
said stop 5 'stopping on signal 15'
# The other lines are on stderr, with their priority.
grep -q '^<6>listening on UDP' "$folder/stderr" || fail "no priorities: $(cat "$folder/stderr")"
grep -q 'answers in mode' "$folder/stderr" && fail "an event is logged twice"

finish
