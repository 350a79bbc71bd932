#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessionctl with a daemon in socket mode, and its wrong values.

. "$(dirname "$0")/lib.sh"

wrong() {
	pattern=$1
	shift
	expect 2 "^sessionctl: .*$pattern" "$sessionctl" "$@"
}

wrong 'which command'
wrong 'unknown command ""' ''
wrong 'unknown command statistics' statistics
wrong 'which command' --json
wrong 'stats takes no argument' stats now
wrong 'argument three is one too many' remove ab three
wrong 'remove needs an argument: remove ID' remove
wrong 'remove needs an argument: remove ID' remove ab --tls 1.3
wrong '--tls 1.4: expected 1.3, 1.2' list --tls 1.4
wrong '--source here: expected an address' remove --source here
wrong '--context, --tls and --source work with list, remove and watch only' stats --tls 1.3
wrong 'list xyz: expected the beginning of an id' list xyz
wrong 'remove xyz: expected an id, 1 to 32 bytes in hex' remove xyz
wrong 'remove abc: expected an id' remove abc
wrong 'show .*: expected an id' show "$(printf '%066d' 0)"
wrong 'log-level loud: expected' log-level loud
wrong 'log-level wraning: .*: did you mean warning[?]$' log-level wraning
wrong '--tls seled: .*: did you mean sealed[?]$' list --tls seled
wrong 'key rotaet FILE: .*: did you mean rotate[?]$' key rotaet "$folder/none"
wrong 'unknown command relaod: did you mean reload[?]' relaod
wrong '--json works with stats, top, contexts, sources, list, show, farm, clients and doctor only' flush --json
wrong '--port 0: expected' --port 0 detach
wrong '--port 70000: expected' --port 70000 detach
wrong '--pin-dir x: expected an absolute path' --pin-dir x detach
wrong '--control "": expected a path' -C '' stats
wrong 'unknown option -Q' -Q
expect 1 'no sessiond answers on' "$sessionctl" -C "$folder/none" stats
expect 1 'no sessiond answers on' "$sessionctl" -C "$folder/none" flush

# send TYPE TIMEOUT KEY-BYTE [VALUE]: sends a request to port 7201; prints the reply's type and value.
send() {
	python3 -c '
import socket, struct, sys
kind, timeout, key = (int(a) for a in sys.argv[1:4])
value = sys.argv[4].encode() if len(sys.argv) > 4 else b""
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(struct.pack(">BBH32s", 1, kind, timeout, bytes([key] * 3)) + value, ("127.0.0.1", 7201))
if kind in (1, 3):
    s.settimeout(5)
    reply = s.recv(2000)
    print("%02x %s" % (reply[1], reply[36:].decode()))' "$@"
}

conf=$folder/conf
printf 'capacity = 1000\nremove = honour\n' >"$conf"
start up -m socket -c "$conf" 7201 || finish
ctl="$sessionctl -C $folder/up.sock"

expect 0 '' $ctl version
grep -Eqx 'sessiond [0-9.]+' "$folder/out" || fail "version says: $(cat "$folder/out")"
expect 0 '' $ctl list
[ -s "$folder/out" ] && fail "an empty cache lists: $(cat "$folder/out")"

send 0 300 17 secret-value-one
send 0 300 34 secret-value-two
for _ in $(seq 50); do
	[ "$($ctl list | wc -l)" -eq 2 ] && break
	sleep 0.1
done
id=$(printf '111111%058d' 0)
expect 0 '' $ctl list
grep -Eqx "$id (29[0-9]|300) 16 [0-9] opaque 127.0.0.1 -" "$folder/out" || fail "list lacks $id: $(cat "$folder/out")"
[ "$(wc -l <"$folder/out")" -eq 2 ] || fail "list has not two lines"
expect 0 '' $ctl show 111111
[ "$(head -n 1 "$folder/out")" = "id $id" ] || fail "show says: $(cat "$folder/out")"
grep -qx 'length 16' "$folder/out" || fail "show says: $(cat "$folder/out")"

