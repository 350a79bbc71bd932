#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# capacity and max-session change over a restart in xdp mode: the sessions stay, and every GET is answered.
. "$(dirname "$0")/lib.sh"

place_for xdp

# restart OPTION...: as systemd's, with other options
restart()
{
	farm_end "$FARM_DAEMON" USR2 || fail "it ended with $? when it was to restart"
	daemon_for xdp "$@"
}

# asked EXPECT: a client asks for each session until the next 'answered'
asked()
{
	farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" \
		--count 2000 --rate 2000 --forever --expect "$1"
	watch=$FARM_PID
	sleep 0.5
}

answered()
{
	sleep 0.5
	farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
	note "the client: $(cat "$LOGS/watch.log")"
}

step "2,000 sessions; what a reload and --check say of another capacity"
printf 'capacity = 3000\n' >"$FARM_SECRETS/conf"
daemon_for xdp --config "$FARM_SECRETS/conf"
farm_ctl config >"$LOGS/config"
grep -q '^capacity = 100000 .*command line' "$LOGS/config" || fail "config: $(cat "$LOGS/config")"
udp store --count 2000 --confirm
farm_end "$FARM_DAEMON" USR2 || fail "it ended with $?"
farm_daemon --mode xdp --xdp-mode native "${FARM_INTERFACES[@]}" --config "$FARM_SECRETS/conf"
expect_stat sessions eq 2000
expect_stat capacity eq 3000

# changed_to TEXT WORDS: what sessionctl and --check say once the file has this text
changed_to()
{
	printf '%b' "$1" >"$FARM_SECRETS/conf"
	farm_ctl config --diff >"$LOGS/diff"
	grep -q "^# a restart $2" "$LOGS/diff" || fail "config --diff: $(cat "$LOGS/diff")"
	farm_ctl reload >"$LOGS/reload"
	grep -q "^a restart $2" "$LOGS/reload" || fail "reload: $(cat "$LOGS/reload")"
	farm_in cache "$FARM_BUILD/sessiond" --check "$FARM_PORT" --pin-dir "$FARM_DIR/bpf" --mode xdp \
		"${FARM_INTERFACES[@]}" --config "$FARM_SECRETS/conf" >"$LOGS/check"
	grep -q "a start $3" "$LOGS/check" || fail "--check: $(cat "$LOGS/check")"
}
changed_to 'capacity = 6000\n' 'keeps the 2000 sessions$' \
	'moves 2000 of the 2000 sessions .*(capacity 3000 to 6000, .* needs memory for both'
changed_to 'capacity = 500\n' 'keeps 500 of 2000 sessions$' 'moves at most 500 of the 2000 sessions'
changed_to 'capacity = 3000\ntake = no\n' 'keeps the 2000 sessions$' 'keeps the 2000 sessions'

step "a larger capacity and max-session"
asked hit
restart --capacity 6000 --max-session 1400
expect_stat sessions eq 2000
expect_stat sessions_adopted eq 2000
expect_stat capacity eq 6000
answered

step "they are adopted from the new maps"
asked hit
restart --capacity 6000 --max-session 1400
grep -q '^adopted 2000 sessions' "$LOGS/sessiond.log" || fail "the new maps are not pinned"
answered

step "a smaller capacity keeps what fits, and serves no other"
asked any
restart --capacity 500 --max-session 1400
expect_stat sessions eq 500
answered
udp fetch --count 2000 --expect any >"$LOGS/fetch"
grep -q ' hit 500 miss 1500 wrong 0 lost 0 ' "$LOGS/fetch" || fail "GETs: $(cat "$LOGS/fetch")"

step "new sessions find room"
udp store --count 100 --seed 9 --confirm
udp fetch --count 100 --seed 9
