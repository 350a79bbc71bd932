#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# flood.sh xdp|socket|dpdk FLOOD SESSIONBENCH: floods at a generator's full rate, from a separate CPU:
# garbage, GETs from sources outside the allow list, GETs with forged sources, GETs for unknown keys,
# and NEWs beyond the capacity; without a rate limit and with one; over IPv4, and over IPv6, where a
# source is a /64. Meanwhile a good client requests its sessions: the share of answers within a
# millisecond is measured and printed as a row of a table (flood.txt, in the folder of the logs). The
# daemon's memory does not grow, its log does not fill, sources outside the allow list get no reply, and
# no address gets more bytes than were sent in its name.
#
# The limits for the good client are far below the measured values: on a machine with two CPUs a flood
# takes one of them in any case, and other processes run too. In socket mode the whole flood queues at
# one reader, which may not keep up: there time has no limit. In dpdk mode the good client shares the
# CPU of the lcore, which never sleeps, and is late more often.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh" "$1"

mode=$1 flood=$2 bench=$3
seconds=1
[ -z "${SESSIOND_LONG:-}" ] || seconds=10
rate=2000 sessions=400 capacity=20000
# Garbage and other sources are refused before the rate limit applies. NEWs come last, because they
# evict sessions.
kinds=(garbage strangers strangers6 spoofed unknown new)
kinds_limited=(spoofed spoofed6 unknown unknown6 new)
[ -z "${SESSIOND_LONG:-}" ] || {
	kinds=(garbage strangers strangers6 spoofed spoofed6 unknown unknown6 new)
	kinds_limited=("${kinds[@]}")
}
in_time=25 # minimum percentage of the good client's answers
[ "$mode" != socket ] || in_time=0

need_xdp
[ "$(nproc)" -ge 2 ] || skip "two CPUs are needed, one for the flood and one for the rest"
farm_open "$BUILD" "$LOGS" lab
for i in 1 2; do
	farm_in cache ethtool -K "t$i" gro on 2>/dev/null || skip "ethtool cannot switch GRO on"
done
# The flood attaches its own program at the near end, where the replies to its forged sources arrive.
farm_in t2 ip link set dev cache xdp off
cache=$FARM_CACHE source=10.201.2.2
cache6=$FARM_CACHE6 gateway6=fd5e:55:201:2::2
source6=fd5e:66:1:1:: # a network behind the gateway
if [ "$mode" = dpdk ]; then
	# DPDK owns the links and their address.
	cache=10.201.9.9 source=10.201.9.12 cache6=fd5e:55:209::9
	for i in 1 2; do
		farm_in cache ip address flush dev "t$i"
		farm_in "t$i" ip address add "10.201.9.1$i/24" dev cache
	done
	AT_END+=("rm -rf /var/run/dpdk/$FARM_LAB")
else
	farm_in cache ip route add 10.0.0.0/8 via "$source"
	farm_in cache ip route add 198.18.0.0/15 via "$source"
	farm_in cache ip route add fd00::/8 via "$gateway6"
	farm_in cache ip route add 2001:db8::/32 via "$gateway6"
fi

mac() # NODE INTERFACE
{
	farm_in "$1" ip -br link show dev "$2" | awk '{ print $3 }'
}
from=$(mac t2 cache) to=$(mac cache t2)

resident()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$FARM_DAEMON/status"
}

