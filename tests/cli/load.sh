#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A daemon in socket mode under a mixed load of GETs, NEWs and REMOVEs, while it is reloaded, queried
# and flushed. With ThreadSanitizer this finds races: a report ends the daemon with an exit code, which
# fails the test.

. "$(dirname "$0")/lib.sh"

bench=$SESSIOND_BUILD/sessionbench
[ -x "$bench" ] || skip "this build has no sessionbench"

printf 'allow = 127.0.0.0/8\nremove = honour\n' >"$folder/config"
start up -m socket -t 2 -n 20000 -c "$folder/config" -l 127.0.0.1 -l 127.0.0.2 7200 || finish
pid=$started

"$bench" -q -w mix -n 2000 -d 8 --rate 25000 127.0.0.1:7200 >"$folder/mix" 2>&1 &
mix=$!
"$bench" -q -w remove -n 3000 -d 3 --rate 1000 127.0.0.2:7200 >"$folder/remove" 2>&1 &
remove=$!
daemons="$daemons $mix $remove"
rounds=0
while kill -0 "$mix" 2>/dev/null; do
	rounds=$((rounds + 1))
	case $((rounds % 3)) in
	0) printf 'allow = 127.0.0.0/8\nremove = ignore\n' >"$folder/config" ;;
	1) printf 'allow = 127.0.0.0/8\nallow = 10.0.0.0/8\nremove = honour\nbusy-poll = yes\nrate-limit = 1M/1M\nmetrics = 9532\n' \
		>"$folder/config" ;;
	2) printf 'remove = bad\n' >"$folder/config" ;;
	esac
	kill -HUP "$pid"
	for what in stats list; do
		"$sessionctl" -C "$folder/up.sock" $what >"$folder/out" 2>"$folder/err" ||
			fail "$what: $(cat "$folder/err")"
	done
	[ $((rounds % 16)) -eq 15 ] &&
		{ "$sessionctl" -C "$folder/up.sock" flush >/dev/null || fail flush; }
	sleep 0.05
done
wait "$mix" || fail "the mix: $(cat "$folder/mix")"
wait "$remove" || fail "REMOVEs: $(cat "$folder/remove")"
[ "$rounds" -gt 3 ] || fail "only $rounds rounds"
"$sessionctl" -C "$folder/up.sock" flush >/dev/null || fail "the last flush"
"$sessionctl" -C "$folder/up.sock" stats >"$folder/out" || fail "no stats at the end"
value() {
	sed -n "s/^$1 //p" "$folder/out"
}
echo "$rounds rounds; $(value get_hits) hits, $(value new_stored) stored," \
	"$(value remove_done) removed, $(value sessions_evicted) evicted," \
	"$(value sessions_flushed) flushed, $(value drop_queue_full) dropped"
for name in get_hits new_stored remove_done sessions_flushed; do
	[ "$(value $name)" -gt 0 ] || fail "$name is 0"
done
[ $(($(value new_stored) + $(value new_replaced))) -eq $(($(value sessions) + \
	$(value remove_done) + $(value sessions_evicted) + $(value sessions_expired) + \
	$(value sessions_flushed))) ] || fail "sessions are unaccounted for: $(cat "$folder/out")"
grep -q 'reloaded' "$folder/up.log" || fail "no reload was done"
grep -q 'reload failed' "$folder/up.log" || fail "no bad reload was refused"
stop up "$pid"
grep -E 'Sanitizer|runtime error' "$folder/up.log" && fail "$(cat "$folder/up.log")"

finish
