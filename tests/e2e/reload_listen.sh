#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# reload_listen.sh MODE: the addresses change while the daemon runs, without privileges. An address that
# both lists have answers every GET meanwhile. A change that fails changes nothing.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
id -u nobody >/dev/null 2>&1 || skip "there is no user nobody"
place_for "$mode"
config_for_all
other=$((FARM_PORT + 1)) taken=$((FARM_PORT + 2))

# reload CODE LINE...: as reload_with, and no restart is wanted
reload()
{
	reload_with "$@"
	! grep -q restart "$LOGS/reload" || fail "it wants a restart"
}

# answers ADDRESS PORT, silent ADDRESS PORT: in xdp mode by the program
answers()
{
	local before

	before=$(farm_stat slow_get_hits)
	FROM=t2 TO=$1 FARM_PORT=$2 udp fetch --count 50
	[ "$(farm_stat slow_get_hits)" = "$before" ] || fail "the daemon had to answer, not XDP"
}

silent()
{
	FROM=t2 TO=$1 FARM_PORT=$2 udp fetch --count 2 --expect silence
}

FARM_USER=nobody daemon_for "$mode" --config "$config"
udp store --count 2000 --confirm
farm_spawn t1 "$LOGS/watch.log" "$TOOLS/udpclient" fetch "$FARM_CACHE" "$FARM_PORT" --count 2000 --rate 2000 \
	--forever
watch=$FARM_PID

step "from every address to one of them"
answers "$FARM_CACHE6" "$FARM_PORT"
reload 0 "listen = $FARM_CACHE"
silent "$FARM_CACHE6" "$FARM_PORT"
answers "$FARM_CACHE" "$FARM_PORT"

step "other ports and addresses beside it"
reload 0 "listen = $FARM_CACHE" "listen = $FARM_CACHE:$other" "listen = [$FARM_CACHE6]:$other"
answers "$FARM_CACHE" "$other"
answers "$FARM_CACHE6" "$other"
silent "$FARM_CACHE6" "$FARM_PORT"
FARM_PORT=$other udp store --count 100 --seed 3 --confirm
udp fetch --count 100 --seed 3

step "a port that another program has"
farm_spawn cache "$LOGS/other.log" python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", int(sys.argv[1])))
print("here", flush=True)
time.sleep(60)' "$taken"
farm_wait 10 grep -q here "$LOGS/other.log"
reload 1 "listen = $FARM_CACHE" "listen = [$FARM_CACHE6]:$((taken + 1))" "listen = $FARM_CACHE:$taken" \
	'allow = 192.0.2.1' 'rate-limit = 1/1'
grep -q "$FARM_CACHE:$taken is in use" "$LOGS/reload" || fail "it says: $(cat "$LOGS/reload")"
answers "$FARM_CACHE" "$other"
answers "$FARM_CACHE6" "$other"
silent "$FARM_CACHE6" "$((taken + 1))"
farm_ctl config >"$LOGS/config"
[ "$(grep -c '^listen = ' "$LOGS/config")" = 3 ] || fail "config: $(cat "$LOGS/config")"

step "to every address, and the other ports are closed"
reload 0 "# nothing"
answers "$FARM_CACHE" "$FARM_PORT"
answers "$FARM_CACHE6" "$FARM_PORT"
silent "$FARM_CACHE" "$other"
silent "$FARM_CACHE6" "$other"
sockets=$(find "/proc/$FARM_DAEMON/fd" -lname 'socket:*' | wc -l)
for _ in 1 2 3; do
	reload 0 "listen = $FARM_CACHE" "listen = $FARM_CACHE:$other"
	reload 0 "# nothing"
done
[ "$(find "/proc/$FARM_DAEMON/fd" -lname 'socket:*' | wc -l)" -le "$sockets" ] || fail "sockets stay open"

expect_stat sessions eq 2100
farm_end "$watch" || fail "GETs were lost or wrong: $(cat "$LOGS/watch.log")"
note "the client: $(cat "$LOGS/watch.log")"