# good [OPTION...]: runs the good client; sets `answered`, its share of answers within 1 ms, and `hits`,
# the share of answers with its session, both in percent.
good()
{
	local code=0

	farm_in t1 taskset -c 1 "$bench" -q --json --workload get --no-preload --sessions "$sessions" \
		--rate "$rate" --duration "$seconds" "$cache:$FARM_PORT" >"$LOGS/good.json" \
		2>"$LOGS/good.err" || code=$?
	[ "$code" -eq 0 ] || fail "the good client's exit code is $code: $(cat "$LOGS/good.err")"
	read -r answered hits < <(python3 -c 'import json, sys
c = json.load(open(sys.argv[1]))["counters"]
sent, late, lost = c["get_sent"], c["late"], c["lost"]
answers = c["hits"] + c["misses"]
print("%.2f %.2f" % (100 - 100 * (late + lost) / sent, 100 * c["hits"] / max(answers, 1)))' \
		"$LOGS/good.json")
}

is_at_least() # NUMBER LEAST
{
	awk -v n="$1" -v least="$2" 'BEGIN { exit !(n >= least) }'
}

at_least() # NAME NUMBER LEAST
{
	is_at_least "$2" "$3" || fail "$1 is $2, at least $3 is wanted"
}

row()
{
	printf '%-10s %-10s %10s %12s %8s %10s %10s\n' "$@" | tee -a "$LOGS/flood.txt"
}

# under KIND: floods while the good client runs; sets `sent`, and `factor`, bytes received per byte
# sent.
under()
{
	local before after lines stored refused most from_ip=$source to_ip=$cache

	[ "${1%6}" = "$1" ] || from_ip=$source6 to_ip=$cache6
	stored=$(farm_stat sessions) refused=$(farm_stat drop_not_allowed)
	before=$(resident) lines=$(wc -l <"$LOGS/sessiond.log")
	: >"$LOGS/flood.$1"
	farm_spawn t2 "$LOGS/flood.$1" taskset -c 0 "$flood" "$1" cache "$from_ip" "$from" \
		"$to_ip" "$to" "$FARM_PORT" $((seconds + 1))
	sleep 0.3
	good
	wait "$FARM_PID" || fail "the flood ended with exit code $?: $(cat "$LOGS/flood.$1")"
	read -r sent factor replies most < <(awk '/^sent/ {
		printf "%.0f %.3f %d %d\n", $2 / $8, $6 / $3, $5, $8 + 3 }' "$LOGS/flood.$1")
	after=$(resident)
	row "$limit" "$1" "$sent" "$answered" "$hits" "$factor" "$after kB"
	at_least "the flood's packets a second" "$sent" 20000
	# In a cache that is not full yet, a stored session takes an untouched slot.
	stored=$(($(farm_stat sessions) - stored))
	[ $((after - before)) -le $((512 + stored)) ] ||
		fail "memory grew from $before to $after kB, for $stored sessions"
	lines=$(($(wc -l <"$LOGS/sessiond.log") - lines))
	[ "$lines" -le 60 ] || fail "$lines lines were logged"
	farm_ctl stats >"$LOGS/stats.$1" || fail "the admin socket does not answer"
	case $1 in
	strangers*) [ "$(farm_stat drop_not_allowed)" -gt "$refused" ] || fail "no stranger was refused" ;;&
	spoofed* | unknown*) [ "$replies" -gt 0 ] || fail "what is allowed is not answered" ;;&
	strangers* | garbage) [ "$replies" -eq 0 ] || fail "$replies replies to requests that get none" ;;
	*) awk -v f="$factor" 'BEGIN { exit f > 1 }' || fail "amplified by $factor" ;;
	esac
	# The limit admits its rate for the duration of the flood, and a burst of one second.
	case $limit-$1 in
	5000/500-unknown | 5000/500-unknown6) most=$((5000 * most)) ;;
	5000/500-new) most=$((500 * most)) replies=$stored ;;
	*) return 0 ;;
	esac
	[ "$replies" -le "$most" ] || fail "of one source, $replies were let in, and not $most"
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
	[ "$mode" != dpdk ] || options=(--listen "$cache" --listen "$cache6" --dpdk-args
		"-l 1 --no-pci --no-huge --file-prefix $FARM_LAB --vdev net_af_packet0,iface=t1 --vdev net_af_packet1,iface=t2")
	[ "$limit" = none ] || {
		options+=(--rate-limit "$limit")
		kinds=("${kinds_limited[@]}")
	}
	farm_daemon --mode "$mode" --capacity $capacity "${options[@]}"
	if [ "$mode" = dpdk ]; then # the lcore runs on its configured CPU
		farm_in t1 ping -qc 1 -W 2 "$cache" >"$LOGS/ping" || fail "no ping is answered"
	else
		taskset -acp 1 "$FARM_DAEMON" >/dev/null
	fi
	# A full cache does not grow: every slot and page was touched. With a rate limit the cache does
	# not become full.
	if [ "$limit" = none ]; then
		farm_in t1 "$bench" -q --preload-only --sessions $((2 * capacity)) --seed 77 \
			--preload-rate 20000 "$cache:$FARM_PORT" >/dev/null 2>&1 || true
	fi
	farm_in t1 "$bench" -q --preload-only --sessions "$sessions" --preload-rate 1000 \
		"$cache:$FARM_PORT" >"$LOGS/preload" 2>&1 || fail "$(cat "$LOGS/preload")"
	good
	row "$limit" "(none)" 0 "$answered" "$hits" 0 "$(resident) kB"
	# On a busy machine some are late without a flood, too.
	least=$(awk -v share="$in_time" -v quiet="$answered" 'BEGIN { print share * quiet / 100 }')
	for kind in "${kinds[@]}"; do
		# Measure again if the machine paused for much of the second of a flood.
		for _ in 1 2 3; do
			under "$kind"
			[ "$limit-$kind" = none-new ] || at_least "the share of hits" "$hits" 99
			if is_at_least "$answered" "$least"; then break; fi
		done
		at_least "the share of answers in time" "$answered" "$least"
	done
	farm_end "$FARM_DAEMON" || fail "exit code $?"
	[ -z "$FARM_MOUNTED" ] || umount "$LOGS/bpf"
	FARM_MOUNTED=
done
