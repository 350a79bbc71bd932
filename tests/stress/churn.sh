#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# churn.sh engine|xdp|socket|dpdk safe|wide|unsafe GETS LONG-GETS CHURN SESSIONBENCH: a very small
# cache, whose sessions are stored and removed on one CPU as fast as possible, and GETs for the same
# keys from another CPU, by XDP live frames. Every byte of a value is computed from its key and its NEW,
# and every reply is checked, so that the value of another key, a mix of two NEWs, or garbage is
# detected.
#
# xdp, socket, dpdk: a daemon in that mode, and CHURN NEWs and REMOVEs per second over the network.
# engine: only xdp mode's writer (recycle.c), which is faster.
#
# safe: no reply may be wrong. unsafe: the negative control, the same load on readers that do not check
# what they copied; it passes only if wrong bytes are found, in at most three rounds. In socket mode
# these readers sometimes yield to the writer before they copy. wide: readers that yield as well, but
# check: no reply may be wrong.
#
# SESSIOND_LONG in the environment: LONG-GETS instead of GETS.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1-$2"

mode=$1 reader=$2 churn=$5 bench=$6
gets=$3
[ -z "${SESSIOND_LONG:-}" ] || gets=$4
capacity=3 keys=4 values=64-512 nice=19 run=$((RANDOM + 1))

need_xdp
[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed, one for GETs and one for changes"
farm_open "$BUILD" "$LOGS" lab
suffix=
[ "$reader" = safe ] || suffix=-$reader
FARM_SESSIOND=$BUILD/sessiond
[ "$reader" = safe ] || FARM_SESSIOND=$BUILD/tests/stress/sessiond-$reader

# A veth receives XDP frames only if NAPI is enabled, by a program or GRO; sessionbench attaches its own
# program at the near end. GETs arrive by t1, changes by t2: each link has one queue, which is processed
# by the CPU that fills it.
for i in 1 2; do
	farm_in cache ethtool -K "t$i" gro on 2>/dev/null || skip "ethtool cannot switch GRO on"
	farm_in "t$i" ip link set dev cache xdp off
done
by_t1=10.201.1.1 by_t2=10.201.2.1

step "a very small cache"
changer=
case $mode in
engine)
	keys=8 values=64-156
	farm_bpffs || skip "no BPF file system can be mounted here"
	farm_spawn cache "$LOGS/sessiond.log" taskset -c 1 "$BUILD/tests/stress/recycle$suffix" \
		t1 "$LOGS/bpf/$FARM_PORT" "$by_t1:$FARM_PORT" $keys 64 156 "$run" 1000
	changer=$FARM_PID
	farm_wait 10 grep -q '^ready' "$LOGS/sessiond.log" || fail "$(cat "$LOGS/sessiond.log")"
	;;
xdp)
	nice=0 # on a busy machine a nice process would get no CPU
	farm_bpffs || skip "no BPF file system can be mounted here"
	farm_daemon --mode xdp --xdp-mode native -i t1 --capacity "$capacity"
	;;
socket)
	farm_daemon --mode socket --threads 1 --capacity "$capacity"
	;;
dpdk)
	nice=0 # an lcore never waits
	# DPDK owns the links and their address.
	by_t1=10.201.9.9 by_t2=10.201.9.9
	for i in 1 2; do
		farm_in cache ip address flush dev "t$i"
		farm_in "t$i" ip address add "10.201.9.1$i/24" dev cache
	done
	farm_daemon --mode dpdk --listen "$by_t1" --capacity "$capacity" --dpdk-args \
		"-l 1 --no-pci --no-huge --file-prefix $FARM_LAB --vdev net_af_packet0,iface=t1 --vdev net_af_packet1,iface=t2"
	AT_END+=("rm -rf /var/run/dpdk/$FARM_LAB")
	;;
