#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# `sessionctl flush` of a cache, which takes seconds: when it returns, every session that existed at the
# request is gone; requests are served meanwhile; and it continues if its client is killed.

. "$(dirname "$0")/lib.sh"

bench=$SESSIOND_BUILD/sessionbench
[ -x "$bench" ] || skip "this build has no sessionbench"

# At 256 a millisecond: over 1.4 s.
sessions=360000

start up -m socket -n 500000 -l 127.0.0.1 7203 || finish
pid=$started
ctl="$sessionctl -C $folder/up.sock"

preload() {
	"$bench" -q --preload-only "$@" 127.0.0.1:7203 >"$folder/preload" 2>&1 ||
		fail "preload: $(cat "$folder/preload")"
}
held() {
	$ctl stats | sed -n 's/^sessions //p'
}

preload -n $sessions
before=$(held)
# A slow machine loses a few; send these again.
[ "$before" -eq $sessions ] || fail "$before sessions are stored"
began=$(date +%s%N)
$ctl flush >"$folder/flushed" 2>&1 &
flush=$!
asked=0 partly=0
while kill -0 $flush 2>/dev/null; do
	left=$(held)
	asked=$((asked + 1))
	[ "$left" -gt 0 ] && [ "$left" -lt $sessions ] && partly=$((partly + 1))
	sleep 0.05
done
wait $flush || fail "flush: $(cat "$folder/flushed")"
left=$(held)
took=$((($(date +%s%N) - began) / 1000000))
echo "$sessions sessions gone in $took ms; asked $asked times meanwhile, $partly of them half-way"
[ "$left" -eq 0 ] || fail "flush has returned and $left sessions are left"
grep -qx "flushed $sessions" "$folder/flushed" || fail "flush says: $(cat "$folder/flushed")"
[ "$took" -ge $((sessions / 256 - 1)) ] || fail "that was too fast for GETs: $took ms"
[ "$partly" -gt 0 ] || fail "nobody else was served during the flush"

# A client that is killed, and a second one that waits for the flush that the first began.
preload -n $sessions --seed 2
$ctl flush >"$folder/flushed" 2>&1 &
flush=$!
sleep 0.2
kill $flush
wait $flush 2>/dev/null && fail "the flush that was to be cut off has ended: $(cat "$folder/flushed")"
left=$(held)
[ "$left" -gt 0 ] || fail "the flush that was cut off was too fast"
expect 0 '' $ctl flush
[ "$(held)" -eq 0 ] || fail "the second flush has left $(held)"
deleted=$(sed -n 's/^flushed //p' "$folder/out")
{ [ "$deleted" -gt 0 ] && [ "$deleted" -le "$left" ]; } ||
	fail "the second flush says $deleted, when $left were left"
$ctl stats | grep -qx "sessions_flushed $((2 * sessions))" || fail "sessions_flushed: $($ctl stats)"

# A daemon that stops meanwhile reports to the client that the flush is incomplete.
preload -n $sessions --seed 3
$ctl flush >"$folder/flushed" 2>&1 &
flush=$!
sleep 0.2
stop up "$pid"
wait $flush && fail "an incomplete flush says: $(cat "$folder/flushed")"
[ "$(wc -l <"$folder/flushed")" -eq 1 ] && grep -q 'closed the connection' "$folder/flushed" ||
	fail "an incomplete flush says: $(cat "$folder/flushed")"
finish
