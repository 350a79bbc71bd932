#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# flood.sh MODE FLOOD SESSIONBENCH: floods at a generator's full rate, from a CPU of its own, of
# garbage, of GETs from strangers, from sources that are forged, and for keys that are not there, and
# of NEWs beyond the capacity; without a rate limit and with one. Meanwhile a good client asks for its
# sessions: the share of answers that it has within a millisecond is measured and printed, as a row of
# a table (flood.txt, in the folder of the logs). The daemon's memory stays as it is, its log does not
# fill, a stranger is sent nothing, and nobody is sent more than was sent in its name.
#
# What is asserted of the good client is far below what is measured: on a machine of two CPUs a flood
# takes one of them, whatever the cache does, and others run here too. In socket mode, GETs that the
# limit does not stop (none is set, or their sources are forged) take nearly all there is.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1"

mode=$1 flood=$2 bench=$3
seconds=1
[ -z "${SESSIOND_LONG:-}" ] || seconds=10
rate=2000 sessions=400 capacity=20000

need_xdp
[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed, one for the flood and one for the rest"
farm_open "$BUILD" "$LOGS" lab
for i in 1 2; do
	farm_in cache ethtool -K "t$i" gro on 2>/dev/null || skip "ethtool cannot switch GRO on"
done
# The flood has a program of its own at the near end. Answers to whoever it says to be go back there.
farm_in t2 ip link set dev cache xdp off
farm_in cache ip route add 10.0.0.0/8 via 10.201.2.2
farm_in cache ip route add 198.18.0.0/15 via 10.201.2.2

mac() # NODE INTERFACE
{
	farm_in "$1" ip -br link show dev "$2" | awk '{ print $3 }'
}
from=$(mac t2 cache) to=$(mac cache t2)

resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$FARM_DAEMON/status"
}

# good [OPTION...]: what the good client sees; sets `answered`, its share of answers in 1 ms, `hits`,
# the share of answers that were its session, both in percent.
good()
{
	local code=0

	farm_in t1 taskset -c 1 "$bench" -q --json --workload get --no-preload --sessions "$sessions" \
		--rate "$rate" --duration "$seconds" "$FARM_CACHE:$FARM_PORT" >"$LOGS/good.json" \
		2>"$LOGS/good.err" || code=$?
	[ "$code" -eq 0 ] || fail "the good client's exit code is $code: $(cat "$LOGS/good.err")"
	read -r answered hits < <(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["counters"]
sent, late, lost = c["get_sent"], c["late"], c["lost"]
answers = c["hits"] + c["misses"]
print("%.2f %.2f" % (100 - 100 * (late + lost) / sent, 100 * c["hits"] / max(answers, 1)))' \
		"$LOGS/good.json")
}

at_least() # NAME NUMBER LEAST
{
	awk -v n="$2" -v least="$3" 'BEGIN { exit !(n >= least) }' ||
		fail "$1 is $2, at least $3 is wanted"
}

row()
{
	printf '%-10s %-10s %10s %12s %8s %10s %10s\n' "$@" | tee -a "$LOGS/flood.txt"
}

# under KIND: floods while the good client asks; sets `sent` and `factor`, bytes back for bytes sent.
under()
{
	local before after lines

	before=$(resident) lines=$(wc -l <"$LOGS/sessiond.log")
	: >"$LOGS/flood.$1"
	farm_spawn t2 "$LOGS/flood.$1" taskset -c 0 "$flood" "$1" cache 10.201.2.2 "$from" \
		"$FARM_CACHE" "$to" "$FARM_PORT" $((seconds + 1))
	sleep 0.3
	good
	wait "$FARM_PID" || fail "the flood ended with exit code $?: $(cat "$LOGS/flood.$1")"
	read -r sent factor replies < <(awk '/^sent/ {
		printf "%.0f %.3f %d\n", $2 / $8, $6 / $3, $5 }' "$LOGS/flood.$1")
	after=$(resident)
	row "$limit" "$1" "$sent" "$answered" "$hits" "$factor" "$after kB"
	at_least "the flood's packets a second" "$sent" 20000
	[ $((after - before)) -le 512 ] || fail "memory grew from $before to $after kB"
	lines=$(($(wc -l <"$LOGS/sessiond.log") - lines))
	[ "$lines" -le 60 ] || fail "$lines lines were logged"
	farm_ctl stats >"$LOGS/stats.$1" || fail "the admin socket does not answer"
	case $1 in
	strangers | garbage) [ "$replies" -eq 0 ] || fail "$replies replies to what gets none" ;;
	*) awk -v f="$factor" 'BEGIN { exit f > 1 }' || fail "amplified by $factor" ;;
	esac
}

limits=(none 5000/500)
row limit flood packets/s "in 1 ms, %" "hits, %" "bytes back" resident
for limit in "${limits[@]}"; do
	step "limit: $limit"
	options=()
	[ "$mode" != xdp ] || {
		farm_bpffs || skip "no BPF file system can be mounted here"
		options=(--xdp-mode native "${FARM_INTERFACES[@]}")
	}
	[ "$mode" != socket ] || options=(--threads 1)
	[ "$limit" = none ] || options+=(--rate-limit "$limit")
	farm_daemon --mode "$mode" --capacity $capacity "${options[@]}"
	taskset -acp 1 "$FARM_DAEMON" >/dev/null
	# What is full does not grow: every slot and page is touched. A limit keeps it from being filled.
	if [ "$limit" = none ]; then
		farm_in t1 "$bench" -q --preload-only --sessions $((2 * capacity)) --seed 77 \
			--preload-rate 20000 "$FARM_CACHE:$FARM_PORT" >/dev/null 2>&1 || true
	fi
	farm_in t1 "$bench" -q --preload-only --sessions "$sessions" --preload-rate 1000 \
		"$FARM_CACHE:$FARM_PORT" >"$LOGS/preload" 2>&1 || fail "$(cat "$LOGS/preload")"
	good
	row "$limit" "(none)" 0 "$answered" "$hits" 0 "$(resident) kB"
	for kind in garbage strangers spoofed unknown new; do
		under "$kind"
		[ "$limit-$kind" = none-new ] || at_least "the share of hits" "$hits" 99
		case $mode-$limit-$kind in
		socket-none-unknown | socket-*-spoofed) ;;
		*) at_least "the share of answers in time" "$answered" 25 ;;
		esac
	done
	farm_end "$FARM_DAEMON" || fail "exit code $?"
	[ -z "$FARM_MOUNTED" ] || umount "$LOGS/bpf"
	FARM_MOUNTED=
done
