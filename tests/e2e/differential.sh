#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# differential.sh xdp|socket: the same requests, TAKEs among them, by two ways get the same bytes, or both
# get no reply. xdp: through XDP and through the daemon's socket; packets that XDP passes on reach the
# daemon: with IPv4 options, with an IPv6 extension header, and in fragments. socket: by the same ways, to
# two threads. tests/dpdk/ports.sh does the same in dpdk mode.
. "$(dirname "$0")/lib.sh" "$1"

place_for "$1"
# All addresses of each family, given explicitly; the other tests use `*`.
daemon_for "$1" --listen 0.0.0.0 --listen ::

compare()
{
	step "$1 against $2"
	farm_in t1 "$TOOLS/differential" "$1" "$2" "$FARM_PORT" | tee -a "$LOGS/test.log"
}

if [ "$1" = socket ]; then
	compare "udp:$FARM_CACHE" "options:$FARM_CACHE6"
	compare "udp:$FARM_CACHE6" "options:$FARM_CACHE"
	expect_stat get_hits gt 1000
	expect_stat take_hits gt 300
	expect_stat take_misses gt 600
	exit 0
fi

compare "udp:$FARM_CACHE" "options:$FARM_CACHE"
expect_stat xdp_pass_ip_options gt 1000
compare "udp:$FARM_CACHE6" "options:$FARM_CACHE6"
expect_stat xdp_pass_ipv6_extension gt 1000
compare "udp:$FARM_CACHE" "options:$FARM_CACHE6"

# A second address, reached by a route with an MTU so small that nearly every request is fragmented.
farm_in cache ip address add 10.200.0.3/32 dev lo
farm_in t1 ip route add 10.200.0.3/32 via 10.201.1.1 mtu lock 76
compare "udp:$FARM_CACHE" udp:10.200.0.3
expect_stat xdp_pass_fragment gt 1000

step "who answered"
expect_stat xdp_get_hits gt 1000
expect_stat slow_get_hits gt 1000
expect_stat xdp_take_hits gt 100
expect_stat slow_take_hits gt 100