$ctl --json list | python3 -c '
import json, sys
rows = json.load(sys.stdin)
assert len(rows) == 2 and all(row["length"] == 16 and 290 < row["remaining"] <= 300 for row in rows)
assert "'"$id"'" in [row["id"] for row in rows]' || fail "list --json"
$ctl show --json 222222 | python3 -c '
import json, sys
row = json.load(sys.stdin)
assert row["id"].startswith("22222200") and row["length"] == 16' || fail "show --json"
send 1 0 17 >"$folder/reply"
[ "$(cat "$folder/reply")" = '81 secret-value-one' ] || fail "GET before remove: $(cat "$folder/reply")"

# Text and JSON have the same unique names in the same order, and all values are integers.
expect 0 '' $ctl stats
cp "$folder/out" "$folder/stats"
grep -Evq '^[a-z][a-z0-9_]* [0-9]+$' "$folder/stats" && fail "not a name and a number: $(cat "$folder/stats")"
[ -z "$(cut -d ' ' -f 1 "$folder/stats" | sort | uniq -d)" ] || fail "a name comes twice"
for want in 'sessions 2' 'capacity 1000' 'new_stored 2' 'get_hits 1' 'mode_socket 1'; do
	grep -qx "$want" "$folder/stats" || fail "stats lack: $want"
done
documented "$folder/stats" socket
$ctl stats --json >"$folder/json"
python3 - "$folder/stats" "$folder/json" <<-'END' || fail "stats --json"
	import json, sys
	names = [line.split()[0] for line in open(sys.argv[1])]
	figures = json.load(open(sys.argv[2]))
	assert names == list(figures), (names, figures)
	assert all(type(value) is int for value in figures.values())
END

# What becomes of requests, while somebody watches.
wrong '--id works with watch only: list ab does the same$' list --id ab
wrong '--id and --outcome work with watch only' list --outcome hit
wrong '--id and --outcome work with watch only' stats --id ab
wrong '--id xy: expected 1 to 64 hex digits' watch --id xy
wrong '--outcome lost: expected hit, miss' watch --outcome lost
wrong '--outcome dorp: .*: did you mean drop[?]$' watch --outcome miss,dorp
$ctl watch --source 127.0.0.0/8 >"$folder/events" 2>&1 &
watch=$!
$ctl watch --outcome miss >"$folder/misses" 2>&1 &
misses=$!
$ctl watch --outcome drop >"$folder/drops" 2>&1 &
dropped=$!
for _ in $(seq 100); do
	send 1 0 17 >/dev/null
	send 1 0 99 >/dev/null
	send 0 300 17 secret-value-one
	send 77 0 17 >/dev/null
	grep -q ' drop ' "$folder/drops" && grep -q 'GET hit 127.0.0.1 1111' "$folder/events" && grep -q 'NEW exists 127.0.0.1 1111' "$folder/events" &&
		grep -q 'GET miss 127.0.0.1 6363' "$folder/misses" && break
	sleep 0.1
done
kill $watch $misses $dropped
grep -Eq '^[0-9:]{8} - drop 127.0.0.1 - - -$' "$folder/drops" || fail "watch --outcome drop: $(cat "$folder/drops")"
grep -Evq '^#|^[0-9:]{8} - drop 127.0.0.1 - - -$' "$folder/drops" && fail "watch --outcome drop shows more: $(cat "$folder/drops")"
grep -Eq '^[0-9:]{8} GET hit 127.0.0.1 1111[0-9a-f]* opaque -$' "$folder/events" || fail "watch: $(cat "$folder/events")"
grep -Eq '^[0-9:]{8} NEW exists 127.0.0.1 1111[0-9a-f]* - -$' "$folder/events" || fail "watch: $(cat "$folder/events")"
grep -q '^# every GET$' "$folder/events" || fail "watch does not say how many it shows"
grep -q 'hit\|NEW' "$folder/misses" && fail "watch --outcome miss: $(cat "$folder/misses")"
grep -q 'GET miss 127.0.0.1 6363' "$folder/misses" || fail "watch --outcome miss: $(cat "$folder/misses")"
grep -aq secret-value "$folder/events" && fail "watch shows a value"

