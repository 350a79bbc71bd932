#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Restarts and an upgrade as systemd does them with the unit's RestartKillSignal: under load, every GET
# is answered and no session is lost. A stop removes everything. The watchdog is notified.
. "$(dirname "$0")/lib.sh"

need_program python3
grep -q 'HAVE_SYSTEMD' "$BUILD/build.ninja" || skip "sessiond is built without libsystemd"
place_for xdp

[ "$(sed -n 's/^RestartKillSignal=SIG//p' "$SOURCE/dist/systemd/sessiond.service.in")" = USR2 ] ||
	fail "the unit restarts with another signal than this test"

# A socket's path may have at most 107 bytes.
notify=$FARM_SECRETS/notify
touch "$LOGS/notify.log"
farm_spawn cache "$LOGS/notify.log" "$SOURCE/tests/e2e/notify.py" "$notify"
farm_wait 5 test -S "$notify" || fail "the notify socket is not there"

heard()
{
	[ "$(grep -c "^$1" "$LOGS/notify.log")" -ge "$2" ]
}

# As in the unit: the daemon reports that it is ready within a time limit.
starts=0
start()
{
	NOTIFY_SOCKET=$notify WATCHDOG_USEC=1000000 daemon_for xdp
	starts=$((starts + 1))
	farm_wait 5 heard READY=1 "$starts" || fail "no READY=1 (start $starts)"
}

step "start, 2,000 sessions, and a client that asks 2,000 times a second, all along"
start
udp store --count 2000 --confirm
farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" \
	--count 2000 --rate 2000 --forever
watch=$FARM_PID
sleep 0.5

step "the state in a line"
farm_wait 20 heard 'STATUS=xdp: 2000 of 100000 sessions, 100 % of [0-9]* GETs found$' 1 ||
	fail "no STATUS: $(grep STATUS "$LOGS/notify.log")"

step "five restarts"
for i in 1 2 3 4 5; do
	farm_end "$FARM_DAEMON" USR2 || fail "it ended with $? when it was to restart"
	heard STOPPING=1 "$i" || fail "no STOPPING=1"
	start
	expect_stat sessions_adopted eq 2000
	expect_stat sessions eq 2000
	sleep 0.3
done

step "an upgrade: another file of another name"
cp "$BUILD/sessiond" "$FARM_SECRETS/sessiond-next"
farm_end "$FARM_DAEMON" USR2 || fail "it ended with $?"
FARM_SESSIOND=$FARM_SECRETS/sessiond-next start
expect_stat sessions_adopted eq 2000
sleep 0.5

step "every GET was answered"
farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
note "the client: $(cat "$LOGS/watch.log")"

step "the watchdog is fed while it runs, and not while it does not"
fed=$(grep -c '^WATCHDOG=1' "$LOGS/notify.log" || true)
sleep 2.2
heard WATCHDOG=1 $((fed + 3)) || fail "the watchdog starves"
kill -STOP "$FARM_DAEMON"
sleep 0.2
fed=$(grep -c '^WATCHDOG=1' "$LOGS/notify.log")
sleep 1.5
kill -CONT "$FARM_DAEMON"
heard WATCHDOG=1 $((fed + 2)) && fail "a stopped daemon feeds its watchdog"

step "a reload is logged"
ready=$(grep -c '^READY=1' "$LOGS/notify.log")
farm_ctl reload >/dev/null
farm_wait 2 heard RELOADING=1 1 || fail "no RELOADING=1"
farm_wait 2 heard READY=1 $((ready + 1)) || fail "no READY=1 after the reload"

step "stop"
farm_end "$FARM_DAEMON" || fail "it ended with $?"
[ ! -e "$FARM_DIR/bpf/$FARM_PORT" ] || fail "a stop leaves pins behind"
udp fetch --count 10 --expect silence
