#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessiond 54321` as a drop-in for the classic daemon: no configuration, one port, every address, the
# protocol as stunnel speaks it, a line of statistics at SIGUSR1. The test mounts its own /run, where
# the admin socket is by default.

if [ -z "${DROP_IN_MOUNTS:-}" ]; then
	unshare -m true 2>/dev/null || {
		echo "SKIPPED: no mount namespace can be made: run as root"
		exit 77
	}
	DROP_IN_MOUNTS=1 exec unshare -m "$0" "$@"
fi
mount -t tmpfs tmpfs /run || {
	echo "SKIPPED: no tmpfs can be mounted"
	exit 77
}
unset XDG_RUNTIME_DIR
. "$(dirname "$0")/lib.sh"

"$sessiond" 54321 >"$folder/log" 2>&1 </dev/null &
daemon=$!
daemons=$daemon
for _ in $(seq 100); do
	grep -q 'answers in mode socket' "$folder/log" && break
	sleep 0.1
done
grep -q 'answers in mode socket' "$folder/log" || fail "it does not start: $(cat "$folder/log")"

python3 - <<'END' || fail "the protocol"
import socket, struct, time

def message(kind, key, timeout=0, value=b""):
    return struct.pack(">BBH32s", 1, kind, timeout, key) + value

def ask(server, family, datagram):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.connect((server, 54321))
    s.send(datagram)
    return s.recv(2000)

def tell(server, family, datagram):
    socket.socket(family, socket.SOCK_DGRAM).sendto(datagram, (server, 54321))

one, two = bytes(range(32)), b"short"
for server, family in ("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6):
    key = one if family == socket.AF_INET else two
    get = message(1, key)
    err = b"\x01\x80" + get[2:]
    # stunnel sends its whole buffer with a GET; the bytes after the header have no meaning.
    assert ask(server, family, get) == err, "a session that was never stored"
    tell(server, family, message(0, key, 300, b"v" * 144))
    for _ in range(100):
        reply = ask(server, family, get + b"\0" * 512)
        if reply[1] == 0x81:
            break
        time.sleep(0.05)
    assert reply == b"\x01\x81" + get[2:] + b"v" * 144, reply
    tell(server, family, message(0, key, 300, b"w" * 144))
    time.sleep(0.2)
    assert ask(server, family, get)[36:] == b"v" * 144, "the first write wins"
tell("127.0.0.1", socket.AF_INET, message(2, one))
for _ in range(100):
    if ask("127.0.0.1", socket.AF_INET, message(1, one))[1] == 0x80:
        break
    time.sleep(0.05)
else:
    raise SystemExit("REMOVE did nothing")
END

kill -USR1 "$daemon"
for _ in $(seq 100); do
	grep -q 'statistics:' "$folder/log" && break
	sleep 0.1
done
line=$(grep 'statistics:' "$folder/log")
echo "$line"
[ "$(echo "$line" | wc -l)" -eq 1 ] || fail "not one line"
echo "$line" | grep -Eq 'statistics: 1 of 1000000 sessions, [0-9]+ GETs, [0-9]+ hits, [0-9]+ misses, 4 NEWs, 1 REMOVEs, 0 expired, 0 evicted, 0 dropped, up [0-9]+ seconds$' ||
	fail "the line of statistics: $line"
"$sessionctl" version >"$folder/out" || fail "sessionctl does not find it by itself"

# Only the port can conflict: a second daemon reports it.
expect 1 'another sessiond|54321 is in use' "$sessiond" 54321
# On another port the admin socket is still taken: the error says so, and with --control it runs.
expect 1 '/run/sessiond/control.sock: .*its own with --control PATH' "$sessiond" 54322
start second 54322 || finish
expect 0 '' "$sessionctl" -C "$folder/second.sock" stats
stop second "$started"
daemons=$daemon
kill "$daemon"
wait "$daemon" || fail "SIGTERM: exit code $?"
daemons=
[ -e /run/sessiond/control.sock ] && fail "it leaves its socket behind"
finish