# TAKE, by a client and by the administrator: whoever comes first.
send 0 300 51 secret-value-three
send 0 300 68 secret-value-four
for _ in $(seq 50); do
	[ "$($ctl list | wc -l)" -eq 4 ] && break
	sleep 0.1
done
send 3 0 51 >"$folder/reply"
[ "$(cat "$folder/reply")" = '81 secret-value-three' ] || fail "TAKE: $(cat "$folder/reply")"
expect 1 'no such session, or it was taken' $ctl take 333333
expect 0 '' $ctl take 444444
grep -q . "$folder/out" && fail "take says: $(cat "$folder/out")"
expect 1 'no such session, or it was taken' $ctl take 444444
send 3 0 68 >"$folder/reply"
[ "$(cat "$folder/reply")" = '80 ' ] || fail "TAKE after take: $(cat "$folder/reply")"
expect 1 'no such session' $ctl show 333333
[ "$($ctl list | wc -l)" -eq 2 ] || fail "what was taken is listed"
$ctl stats | grep -qx 'sessions_taken 2' || fail "two were taken: $($ctl stats | grep taken)"
wrong 'take xyz: expected an id' take xyz

expect 0 '' $ctl remove 111111
send 1 0 17 >"$folder/reply"
[ "$(cat "$folder/reply")" = '80 ' ] || fail "GET after remove: $(cat "$folder/reply")"
expect 1 'no such session: remove takes a whole id, `sessionctl list 111111` shows it$' $ctl remove 111111
expect 1 'no such session' $ctl show 111111
send 1 0 34 >"$folder/reply"
[ "$(cat "$folder/reply")" = '81 secret-value-two' ] || fail "the other: $(cat "$folder/reply")"
# The status: found by anybody, changed by nobody, and no session.
check="$sessionctl check 127.0.0.1:7201"
for _ in $(seq 50); do
	$check >/dev/null 2>&1 && break
	sleep 0.1
done
expect 0 '' $check
[ "$(cat "$folder/out")" = 'sessiond/1 take=yes state=ready' ] || fail "check says: $(cat "$folder/out")"
expect 0 '' "$sessionctl" --port 7201 check 127.0.0.1
status=$(printf sessiond-status | od -An -tx1 | tr -d ' \n')
for kind in 0 2 3; do
	python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(struct.pack(">BBH32s", 1, int(sys.argv[1]), 300, b"sessiond-status") + b"x" * 40 *
         (sys.argv[1] == "0"), ("127.0.0.1", 7201))
if sys.argv[1] == "3":
    s.settimeout(5)
    assert s.recv(2000)[1] == 0x80' $kind || fail "a TAKE of the status is not answered ERR"
done
for _ in $(seq 50); do
	$ctl stats | grep -qx 'new_reserved 1' && break
	sleep 0.1
done
$ctl stats | grep -qx 'new_reserved 1' || fail "a NEW of the status is not counted"
expect 1 'no such session' $ctl remove "$status"
expect 1 'no such session' $ctl show "$status"
expect 1 'no such session' $ctl take "$status"
$ctl list | grep -q "$status" && fail "the status is listed"
expect 0 '' $check
wrong 'check here: expected ADDR' check here
wrong "check .*: expected ADDR" check "*"
expect 1 '^sessionctl: 127.0.0.1:7299: it cannot be asked' "$sessionctl" check 127.0.0.1:7299

# Contexts, as stunnel's services have them; ids by their beginning; removing many.
der() {
	python3 -c '
import socket, struct, sys
tlv = lambda tag, body: bytes([tag, len(body)]) + body
for key in sys.argv[3:]:
    value = tlv(0x30, tlv(2, b"\1") + tlv(2, bytes([3, int(sys.argv[1]) + 1])) + tlv(4, b"\x13\1") + tlv(4, b"") +
                tlv(4, b"secret-value") + tlv(0xa4, tlv(4, sys.argv[2].encode())))
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(
        struct.pack(">BBH32s", 1, 0, 300, bytes.fromhex(key)) + value, ("127.0.0.1", 7201))' "$@"
}
der 3 farm a1 a2 a3
der 2 'farm 2' b1
for _ in $(seq 50); do
	[ "$($ctl list | wc -l)" -eq 5 ] && break
	sleep 0.1
