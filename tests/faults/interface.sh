#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# What may become of an interface while the daemon runs: down and up, another MTU, another name, gone,
# gone to another namespace. The other interface answers all along, the daemon lives, and what comes
# back is served again: by XDP where the kernel kept the program, else by the daemon's socket; a
# restart brings the program back.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
daemon_for xdp
udp store --count 500 --confirm

both()
{
	FROM=t1 udp fetch --count 500 || fail "t1 is not answered"
	FROM=t2 udp fetch --count 500 || fail "t2 is not answered"
	FROM=t2 udp store --count 50 --seed $((++seed)) --confirm || fail "NEWs do not arrive"
	kill -0 "$FARM_DAEMON" || fail "the daemon has ended"
}
seed=100

by_t1() # the route to the cache, which goes with the link
{
	farm_in t1 ip route replace 10.200.0.0/24 via 10.201.1.1
}

fast() # 100 GETs from a terminator, and all of them answered by XDP
{
	local before

	before=$(farm_stat xdp_get_hits)
	FROM=$1 udp fetch --count 100
	expect_stat xdp_get_hits ge $((before + 100))
}

step "down and up"
farm_in cache ip link set t1 down
FROM=t2 udp fetch --count 500
farm_in cache ip link set t1 up
sleep 0.2
by_t1
both
fast t1

step "another MTU"
farm_in cache ip link set t1 mtu 1400
both
farm_in cache ip link set t1 mtu 9000 2>"$LOGS/mtu" || note "refused by the kernel: $(cat "$LOGS/mtu")"
both
farm_in cache ip link set t1 mtu 1500
both
fast t1

step "another name"
farm_in cache ip link set t1 down
farm_in cache ip link set t1 name renamed
farm_in cache ip link set renamed up
sleep 0.2
by_t1
both
fast t1
farm_in cache ip link set renamed down
farm_in cache ip link set renamed name t1
farm_in cache ip link set t1 up
sleep 0.2
by_t1
both

step "to another namespace"
farm_in cache ip link set t1 netns "/run/netns/$FARM_LAB-t2"
FROM=t2 udp fetch --count 500
FROM=t2 udp store --count 50 --seed 7 --confirm

step "gone"
farm_in t2 ip link delete t1
FROM=t2 udp fetch --count 500
FROM=t2 udp store --count 50 --seed 8 --confirm
farm_ctl stats >/dev/null || fail "the admin socket does not answer"

step "a new one of the same name: the socket answers"
ip link add name t1 netns "$FARM_LAB-cache" type veth peer name cache netns "$FARM_LAB-t1"
farm_in cache ip address add 10.201.1.1/30 dev t1
farm_in t1 ip address add 10.201.1.2/30 dev cache
farm_in cache ip link set t1 up
farm_in t1 ip link set cache up
farm_in t1 "$TOOLS/xdppass" cache
sleep 0.2
by_t1
both

step "kill -9 and start again: XDP answers there as well"
farm_end "$FARM_DAEMON" KILL || true
daemon_for xdp
both
fast t1
fast t2
farm_end "$FARM_DAEMON" || fail "exit code $?"
