#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Errors that only the start can find: one line, exit code 1, and no harm to a running daemon.

. "$(dirname "$0")/lib.sh"

# Two daemons on one port, by the same user, and on one admin socket.
start first -m socket -n 1000 7001 || finish
expect 1 "UDP .*:7001 is in use by sessiond \\(process $started\\)" "$sessiond" -m socket -n 1000 -C "$folder/second.sock" 7001
expect 1 'another sessiond answers on' "$sessiond" -m socket -n 1000 -C "$folder/first.sock" 7002
expect 0 '' "$sessionctl" -C "$folder/first.sock" version
stop first "$started"
[ -e "$folder/first.sock" ] && fail "a daemon that was told to stop leaves its socket"

# A port of another program that does not share it.
python3 -c 'import socket, time
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::", 7003))
print("bound", flush=True)
time.sleep(60)' >"$folder/other" &
daemons="$daemons $!"
for _ in $(seq 50); do
	[ -s "$folder/other" ] && break
	sleep 0.1
done
expect 1 "UDP .*:7003 is in use by python3 \\(process $!\\)" "$sessiond" -m socket -n 1000 -C "$folder/s" 7003

# An admin socket that cannot be created, or is not a socket.
expect 1 'admin socket' "$sessiond" -m socket -n 1000 -C "$folder/none/control.sock" 7004
: >"$folder/file"
expect 1 'a file that is not a socket is there' \
	"$sessiond" -m socket -n 1000 -C "$folder/file" 7004
[ -f "$folder/file" ] || fail "the file in the socket's place is gone"

# An address that this host does not have yet is no failure, and is reported once.
start absent -m socket -t 4 -n 1000 -l 192.0.2.77 7005 || finish
stop absent "$started"
cases=$((cases + 1))
[ "$(grep -c 'no interface has the address of 192.0.2.77:7005 yet' "$folder/absent.log")" -eq 1 ] ||
	fail "for a missing address it says: $(cat "$folder/absent.log")"

# A killed daemon's socket file does not prevent a start.
start killed -m socket -n 1000 7006 || finish
kill -9 "$started"
wait "$started" 2>/dev/null
[ -S "$folder/killed.sock" ] || fail "kill -9 left no socket file to try with"
expect 1 'no sessiond answers on' "$sessionctl" -C "$folder/killed.sock" version
start killed -m socket -n 1000 7006 || finish
stop killed "$started"

finish