done
expect 0 '' $ctl contexts
grep -qx 'farm 1.3 3 3 0' "$folder/out" || fail "contexts: $(cat "$folder/out")"
grep -qx '0x6661726d2032 1.2 1 1 0' "$folder/out" || fail "contexts: $(cat "$folder/out")"
expect 0 '' $ctl sources
grep -Eqx '127\.0\.0\.1 5 [5-9] [0-9]' "$folder/out" || fail "sources: $(cat "$folder/out")"
$ctl --json sources | python3 -c '
import json, sys
row, = json.load(sys.stdin)
assert row["source"] == "127.0.0.1" and row["sessions"] == 5 and row["stored"] >= 5 and row["used"] <= row["stored"], row' ||
	fail "sources --json"
[ "$($ctl list --context farm | wc -l)" -eq 3 ] || fail "list --context"
[ "$($ctl list --context 'farm 2' --tls 1.2 --source 127.0.0.0/8 | wc -l)" -eq 1 ] || fail "list --context 'farm 2'"
[ "$($ctl list --source 10.0.0.0/8 | wc -l)" -eq 0 ] || fail "list --source"
[ "$($ctl list a | wc -l)" -eq 3 ] || fail "list a"
expect 0 '' $ctl show a2
expect 0 '' $ctl show b
grep -qx 'context 0x6661726d2032' "$folder/out" && grep -qx 'tls 1.2' "$folder/out" || fail "show b: $(cat "$folder/out")"
expect 1 '3 sessions begin with a' $ctl show a
$ctl --json contexts | python3 -c '
import json, sys
assert {"context": "farm", "tls": "1.3", "sessions": 3, "stored": 3, "used": 0} in json.load(sys.stdin)' ||
	fail "contexts --json"
# The names of the columns are for terminals only.
python3 - "$sessionctl" "${ctl##* }" <<'END' || fail "columns on a terminal"
import os, pty, subprocess, sys
def on_terminal(*words):
    master, slave = pty.openpty()
    subprocess.run([sys.argv[1], "-C", sys.argv[2], *words], stdout=slave, check=True)
    os.close(slave)
    out = b""
    try:
        while True:
            part = os.read(master, 4096)
            if not part:
                break
            out += part
    except OSError:
        pass
    return out.decode().split("\r\n")
for command, first in ("list", "ID "), ("contexts", "CONTEXT "), ("sources", "SOURCE "):
    lines = on_terminal(command)
    plain = subprocess.run([sys.argv[1], "-C", sys.argv[2], command], capture_output=True, text=True).stdout
    assert lines[0].startswith(first) and len(lines[0].split()) == len(lines[1].split()), lines
    assert lines[1:-1] and first not in plain and len(plain.splitlines()) == len(lines) - 2, (lines, plain)
assert on_terminal("list", "ffff") == [""]
END
expect 0 '' $ctl remove --context farm
grep -qx 'removed 3' "$folder/out" || fail "remove --context: $(cat "$folder/out")"
expect 0 '' $ctl remove --tls 1.2 --source 127.0.0.1
grep -qx 'removed 1' "$folder/out" || fail "remove --tls: $(cat "$folder/out")"

expect 0 '' $ctl flush
grep -qx 'flushed 1' "$folder/out" || fail "flush says: $(cat "$folder/out")"
send 1 0 34 >"$folder/reply"
[ "$(cat "$folder/reply")" = '80 ' ] || fail "GET after flush: $(cat "$folder/reply")"

