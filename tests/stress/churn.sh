#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# churn.sh engine|xdp|socket|dpdk safe|wide|unsafe GETS LONG-GETS CHURN SESSIONBENCH: a very small cache,
# whose sessions are stored and removed on one CPU as fast as it can, and GETs for the same keys from
# another, by XDP live frames. A value follows from its key and its NEW, byte for byte, so that one
# of another key, of two NEWs or of nothing shows; every reply is checked.
#
# xdp, socket, dpdk: a daemon of that mode, and CHURN NEWs and REMOVEs a second over the network.
# engine: xdp mode's writer alone (recycle.c), which is faster, and does not wait for others.
#
# safe: no reply may be wrong. unsafe: the same load on readers that do not check what they have
# copied; this passes only if wrong bytes were found, in three rounds at the most. Socket mode's then give the writer its turn
# before they copy, now and then; wide: as those, with the check, and none may be wrong.
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

# The kernel takes XDP's frames from a veth only if it polls, with a program or with GRO; and
# sessionbench has a program of its own at the near end. GETs come by t1, changes by t2: each link
# has one queue, which is served by the CPU that fills it.
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
	nice=0 # a busy machine leaves a nice one nothing
	farm_bpffs || skip "no BPF file system can be mounted here"
	farm_daemon --mode xdp --xdp-mode native -i t1 --capacity "$capacity"
	;;
socket)
	farm_daemon --mode socket --threads 1 --capacity "$capacity"
	;;
dpdk)
	nice=0 # an lcore never waits
	# The links are DPDK's, and so is their address.
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
	# The program is quick from finding a session to having copied it: on a quiet machine the
	# writer seldom meets it there. A timer interrupts it, as cards and timers do.
	need_program python3
	farm_spawn t1 "$LOGS/interrupts" taskset -c 0 python3 -c '
import ctypes, time
ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)  # PR_SET_TIMERSLACK: no later than asked for
for _ in range(10_000_000):
    time.sleep(50e-6)'
	;;
esac
sleep 0.2
# What was checked is what was answered, and of that the hits. xdp mode's two have to come to 10 million
# together (SESSIOND_LONG: 100), a tenth of them hits. Of what is sent over AF_PACKET, a busy machine
# answers a small part. One wrong byte tells enough.
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
	[ "$code" -eq 0 ] || break # which is what the unsafe ones are for
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
		fail "exit code $code: readers that do not check went unnoticed"
fi
