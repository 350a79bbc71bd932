#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# sessionbench --interface over a separate veth: every frame that a reflector sends back is counted, a
# server behind the kernel's stack accepts the requests (so their checksums are right), and wrong
# replies are detected. Nothing is timed.
set -u
bench=$1 classic=$2 reflect=$3
work=$(mktemp -d)
near=bench-near-$$ far=bench-far-$$
server=

skip() {
	echo "SKIP: $*"
	exit 77
}

fail() {
	echo "FAIL: $*"
	cat "$work/out"
	exit 1
}

stop_server() {
	[ -n "$server" ] && kill "$server" && wait "$server"
	server=
}

clean() {
	stop_server
	ip netns del "$near" 2>/dev/null
	ip netns del "$far" 2>/dev/null
	rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT TERM

# start ARGS...: starts the server in the far namespace. nsenter execs, so its process ID is the
# server's.
start() {
	stop_server
	: >"$work/port"
	# The buffer holds all requests of a run, because a busy machine may hold up the server.
	nsenter --net="/run/netns/$far" -- "$classic" --receive-buffer 16777216 "$@" 54399 \
		>"$work/port" &
	server=$!
	for _ in $(seq 100); do
		[ -s "$work/port" ] && return
		sleep 0.05
	done
	fail "the classic server did not start"
}

# expect CODE ARGS...
expect() {
	code=$1
	shift
	nsenter --net="/run/netns/$near" -- "$bench" -q --interface veth0 "$@" >"$work/out" 2>&1
	got=$?
	[ $got -eq "$code" ] || fail "exit code $got instead of $code: sessionbench $*"
}

[ "$(id -u)" -eq 0 ] || skip "network namespaces and XDP need root"
for tool in ip nsenter ethtool; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
ip netns add "$near" 2>/dev/null && ip netns add "$far" || skip "no network namespaces here"
ip link add veth0 netns "$near" type veth peer name veth0 netns "$far" 2>/dev/null ||
	skip "no veth interfaces here"
ip -n "$near" address add 10.9.0.1/24 dev veth0
ip -n "$far" address add 10.9.0.2/24 dev veth0
ip -n "$near" address add fd00:9::1/64 dev veth0 nodad
ip -n "$far" address add fd00:9::2/64 dev veth0 nodad
ip -n "$near" link set veth0 up
ip -n "$far" link set veth0 up
ip -n "$far" link set lo up
nsenter --net="/run/netns/$far" -- ethtool -K veth0 gro on

nsenter --net="/run/netns/$far" -- ip link set dev veth0 xdpdrv object "$reflect" \
	program reflect 2>"$work/out" || skip "no native XDP on veth: $(tail -n 1 "$work/out")"
for target in 10.9.0.2 fd00:9::2; do
	expect 0 --reflector --count 20000 --json --program-time "$far/veth0" "$target"
	grep -q '"lost": 0,' "$work/out" || fail 'reflected frames were lost'
	grep -q '"get_sent": 20000,' "$work/out" || fail '20000 frames were not sent'
	grep -q '"program_ns": 0' "$work/out" && fail 'the program has taken no time'
	# A machine that is held up sees the end of the warm-up too late.
	for _ in 1 2 3 4 5; do
		expect 0 --reflector --count 20000 --warm-up 20000 --json --program-time "$far/veth0" "$target"
		grep -q '"get_sent": 40000,' "$work/out" || fail 'the warm-up was not sent'
		frames=$(sed -n 's/.*"program_frames": \([0-9]*\).*/\1/p' "$work/out")
		[ "$frames" -ge 40000 ] || break
	done
	[ "$frames" -lt 40000 ] || fail "the time of $frames frames includes the warm-up"
done

# ends_at COUNT SECONDS ARGS...: sends exactly COUNT frames in less than SECONDS.
ends_at() {
	frames=$1 limit=$2
	shift 2
	expect 0 --reflector --json "$@" 10.9.0.2
	grep -q "\"get_sent\": $frames," "$work/out" || fail "$frames frames were not sent: $*"
	took=$(sed -n 's/^  "seconds": \([0-9]*\)\..*/\1/p' "$work/out")
	[ -n "$took" ] && [ "$took" -lt "$limit" ] || fail "took $took seconds: $*"
}

# With a rate it ends at the count, before the duration, and without a further call at a low rate; if
# count and duration match, it does not end early.
ends_at 5000 10 --rate 20k --count 5000 --duration 20
ends_at 2 10 --rate 4 --count 2 --duration 60
ends_at 10000 10 --rate 20k --count 10000 --duration 0.5
ends_at 10000 10 --rate 20k --duration 0.5
ends_at 5000 10 --count 5000 --duration 20
# An unreachable rate still ends with the duration, and is reported.
expect 0 --reflector --rate 1000M --duration 0.3 10.9.0.2
grep -q BEHIND "$work/out" || fail 'a rate that was not made is not told'

# A reflector is not a cache.
expect 1 --count 1000 --no-preload 10.9.0.2
nsenter --net="/run/netns/$far" -- ip link set dev veth0 xdpdrv off

# readback SEEDS ARGS TARGET: more than 100 of the requests had an effect. NEWs and REMOVEs have no
# reply, and a veth's ring drops them while the machine is held up: then it tries other sessions.
readback() {
	for seed in $1; do
		# shellcheck disable=SC2086
		expect 0 $2 --rate 10k --json --seed "$seed" "$3"
		seen=$(sed -n 's/.*"readback_seen": \([0-9]*\).*/\1/p' "$work/out")
		[ "$seen" -le 100 ] || return
		echo "$seen requests of $2 had an effect: trying others"
		cat "$work/out"
	done
	fail "$seen requests of $2 had an effect"
}

start
for target in 10.9.0.2:54399 '[fd00:9::2]:54399'; do
	expect 0 --count 3000 --rate 10k --value 1-1400 --require-hits "$target"
	expect 0 --count 3000 --rate 10k --value 1-1400 --workload miss "$target"
	expect 0 --count 3000 --rate 10k --value 1-1400 --keys zipf --require-hits --no-preload "$target"
	expect 0 --rate 10k --value 1-1400 --keys each --warm-up 500 --require-hits --no-preload --json "$target"
	grep -q '"get_sent": 1500,' "$work/out" || fail '500 GETs and one of each session were not sent'
	readback '2 3 4 5 6' '--count 3000 --value 1-1400 --workload mix' "$target"
done
# Each session is removed once; then the keys are misses.
readback '7 8 9 10 11' '--workload remove --sessions 500' 10.9.0.2:54399
grep -q '"remove_sent": 500,' "$work/out" || fail '500 REMOVEs were not sent'
# Faults are rare enough for the preload to succeed, and frequent enough to occur.
for fault in value:value key:key timeout:timeout length:length other:value; do
	start --corrupt "${fault%:*}" --every 150
	expect 1 --count 4000 --rate 10k --sessions 50 10.9.0.2:54399
	grep -q "WRONG.*${fault#*:}" "$work/out" || fail "fault ${fault%:*} was not named"
done
start --corrupt miss --every 50
expect 1 --count 1000 --rate 10k --workload miss 10.9.0.2:54399
grep -q 'WRONG.*never stored' "$work/out" || fail 'a hit of what was never stored was not named'

expect 2 --workload churn --keys zipf 10.9.0.2:54399
expect 1 --count 10 10.9.0.77
exit 0
