#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A user without privileges runs the daemon in socket mode, and sessionctl finds it: both choose the
# admin socket's path by the same rule.

. "$(dirname "$0")/lib.sh"

cp "$sessiond" "$folder/sessiond"
cp "$sessionctl" "$folder/sessionctl"
mkdir "$folder/runtime" && chown 65534:65534 "$folder/runtime"
as_nobody="setpriv --reuid 65534 --regid 65534 --clear-groups env XDG_RUNTIME_DIR=$folder/runtime"
$as_nobody "$folder/sessiond" --version >/dev/null 2>&1 || skip "setpriv cannot run the daemon"
setpriv --reuid 65534 --regid 65534 --clear-groups test -w /run &&
	skip "/run is open to everybody here"

$as_nobody "$folder/sessiond" -m socket -n 1000 7301 >"$folder/log" 2>&1 </dev/null &
pid=$!
daemons=$pid
for _ in $(seq 100); do
	$as_nobody "$folder/sessionctl" version >/dev/null 2>&1 && break
	kill -0 "$pid" 2>/dev/null || break
	sleep 0.1
done
expect 0 '' $as_nobody "$folder/sessionctl" version
[ -S "$folder/runtime/sessiond.sock" ] || fail "no socket in XDG_RUNTIME_DIR: $(cat "$folder/log")"
[ "$(stat -c %a "$folder/runtime/sessiond.sock")" = 660 ] || fail "the socket's mode is not 660"
expect 0 '' $as_nobody "$folder/sessionctl" stats
grep -qx 'mode_socket 1' "$folder/out" || fail "not in socket mode: $(cat "$folder/out")"

# The socket's mode denies access to another user without an own daemon.
expect 1 'Permission denied: run as root' setpriv --reuid 65533 --regid 65533 --clear-groups \
	"$folder/sessionctl" -C "$folder/runtime/sessiond.sock" stats

kill "$pid"
wait "$pid" || fail "the daemon ends with $?: $(cat "$folder/log")"
daemons=
[ -e "$folder/runtime/sessiond.sock" ] && fail "the socket is left behind"

finish
