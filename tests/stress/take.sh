#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# take.sh xdp|socket|dpdk safe|unsafe|outlive|pairs TAKE-CLIENTS: the same keys are TAKEn by all ways at once,
# while other sessions are stored, removed and end. xdp: by XDP on two CPUs, and by the daemon's socket;
# dpdk: on two lcores, which share a port. socket: by two threads, but the kernel steers all requests for
# a key to one of them (socket/steer.c); stress_take_race has threads that meet.
#
# safe: of each session one TAKE gets OK. unsafe: the same load on a build without the compare-and-swap;
# this passes only if a session went to two. outlive: xdp, and the daemon is killed and started again
# meanwhile. pairs: sessions are stored and TAKEn (TAKE-CLIENTS is take_pairs): what is left never exceeds
# a second's worth, nor in socket and dpdk mode what is on its way.
#
# SESSIOND_LONG in the environment: 60 rounds instead of one, and a million pairs. With the TAKEs of
# take_race, which get 12 million sessions twice over, these are the long run.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1-$2"

mode=$1 build=$2 clients=$3
keys=10000 rounds=1 patience=20 ways=() others=t2
[ -z "${SESSIOND_LONG:-}" ] || rounds=60
export FARM_SESSIOND=$BUILD/sessiond
[ "$build" != unsafe ] || FARM_SESSIOND=$BUILD/tests/stress/sessiond-unsafe
[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed"

case $mode in
dpdk)
	need_lab
	farm_open "$BUILD" "$LOGS" lab
	farm_in cache ip address flush dev t1
	farm_in t1 ip address add 10.201.9.11/24 dev cache
	farm_daemon --mode dpdk --listen 10.201.9.9 --capacity 100000 --dpdk-args \
		"-l 0,1 --no-pci --no-huge --file-prefix $FARM_LAB --vdev net_af_packet0,iface=t1,qpairs=2"
	AT_END+=("rm -rf /var/run/dpdk/$FARM_LAB")
	FARM_CACHE=10.201.9.9 others=t1
	# Lcores never wait, and leave the clients little of two CPUs.
	keys=3000 patience=1000
	# What goes to two breaks the table, and then nobody gets a reply.
	[ "$build" != unsafe ] || keys=400
	for ((i = 0; i < 8; i++)); do
		ways+=("udp:$FARM_CACHE")
	done
	;;
socket)
	place_for socket
	daemon_for socket --threads 2
	for ((i = 0; i < 8; i++)); do
		ways+=("udp:$FARM_CACHE")
	done
	;;
xdp)
	place_for xdp
	daemon_for xdp
	ways=("udp:$FARM_CACHE" "udp:$FARM_CACHE" "options:$FARM_CACHE" "options:$FARM_CACHE6")
	;;
esac

if [ "$build" = pairs ]; then
	rate=50000 pairs=200000 most=0
	[ -z "${SESSIOND_LONG:-}" ] || pairs=1000000
	left=$rate
	[ "$mode" = xdp ] || left=128
	step "$pairs pairs of NEW and TAKE, $rate a second at most"
	farm_spawn t1 "$LOGS/pairs.log" "$clients" "$FARM_CACHE" "$FARM_PORT" "$pairs" "$rate"
	takes=$FARM_PID code=0
	while kill -0 "$takes" 2>/dev/null; do
		now=$(farm_stat sessions)
		[ "$now" -le "$most" ] || most=$now
		sleep 0.02
	done
	farm_end "$takes" || code=$?
	note "$(cat "$LOGS/pairs.log"); at most $most sessions at a time"
	[ "$code" -eq 0 ] || fail "exit code $code"
	again=$(sed -n 's/.* \([0-9]*\) NEWs;.*/\1/p' "$LOGS/pairs.log")
	[ "$most" -le $((left + again)) ] || fail "$most sessions were left, more than $left and $again"
	expect_stat sessions le "$again"
	expect_stat sessions_taken ge $((pairs / 64 * 64))
	expect_stat evicted eq 0
	exit 0
fi

step "others are stored, removed, and end"
farm_spawn "$others" "$LOGS/load.log" "$TOOLS/udpclient" load "$FARM_CACHE" "$FARM_PORT" \
	--seed 77 --rate 2000 --seconds 120 --count 2000
load=$FARM_PID

step "TAKEs by ${ways[*]}"
if [ "$build" = outlive ]; then
	keys=40000 patience=500
fi
farm_spawn t1 "$LOGS/takes.log" "$clients" "$FARM_PORT" "$keys" "$rounds" "$patience" "${ways[@]}"
takes=$FARM_PID code=0
if [ "$build" = outlive ]; then
	farm_wait 60 grep -q '^stored' "$LOGS/takes.log" || fail "nothing was stored"
	for _ in 1 2 3; do
		sleep 0.1
		farm_end "$FARM_DAEMON" KILL || true
		daemon_for xdp
		kill -0 "$takes" 2>/dev/null || break
	done
fi
while kill -0 "$takes" 2>/dev/null; do
	sleep 0.1
done
farm_end "$takes" || code=$?
while read -r line; do
	note "$line"
done <"$LOGS/takes.log"
farm_end "$load" || true
note "$(farm_ctl stats | awk '$1 ~ /take|sessions_taken|^sessions /' | tr '\n' ' ')"
if [ "$build" = unsafe ]; then
	[ "$code" -eq 3 ] || fail "exit code $code: TAKEs without the compare-and-swap went unnoticed"
	exit 0
fi
[ "$code" -eq 0 ] || fail "exit code $code"
if [ "$build" = outlive ]; then
	grep -q 'adopted .* taken, 0 damaged)' "$LOGS/sessiond.log" || fail "nothing was adopted"
	exit 0
fi

step "the slots of all that were taken are free within a second"
expect_stat sessions_taken eq "$(farm_stat take_hits)"
[ "$mode" != xdp ] || expect_stat xdp_take_hits gt 100
