#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Replies of the daemon's sockets take the routing table of the VRF in which the request arrived. Two VRFs
# here have the same addresses; the default table has no route.
# Guests: igb
# Seconds: 400
. tests/nics/lib.sh

modprobe vrf
routed=10.77.0.2

# The client of the second VRF has the same addresses as that of the first.
other()
{
	ip netns exec other "$@"
}

vrfs()
{
	ip link add blue type vrf table 10 && ip link add red type vrf table 11 || fail "this kernel has no VRFs"
	ip link set blue up
	ip link set red up
	ip link set eth0 master blue
	ip link set eth1 master red
	wire
	ip netns add other
	c ip link set eth3 netns other
	other ip link set lo up
	ip link set eth1 up
	other ip link set eth3 up
	ip addr replace $S/24 dev eth1
	ip addr replace $S6/64 dev eth1 nodad
	other ip addr replace 10.9.0.2/24 dev eth3
	other ip addr replace fd09::2/64 dev eth3 nodad
	until_true "no reply to a ping in red" other ping -c 1 -W 1 $S
	# A routed address behind the client of blue.
	c ip addr add $routed/32 dev lo
	ip route add $routed/32 via 10.9.0.2 vrf blue
}

# GETs in both VRFs, over IPv4 and IPv6.
both_answered()
{
	local before

	before=$(counter send_failed)
	traffic $S
	traffic $S6
	other timeout 20 "$client" fetch $S 54321 --count $sessions --seed "$(cat $seed_file)" --expect hit ||
		fail "GETs in red"
	other timeout 20 "$client" fetch $S6 54321 --count $sessions --seed "$(cat $seed_file)" --expect hit ||
		fail "GETs in red over IPv6"
	c ip route replace $S/32 dev eth2 src $routed
	stored $S
	c ip route del $S/32 dev eth2 src $routed
	[ "$(counter send_failed)" = "$before" ] || fail "$(counter send_failed) replies could not be sent"
}

# Link-local addresses need the interface in the reply.
link_local()
{
	local address

	address=$(ip -6 -br addr show dev eth0 scope link | awk '{ sub("/.*", "", $3); print $3 }')
	serve --mode socket
	traffic "$address%eth2"
	stop
}

silent()
{
	sysctl -qw net.ipv4.udp_l3mdev_accept=0
	serve --mode socket
	said udp_l3mdev_accept
	sessionctl doctor eth0 | grep -A 1 udp_l3mdev_accept || fail "the doctor does not name the setting"
	stop
	sysctl -qw net.ipv4.udp_l3mdev_accept=1
}

socket_mode()
{
	serve --mode socket
	! grep udp_l3mdev_accept $daemon_log || fail "it warns without a reason"
	both_answered
	stop
}

# Sockets bound to an address that exists only in VRFs.
one_address()
{
	serve --mode socket --listen $S --listen $S6
	both_answered
	stop
}

# The XDP program is on another interface, so sockets answer.
xdp_mode()
{
	ip link add spare type veth peer name spare1
	ip link set spare up
	serve --mode xdp --interface spare
	both_answered
	[ "$(counter slow_get_hits)" -ge $sessions ] || fail "sockets answered $(counter slow_get_hits) GETs"
	stop
}

# An interface leaves its VRF while the daemon runs, and rejoins.
leaves_and_returns()
{
	serve --mode socket
	traffic $S
	ip link set eth0 nomaster
	ip addr replace $S/24 dev eth0
	reachable
	traffic $S
	ip link set eth0 master blue
	ip addr replace $S/24 dev eth0
	ip addr replace $S6/64 dev eth0 nodad
	ip route replace $routed/32 via 10.9.0.2 vrf blue
	reachable
	both_answered
	stop
}

# The part of the unit test that needs a kernel with this driver.
follower()
{
	"$BUILD/tests/unit/test_vrfs" >/run/unit.log 2>&1 || fail "test_vrfs: $(grep -m 1 ERROR /run/unit.log)"
	! grep -i skipped /run/unit.log || fail "test_vrfs: $(grep -m 1 skipped /run/unit.log)"
}

row follower follower
need two-vrfs vrfs
row not-received silent
row socket-mode socket_mode
row bound-sockets one_address
row xdp-mode xdp_mode
row link-local link_local
row leaves-and-returns leaves_and_returns
other ip link set eth3 netns 1
ip netns del other
exit 0
