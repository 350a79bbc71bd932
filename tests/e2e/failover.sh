#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Two caches behind one virtual address, which the real keepalived moves with the shipped configuration:
# when one cache's daemon stops, or its host loses the network, the other gets the address, and its XDP
# program answers at once.
. "$(dirname "$0")/lib.sh" "$*"

need_xdp
need_program keepalived
need_program python3
need_program "$TOOLS/xdppass"

vip=10.0.0.5
name=failover-$$
sessionctl=$BUILD/sessionctl
PIDS=()

inside()
{
	lab_exec "$name" "$@"
}

run()
{
	local node=$1 log=$2

	shift 2
	# Not by a function, which would run in another process.
	nsenter --net="/run/netns/$name-$node" -- "$@" >>"$log" 2>&1 </dev/null &
	PIDS+=($!)
}

cleanup()
{
	local pid node

	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null
	done
	wait
	for node in c1 c2; do
		umount "$LOGS/$node/bpf" 2>/dev/null
	done
	for node in c1 c2 t switch; do
		ip netns del "$name-$node" 2>/dev/null
	done
}
AT_END+=(cleanup)

# The network: a bridge with three hosts, whose interface is eth1.
attach()
{
	local node=$1 address=$2

	ip netns add "$name-$node"
	inside "$node" ip link set lo up
	inside switch ip link add name "$node" type veth peer name eth1 netns "$name-$node"
	inside switch ip link set dev "$node" master br0 up
	# A veth delivers replies from XDP only if it has a program.
	inside switch "$TOOLS/xdppass" "$node"
	inside "$node" ip address add "$address/24" dev eth1
	inside "$node" ip link set eth1 up
}

ctl()
{
	local node=$1

	shift
	"$sessionctl" -C "$LOGS/$node/control.sock" "$@"
}

stat_of()
{
	ctl "$1" stats | awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }'
}

cache()
{
	local node=$1 priority=$2 dir=$LOGS/$1

	mkdir -p "$dir/bpf"
	mount -t bpf "$name" "$dir/bpf"
	run "$node" "$LOGS/sessiond.log" "$BUILD/sessiond" --mode xdp --xdp-mode native -i eth1 \
		-n 10000 -C "$dir/control.sock" --pin-dir "$dir/bpf"
	printf -v "daemon_$node" %s "${PIDS[-1]}"
	farm_wait 20 ctl "$node" version || fail "sessiond does not run on $node"
	sed -e "s|/usr/sbin/sessionctl check|$sessionctl check|" \
		-e "s|priority 100|priority $priority|" \
		"$SOURCE/dist/keepalived/keepalived.conf" >"$dir/keepalived.conf"
	run "$node" "$dir/keepalived.log" keepalived --dont-fork --log-console --vrrp \
		--use-file "$dir/keepalived.conf" --pid "$dir/keepalived.pid" \
		--vrrp_pid "$dir/vrrp.pid"
	printf -v "keepalived_$node" %s "${PIDS[-1]}"
}

has_vip()
{
	inside "$1" ip -o address show dev eth1 | grep " $vip/" >/dev/null
}

# ask SECONDS: sends a GET every 5 ms, each from a new port as stunnel does, for a session that the
# cache does not have: ERR is an answer. Prints how many were answered, the longest time without an
# answer (ms), and how many GETs after it were not answered.
ask()
{
	inside t python3 - "$vip" "$1" <<-'END'
	import os, socket, struct, sys, time
	end = time.monotonic() + float(sys.argv[2])
	last = time.monotonic()
	answered = silence = lost_after = 0
	while time.monotonic() < end:
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.connect((sys.argv[1], 54321))
	    s.settimeout(0.3) # a busy machine may answer late
	    try:
	        s.send(struct.pack(">BBH32s", 1, 1, 0, os.urandom(32)))
	        assert s.recv(600)[1] == 0x80
	        now = time.monotonic()
	        answered += 1
	        if (now - last) * 1000 > silence:
	            silence, lost_after = (now - last) * 1000, 0
	        last = now
	    except OSError:
	        lost_after += 1
	    s.close()
	    time.sleep(0.005)
	print(answered, int(silence), lost_after)
	END
}

# moves FROM TO COMMAND...: sends GETs continuously; after a second, runs the command that stops FROM.
moves()
{
	local from=$1 to=$2 slow fast

	shift 2
	slow=$(stat_of "$to" slow_get_misses) fast=$(stat_of "$to" xdp_get_misses)
	ask 8 >"$LOGS/asked" &
	local asking=$!
	sleep 1
	"$@"
	wait "$asking"
	has_vip "$to" || fail "$to does not have the address"
	slow=$(($(stat_of "$to" slow_get_misses) - slow))
	fast=$(($(stat_of "$to" xdp_get_misses) - fast))
	read -r answered silence lost <"$LOGS/asked"
	note "$answered answered, the longest silence $silence ms, then $lost lost;" \
		"$to: $fast by XDP, $slow by the daemon"
	[ "$silence" -lt 6000 ] || fail "the address did not move, or too late"
	[ "$fast" -gt 20 ] || fail "XDP on $to answers nothing"
	# The first GET may arrive before the daemon knows the address.
	[ "$slow" -le 5 ] || fail "XDP did not follow the address at once"
	[ "$lost" -le 5 ] || fail "requests were lost after the move"
}

step "the network, two caches"
ip netns add "$name-switch"
inside switch ip link add br0 type bridge
inside switch ip link set br0 up
attach c1 10.0.0.11
attach c2 10.0.0.12
attach t 10.0.0.21
cache c1 100
farm_wait 15 has_vip c1 || fail "c1 does not take the address"
cache c2 90
sleep 2
has_vip c1 || fail "c2 has taken the address from c1"
ask 2 >"$LOGS/asked"
read -r answered _ <"$LOGS/asked"
[ "$answered" -gt 10 ] || fail "c1 does not answer"

step "the daemon of c1 stops"
moves c1 c2 kill "$daemon_c1"
! has_vip c1 || fail "both have the address"

step "c1 comes back, and leaves the address where it is"
kill "$keepalived_c1"
wait "$keepalived_c1" || true
umount "$LOGS/c1/bpf"
cache c1 100
sleep 4
has_vip c2 && ! has_vip c1 || fail "the address went back to an empty cache"

step "c2's host loses the network"
moves c2 c1 inside switch ip link set c2 down