esac
[ "$mode" != xdp ] || taskset -acp 1 "$FARM_DAEMON" >/dev/null
farm_in t1 ping -qc 1 -W 2 "$by_t1" >"$LOGS/ping" || fail "no ping is answered"
farm_in t2 ping -qc 1 -W 2 "$by_t2" >>"$LOGS/ping" || fail "no ping is answered"

bench=(taskset -c 0 "$bench" --interface cache --workload churn --sessions "$keys"
	--value "$values" --run "$run" --duration 1000 -q)
if [ -z "$changer" ]; then
	step "$churn NEWs and REMOVEs a second"
	bench[2]=1
	farm_spawn t2 "$LOGS/changes" nice -n "$nice" "${bench[@]}" --changes --rate "$churn" "$by_t2:$FARM_PORT"
	changer=$FARM_PID
	bench[2]=0
fi
case $mode in
engine | xdp)
	# The program takes little time from finding a session to having copied it, so on an idle
	# machine the writer seldom changes the session meanwhile. A timer interrupts the program, as
	# devices and timers do in practice.
	need_program python3
	farm_spawn t1 "$LOGS/interrupts" taskset -c 0 python3 -c '
import ctypes, time
ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: as exact as possible
for _ in range(10_000_000):
    time.sleep(50e-6)'
	;;
esac
sleep 0.2
# Counts the checked replies and the hits. The two xdp tests together must reach 10 million replies
# (SESSIOND_LONG: 100 million), a tenth of them hits. Over AF_PACKET a busy machine answers only a small
# part. One wrong byte is enough for a verdict.
sent=${gets/%M/000000} answered=0 hits=0 code=0
enough=0 least=20000
case $mode-$reader in
engine-safe) enough=$((sent / 10 * 6)) least=$((sent / 10)) ;;
xdp-safe) enough=$((sent / 10 * 8)) least=$((sent / 10)) ;;
*-unsafe) least=0 ;;
esac
: >"$LOGS/gets"
for round in 1 2 3; do
	step "$gets GETs, round $round"
	farm_in t1 "${bench[@]}" --count "$gets" "$by_t1:$FARM_PORT" >"$LOGS/round" 2>&1 || code=$?
	tee -a "$LOGS/gets" <"$LOGS/round"
	read -r more misses < <(sed -n 's/^replies .*: \([0-9]*\) hits, \([0-9]*\) misses.*/\1 \2/p' \
		"$LOGS/round") || fail "no figures"
	hits=$((hits + more)) answered=$((answered + more + misses))
	[ "$code" -eq 0 ] || break # as expected of the unsafe readers
	[ "$reader" = unsafe ] || [ "$answered" -lt "$enough" ] || [ "$hits" -le "$least" ] || break
done
note "$answered answered and checked, $hits of them hits"
[ "$mode" = engine ] || farm_ctl stats >"$LOGS/stats"
kill -0 "$changer" 2>/dev/null || fail "the changes came to an end"
farm_end "$changer" || fail "the changes ended with exit code $?: $(cat "$LOGS/changes")"

[ "$hits" -gt "$least" ] || fail "too few hits to tell: $hits"
[ "$answered" -ge "$enough" ] || fail "too few answers: $answered, and not $enough"
if [ "$mode" = engine ]; then
	tail -n 1 "$LOGS/sessiond.log"
else
	note "$(awk '$1 ~ /^(new_stored|remove_done|sessions_evicted|get_retries|get_torn)$/' \
		"$LOGS/stats" | tr '\n' ' ')"
	[ "$(awk '$1 == "new_stored" { print $2 }' "$LOGS/stats")" -gt 2000 ] ||
		fail "too few changes to tell"
fi
if [ "$reader" != unsafe ]; then
	[ "$code" -eq 0 ] || fail "sessionbench's exit code is $code"
else
	[ "$code" -eq 1 ] && grep -q '^WRONG' "$LOGS/gets" ||
		fail "exit code $code: unsafe readers were not detected"
fi
