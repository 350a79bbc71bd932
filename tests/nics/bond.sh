#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A bond of two NICs: the program and the AF_XDP sockets are at its ports.
# Guests: igb
# Seconds: 400
. tests/nics/lib.sh

modprobe bonding max_bonds=0

# bond NAME PORT...: where it is called
bond()
{
	local name=$1 port

	shift
	ip link add "$name" type bond mode active-backup miimon 100 || fail "this kernel has no bonds"
	for port; do
		ip link set "$port" down
		ip link set "$port" master "$name"
	done
	ip link set "$name" up
}
export -f bond fail

bonds()
{
	bond bond0 "$@"
	[ -e /run/netns/client ] || ip netns add client
	ip link set eth2 netns client
	ip link set eth3 netns client
	c bash -c 'bond bond1 eth2 eth3'
	wire bond0 bond1
}

# wire_of NUMBER: both ends use this one of the two wires
wire_of()
{
	ip link set bond0 type bond active_slave "eth$1"
	c ip link set bond1 type bond active_slave "eth$(($1 + 2))"
	reachable
}

by_each_port()
{
	bonds eth0 eth1
	serve --interface bond0 --xdp-mode native
	said 'native XDP on bond0'
	wire_of 0
	by_xdp traffic $S
	by_xdp traffic $S6
	wire_of 1
	by_xdp traffic $S
}

rejoins()
{
	wire_of 0
	ip link set eth1 nomaster
	by_xdp traffic $S
	ip link set eth1 down
	ip link set eth1 master bond0
	until_true "eth1 is not up" grep -q up /sys/class/net/eth1/operstate
	wire_of 1
	by_xdp traffic $S
	! grep 'no AF_XDP socket' $daemon_log || fail "it warns of a port that has sockets"
	stop
}

joins_late()
{
	ip link set eth1 nomaster
	serve --interface bond0 --xdp-mode native
	wire_of 0
	by_xdp traffic $S
	ip link set eth1 down
	ip link set eth1 master bond0
	said 'eth1, a port of bond0, has no AF_XDP socket'
	until_true "eth1 is not up" grep -q up /sys/class/net/eth1/operstate
	wire_of 1
	traffic $S
	[ "$(counter xsk_fallback)" -ge $sessions ] || fail "NEWs by eth1 took another way than sockets"
	stop
}

# Only the ports' rxvlan counts.
tags()
{
	ip link add link bond0 name bond0.100 type vlan id 100
	ip link set bond0.100 up
	serve --interface bond0 --xdp-mode native
	said 'rxvlan of eth0, eth1'
	ethtool -K eth0 rxvlan off
	ethtool -K eth1 rxvlan off
	said 'no VLAN tag of bond0 is hidden'
	stop
}

need by-each-port by_each_port
row rejoins rejoins
row joins-late joins_late
row hidden-tags tags
exit 0
