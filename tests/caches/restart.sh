#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A cache in xdp mode restarts: it adopts its sessions and reads what it missed, and no more; whether it
# was stopped, or killed under load. Without its maps, as after a reboot, it reads everything.

. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/lib_xdp.sh"

engine one && engine two || finish
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis --farm-key $folder/key"
start_x --keep || finish
x=$started
# shellcheck disable=SC2086
cache b 7002 $farm || finish
await 35 "x is ready" ready_x
await 35 "b is ready" is_ready 7002

# restarted: x has started again. Prints what it adopted and read.
restarted() {
	start_x --keep || finish
	x=$started
	await 35 "x is ready again" ready_x
	await 10 "its warm-up is over" has x farm_warm_up_percent eq 100
	read_by_x=$(stat x farm_received)
	echo "x adopted $(stat x sessions_adopted) sessions and read $read_by_x records in $(stat x farm_warm_up_ms) ms"
}
client store 7002 --count 20000 --seed 1 --rate 20000 --timeout 3000 --confirm
await 30 "x has them" has x sessions eq 20000

# Stopped. It notes ten times a second how far it is.
sleep 2
stop x "$x"
client store 7002 --count 3000 --seed 2 --timeout 3000 --confirm
client remove 7002 --count 500 --seed 1
restarted
[ "$(stat x sessions_adopted)" -eq 20000 ] || fail "x adopted $(stat x sessions_adopted) sessions"
[ "$read_by_x" -ge 3500 ] || fail "x read $read_by_x records, and missed 3500"
[ "$read_by_x" -lt 10000 ] || fail "x missed 3500 records, and read $read_by_x"
await 10 "x has all sessions" has x sessions eq 22500
far fetch --count 3000 --seed 2
far fetch --count 500 --seed 1 --expect miss

# Killed while sessions arrive.
"$udpclient" store 127.0.0.1 7002 --count 60000 --rate 15000 --seed 3 --timeout 3000 >"$folder/load" 2>&1 &
load=$!
await 30 "x has a third of them" has x sessions ge 42500
kill -9 "$x"
ended "$x"
echo "x was killed"
sleep 1
restarted
wait "$load"
all_of_b() {
	has x sessions ge "$(stat b sessions)"
}
await 30 "x has all sessions that b has" all_of_b
[ "$(stat x sessions_adopted)" -ge 42000 ] || fail "x adopted $(stat x sessions_adopted) sessions"
[ "$read_by_x" -lt 60000 ] || fail "x read everything: $read_by_x records"
if [ "$(stat b drop_queue_full)" -eq 0 ] && [ "$(stat b drop_socket_buffer)" -eq 0 ]; then
	far fetch --count 60000 --seed 3
else
	echo "b lost NEWs on this busy machine: not all sessions are there to be asked for"
fi

# A flush is not missed.
sleep 2
kill -9 "$x"
ended "$x"
expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
client store 7002 --count 1000 --seed 4 --timeout 3000 --confirm
restarted
await 30 "x has lost what was flushed" has x sessions eq 1000
far fetch --count 1000 --seed 4

# Without its maps.
kill -9 "$x"
ended "$x"
rm -rf "$folder/bpf/s"
restarted
[ "$(stat x sessions_adopted)" -eq 0 ] || fail "x adopted sessions of maps that are gone"
await 10 "x has all sessions again" has x sessions eq 1000
far fetch --count 1000 --seed 4
finish
