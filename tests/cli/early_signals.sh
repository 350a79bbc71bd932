#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Signals during the daemon's start: SIGHUP does not end it, SIGTERM ends it cleanly.

. "$(dirname "$0")/lib.sh"

# begin NAME: starts a daemon that is not ready yet, but has its admin socket, which it opens first.
begin() {
	"$sessiond" -m socket -n 400000 -C "$folder/$1.sock" 7200 >"$folder/$1.log" 2>&1 </dev/null &
	started=$!
	daemons="$daemons $started"
	for _ in $(seq 500); do
		[ -S "$folder/$1.sock" ] && return
		sleep 0.01
	done
	fail "no admin socket"
}

begin hup
kill -HUP "$started"
for _ in $(seq 100); do
	"$sessionctl" -C "$folder/hup.sock" version >/dev/null 2>&1 && break
	sleep 0.1
done
"$sessionctl" -C "$folder/hup.sock" version >/dev/null || fail "SIGHUP has ended it"
sleep 0.2
grep -q reloaded "$folder/hup.log" || fail "SIGHUP was lost: $(cat "$folder/hup.log")"
stop hup "$started"

begin term
kill "$started"
wait "$started" || fail "SIGTERM during the start: exit code $?"
daemons=
grep -q 'stopping on signal 15' "$folder/term.log" || fail "$(cat "$folder/term.log")"
[ -e "$folder/term.sock" ] && fail "it leaves its socket behind"

finish
