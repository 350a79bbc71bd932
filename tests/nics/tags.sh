#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# VLANs on an interface whose hardware removes tags before XDP; receive queues added while the daemon runs.
# Guests: igb
# Seconds: 300
. tests/nics/lib.sh

V=10.9.100.1

# A VLAN at both ends.
vlan()
{
	ip link add link eth0 name eth0.100 type vlan id 100 && c ip link add link eth2 name eth2.100 type vlan id 100 ||
		fail "this kernel has no VLANs"
	c sysctl -qw net.ipv4.conf.eth2/100.rp_filter=1
	ip link set eth0.100 up
	c ip link set eth2.100 up
	ip addr add $V/24 dev eth0.100
	c ip addr add 10.9.100.2/24 dev eth2.100
	reachable $V
}

vlan_comes()
{
	wire
	ethtool -K eth0 rxvlan on
	serve --interface eth0 --xdp-mode native
	! grep rxvlan $daemon_log || fail "it warns of an interface without VLANs"
	by_xdp traffic $S
	vlan
	said 'SLOW: eth0 has VLANs.*ethtool -K eth0 rxvlan off'
}

# slowly COMMAND...: and sockets must have answered
slowly()
{
	local before

	before=$(counter slow_get_hits)
	"$@"
	[ "$(counter slow_get_hits)" -ge $((before + sessions)) ] || fail "sockets answered $(counter slow_get_hits) GETs"
}

# In the VLAN by sockets, and beside it by XDP.
left_to_sockets()
{
	slowly traffic $V
	by_xdp traffic $S
}

offload_off()
{
	ethtool -K eth0 rxvlan off
	said 'no VLAN tag of eth0 is hidden'
	reachable $V
	by_xdp traffic $V
	by_xdp traffic $S
	stop
}

at_start()
{
	ethtool -K eth0 rxvlan on
	serve --interface eth0 --xdp-mode native
	said 'ethtool -K eth0 rxvlan off'
	reachable $V
	left_to_sockets
	stop
}

generic()
{
	serve --interface eth0 --xdp-mode generic
	sleep 2
	! grep 'rxvlan off' $daemon_log || fail "it warns of generic XDP"
	reachable $V
	traffic $V
	stop
}

more_queues()
{
	ethtool -L eth0 combined 1 || fail "the driver has no choice of queues"
	reachable
	serve --interface eth0 --xdp-mode native
	by_xdp traffic $S
	ethtool -L eth0 combined 2
	said 'eth0 has 2 receive queues now, and AF_XDP sockets at 1'
	reachable
	traffic $S
	stop
}

# The part of the unit test that needs a kernel with this driver.
follower()
{
	"$BUILD/tests/unit/test_vlans" >/run/unit.log 2>&1 || fail "test_vlans: $(grep -m 1 ERROR /run/unit.log)"
	! grep -i skipped /run/unit.log || fail "test_vlans: $(grep -m 1 skipped /run/unit.log)"
}

need vlan-added vlan_comes
row left-to-sockets left_to_sockets
row rxvlan-off offload_off
row at-start at_start
row generic-in-vlan generic
row follower follower
row more-queues more_queues
exit 0