# Reload by the socket and by SIGHUP: which options change at once, and which are reported to need a
# restart.
printf 'capacity = 2000\nremove = ignore\nallow = 192.0.2.0/24\n' >"$conf"
expect 0 '' $ctl reload
grep -qx 'capacity has changed: restart to apply it (memory is reserved at start); from 1000 to 2000' \
	"$folder/out" || fail "reload does not tell of capacity: $(cat "$folder/out")"
grep -qx 'remove: from honour to ignore' "$folder/out" || fail "reload does not tell of remove"
grep -q '^allow: 127.0.0.0/8 was removed, .* 192.0.2.0/24 was added$' "$folder/out" ||
	fail "reload does not tell of allow: $(cat "$folder/out")"
grep -q '^a restart ends no session' "$folder/out" || fail "reload does not tell of a restart"
grep -q 'reload: remove: from honour to ignore' "$folder/up.log" || fail "the log lacks a change"

# config: what runs, and from where; --diff: how it differs from file and command line.
expect 0 '' $ctl config
grep -Eqx "allow = 192.0.2.0/24 +# $conf:3" "$folder/out" || fail "config: $(cat "$folder/out")"
grep -Eq '^capacity = 1000 +# ' "$folder/out" || fail "config lacks the capacity that runs"
grep -Eqx 'max-session = 512 +# default' "$folder/out" || fail "config lacks a default"
grep -Eqx 'port = 7201 +# command line' "$folder/out" || fail "config lacks the command line"
expect 0 '' $ctl --diff config
grep -Eqx -- "[+] capacity = 2000 +# $conf:1; needs a restart" "$folder/out" ||
	fail "config --diff: $(cat "$folder/out")"
grep -q allow "$folder/out" && fail "config --diff shows what was reloaded"
printf 'capacity = 1000\nremove = ignore\nallow = 192.0.2.0/24\nallow = 192.0.3.0/24\n' >"$conf"
expect 0 '' $ctl config --diff
grep -Eqx -- "[+] allow = 192.0.3.0/24 +# $conf:4; reload applies it" "$folder/out" ||
	fail "config --diff: $(cat "$folder/out")"
grep -qx '# a reload applies all' "$folder/out" || fail "config --diff: $(cat "$folder/out")"
printf 'remove = ignore\nallow = 192.0.2.0/24\ncapacity = 1000\n' >"$conf"
expect 0 '' $ctl config --diff
[ "$(cat "$folder/out")" = '# no difference' ] || fail "config --diff: $(cat "$folder/out")"
expect 0 '' $ctl reload
[ "$(cat "$folder/out")" = 'nothing has changed' ] || fail "reload says: $(cat "$folder/out")"
wrong 'diff works with config only' stats --diff
$ctl stats | grep -qx 'capacity 1000' || fail "the capacity has changed"
send 2 0 34
for _ in $(seq 50); do
	$ctl stats | grep -qx 'drop_not_allowed 1' && break
	sleep 0.1
done
$ctl stats | grep -qx 'drop_not_allowed 1' || fail "the reloaded allow list is not in force"
printf 'capacity = 1000\n' >"$conf"
kill -HUP "$started"
for _ in $(seq 50); do
	[ "$(grep -c reloaded "$folder/up.log")" -ge 2 ] && break
	sleep 0.1
done
send 1 0 34 >"$folder/reply" || fail "the allow list is not back after SIGHUP"
printf 'allow = nonsense\n' >"$conf"
expect 1 'nothing was changed: .*:1: allow = nonsense: expected' $ctl reload
send 1 0 34 >"$folder/reply" || fail "a wrong file changed the allow list"

expect 0 '' $ctl log-level error
expect 0 '' $ctl --version

# No value of a session is in a log, listing or statistic.
grep -aq secret-value "$folder/up.log" "$folder/stats" "$folder/out" && fail "a value was told"

# It reports a closed pipe or a full disk.
if [ -e /dev/full ]; then
	$ctl stats >/dev/full 2>"$folder/err"
	[ $? -eq 1 ] || fail "a full disk goes unnoticed"
	[ "$(wc -l <"$folder/err")" -eq 1 ] || fail "a full disk gives: $(cat "$folder/err")"
fi
stop up "$started"

finish
