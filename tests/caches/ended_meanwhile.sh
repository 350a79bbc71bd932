#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# ended_meanwhile.sh socket|xdp: a cache restarts and takes its sessions over without notes of how far it
# was, in xdp mode because its capacity changes. It loses what a peer removed or flushed meanwhile, and
# nothing else: no session from after the flush, and none for a flush that it had carried out before.

mode=${1:?socket or xdp}

. "$(dirname "$0")/lib.sh"

if [ "$mode" = xdp ]; then
	. "$(dirname "$0")/lib_xdp.sh"
else
	command -v python3 >/dev/null || skip "python3 is not installed"
	grep -q HAVE_SYSTEMD "$SESSIOND_BUILD/build.ninja" || skip "sessiond is built without libsystemd"
fi

engine one && engine two || finish
farm="--farm unix://$folder/one.redis --farm unix://$folder/two.redis --farm-key $folder/key"
serves_x() {
	"$sessionctl" -C "$folder/x.sock" version
}
# From clients of x.
at_x() {
	if [ "$mode" = xdp ]; then
		far "$@"
	else
		at_x_command=$1
		shift
		client "$at_x_command" 7001 "$@"
	fi
}
ready() {
	if [ "$mode" = xdp ]; then ready_x; else is_ready 7001; fi
}
capacity=200000
begin_x() {
	if [ "$mode" = xdp ]; then
		# shellcheck disable=SC2086
		start x 7001 --mode xdp --xdp-mode generic --interface cli0 --pin-dir "$folder/bpf/s" \
			--capacity "$capacity" --farm-node x $farm --keep || finish
		x=$started
		capacity=$((capacity - 1000))
	elif [ -e "$folder/kept" ]; then
		touch "$folder/kept/again"
	else
		# shellcheck disable=SC2086
		"$(dirname "$0")/fd_store.py" "$folder/kept" "$sessiond" -C "$folder/x.sock" 7001 --user root \
			--mode socket --threads 1 --listen 127.0.0.1 --capacity "$capacity" --farm-node x $farm \
			>"$folder/x.log" 2>&1 </dev/null &
		daemons="$daemons $!"
	fi
	await 20 "x serves" serves_x
	await 35 "x is ready" ready
	await 10 "its warm-up is over" has x farm_warm_up_percent eq 100
}
end_x() {
	if [ "$mode" = xdp ]; then
		stop x "$x"
	else
		kill -USR2 "$(cat "$folder/kept/pid")"
		await 20 "x has ended" test ! -e "$folder/kept/pid"
	fi
}
# shellcheck disable=SC2086
cache b 7002 $farm || finish
await 35 "b is ready" is_ready 7002
begin_x

# A flush that x carries out; then both store sessions.
client store 7002 --count 500 --seed 1 --timeout 3000 --confirm
await 30 "x has them" has x sessions eq 500
expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
await 30 "x has none" has x sessions eq 0
at_x store --count 300 --seed 2 --timeout 3000 --confirm
client store 7002 --count 1000 --seed 3 --timeout 3000 --confirm
await 30 "x has all sessions" has x sessions eq 1300
await 30 "b has all sessions" has b sessions eq 1300

# It restarts while the peer removes and stores.
end_x
client remove 7002 --count 100 --seed 3
client remove 7002 --count 50 --seed 2
client store 7002 --count 200 --seed 4 --timeout 3000 --confirm
begin_x
[ "$(stat x sessions_adopted)" -eq 1300 ] || fail "x took over $(stat x sessions_adopted) sessions"
await 10 "x has what b has" has x sessions eq 1350
[ "$(stat x sessions_flushed)" -eq 0 ] || fail "x flushed $(stat x sessions_flushed) sessions again"
at_x fetch --count 100 --seed 3 --expect miss
at_x fetch --count 50 --seed 2 --expect miss
at_x fetch --count 200 --seed 4

# The peer removes, flushes, and stores.
end_x
client remove 7002 --count 200 --seed 4
expect 0 '' "$sessionctl" -C "$folder/b.sock" flush
client store 7002 --count 400 --seed 5 --timeout 3000 --confirm
begin_x
[ "$(stat x sessions_adopted)" -eq 1350 ] || fail "x took over $(stat x sessions_adopted) sessions"
at_x store --count 70 --seed 6 --timeout 3000 --confirm
await 10 "x has what was stored after the flush" has x sessions eq 470
await 10 "so has b" has b sessions eq 470
at_x fetch --count 400 --seed 5
at_x fetch --count 70 --seed 6
at_x fetch --count 300 --seed 2 --expect miss
at_x fetch --count 1000 --seed 3 --expect miss
echo "$mode: x flushed $(stat x sessions_flushed) sessions of $(stat x sessions_adopted), and its warm-up took $(stat x farm_warm_up_ms) ms"

# Once more: what is left of the history ends nothing.
end_x
begin_x
[ "$(stat x sessions_adopted)" -eq 470 ] || fail "x took over $(stat x sessions_adopted) sessions"
await 10 "x has all sessions" has x sessions eq 470
[ "$(stat x sessions_flushed)" -eq 0 ] || fail "x flushed $(stat x sessions_flushed) sessions again"
finish
