#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Bash completion that asks the daemon: ids by their beginning, contexts, sources. It is bounded, and quick
# where there are many sessions or no daemon.

. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091 # made by the build
. "$SESSIOND_BUILD/dist/completion/sessionctl" || exit 1

# completes 'WORDS OF THE LINE': TAB offers these for the last word, one a line.
completes()
{
	local line=$1

	cases=$((cases + 1))
	read -ra COMP_WORDS <<<"$line"
	[[ $line != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMPREPLY=()
	_sessionctl "$sessionctl"
	printf '%s\n' "${COMPREPLY[@]}" | sort >"$folder/got"
}

# is 'WORDS OF THE LINE' EXPECTED...
is()
{
	completes "$1"
	shift
	[ "$(paste -sd ' ' "$folder/got")" = "$*" ] || fail "${COMP_WORDS[*]}: $(cat "$folder/got"), not $*"
}

start live -m socket -n 200000 7462 || finish
python3 - <<'END'
import socket, struct, time
tlv = lambda tag, body: bytes([tag, len(body)]) + body
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for key, version, context in ("a1" * 32, 3, b"farm"), ("a1b2" * 16, 3, b"farm"), ("c3" * 32, 2, b"mail in"):
    value = tlv(0x30, tlv(2, b"\1") + tlv(2, bytes([3, version + 1])) + tlv(4, b"\x13\1") + tlv(4, b"") +
                tlv(4, b"secret-value") + tlv(0xa4, tlv(4, context)))
    s.sendto(struct.pack(">BBH32s", 1, 0, 600, bytes.fromhex(key)) + value, ("127.0.0.1", 7462))
END
ctl="sessionctl -C $folder/live.sock"
for _ in $(seq 50); do
	[ "$("$sessionctl" -C "$folder/live.sock" list | wc -l)" -eq 3 ] && break
	sleep 0.1
done
a=$(printf 'a1%.0s' {1..32}) b=$(printf 'a1b2%.0s' {1..16}) c=$(printf 'c3%.0s' {1..32})
for command in show list remove take '--source 127.0.0.1 list'; do
	is "$ctl $command c" "$c"
	is "$ctl $command a1" "$a $b"
	is "$ctl $command a1b" "$b"
	is "$ctl $command A1B" "$b"
	is "$ctl $command " "$a $b $c"
	is "$ctl $command d" ""
	is "$ctl $command x" ""
done
is "sessionctl --control = $folder/live.sock show c3" "$c"
is "$ctl watch --id c3" "$c"
is "$ctl list --context " '0x6d61696c20696e farm'
is "$ctl list --context = f" farm
is "$ctl list --source 1" 127.0.0.1
is "$ctl watch --outcome m" miss
is "$ctl watch --outcome hit,re" 'hit,refused hit,removed'
is "$ctl list --tls 1" '1.2 1.3'
# Every word that completes is accepted, and there is no other.
for option in tls outcome; do
	completes "$ctl watch --$option "
	expected=$("$sessionctl" -C "$folder/live.sock" watch --$option wrong 2>&1 </dev/null |
		sed 's/.*expected //; s/ or /, /; s/,//g' | xargs -n 1 | sort | paste -sd ' ')
	[ "$(paste -sd ' ' "$folder/got")" = "$expected" ] || fail "$option: $(cat "$folder/got"), not $expected"
done

# Many sessions: 64 at most, within a second or two on a busy machine.
python3 - <<'END'
import os, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 7462))
for i in range(100000):
    s.send(struct.pack(">BBH32s", 1, 0, 600, i.to_bytes(32, "little")) + b"v" * 144)
END
[ "$("$sessionctl" -C "$folder/live.sock" list | head -n 2000 | wc -l)" -eq 2000 ] || fail "too few sessions"
for word in '' 0 00 ffff; do
	began=$(date +%s%N)
	completes "$ctl show $word"
	took=$((($(date +%s%N) - began) / 1000000))
	echo "show $word: $(wc -l <"$folder/got") in $took ms"
	[ "$(wc -l <"$folder/got")" -le 64 ] || fail "show $word offers $(wc -l <"$folder/got") ids"
	[ "$took" -le 3000 ] || fail "show $word took $took ms"
done

# A daemon that does not answer, and none.
kill -STOP "$started"
began=$(date +%s)
is "$ctl show a" ""
[ $(($(date +%s) - began)) -le 4 ] || fail "a daemon that does not answer holds up the terminal"
kill -CONT "$started"
is "sessionctl -C $folder/none show a" ""
finish
