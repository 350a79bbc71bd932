#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# What stands above a NIC: VLANs, a VLAN in a VLAN, a bridge.
# Guests: igb virtio vmxnet3
# Seconds: 400
. tests/nics/lib.sh

if [ "$GUEST" = vmxnet3 ] && [ "$(printf '6.6\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.6 ]; then
	not_here native "vmxnet3 has XDP from Linux 6.6 on"
	exit 0
fi

modprobe 8021q
no_802_1ad=/run/no-802.1ad

# vlan INTERFACE PARENT ADDRESS OPTION...: where it is called
vlan()
{
	ip link add "$1" link "$2" type vlan "${@:4}" && ip link set "$1" up && ip addr add "$3/24" dev "$1" &&
		sysctl -qw "net.ipv4.conf.$1.rp_filter=1"
}
export -f vlan

# VLAN 100, in it 200, and 300 as providers tag it with 7 within. The NIC leaves the tags in the frame.
vlans()
{
	local side command at

	wire
	ethtool -K eth0 rxvlan off
	for side in eth0:1: eth2:2:c; do
		IFS=: read -r name at command <<<"$side"
		$command bash -c "vlan vlan100 $name 10.100.0.$at id 100 && vlan vlan200 vlan100 10.101.0.$at id 200 &&
			vlan vlan300 $name 10.102.0.$at id 300 proto 802.1ad && vlan vlan7 vlan300 10.103.0.$at id 7" ||
			fail "no VLANs"
	done
	reachable 10.101.0.1
	c ping -c 1 -W 2 10.103.0.1 || c ping -c 1 -W 2 10.103.0.1 || touch $no_802_1ad
}

answered()
{
	local hits

	reachable "$1"
	hits=$(counter xdp_get_hits)
	traffic "$1"
	hits=$(($(counter xdp_get_hits) - hits))
	echo "XDP answered $hits"
	[ "${2:-}" != xdp ] || [ $hits -ge $sessions ] || fail "XDP answered $hits GETs to $1"
}

in_vlan()
{
	serve --mode xdp --interface eth0 --xdp-mode native
	answered 10.100.0.1 xdp
	by_xdp traffic $S
}

# A VLAN's interface has no native XDP.
on_vlan()
{
	! running || stop
	refused native --mode xdp --interface vlan100 --xdp-mode native
	serve --mode xdp --interface vlan100
	said 'GENERIC XDP on vlan100'
	answered 10.100.0.1
	if [ "$GUEST" = igb ]; then
		# QEMU's igb computes wrong checksums behind two tags of the type 0x8100.
		ethtool -K eth0 tx off
	fi
	traffic 10.101.0.1
	traffic $S
	stop
}

no_vlans()
{
	! running || stop
	ip link del vlan100
	ip link del vlan300
	c ip link del vlan100
	c ip link del vlan300
}

# The bridge has the address, and eth0 is its port.
bridge()
{
	modprobe bridge
	ip addr flush dev eth0
	ip link add br0 type bridge && ip link set eth0 master br0 && ip link set br0 up || fail "no bridge"
	ip addr add $S/24 dev br0
	ip addr add $S6/64 dev br0 nodad
	reachable
}

on_port()
{
	bridge
	serve --mode xdp --interface eth0 --xdp-mode native
	by_xdp traffic $S
	by_xdp traffic $S6
	stop
}

on_bridge()
{
	refused native --mode xdp --interface br0 --xdp-mode native
	serve --mode xdp --interface br0
	said 'GENERIC XDP on br0'
	answered $S
	stop
}

need vlans vlans
need in-vlan in_vlan
row in-vlan-in-vlan answered 10.101.0.1
if [ -e $no_802_1ad ]; then
	not_here in-802.1ad "no ping passes without sessiond either"
else
	row in-802.1ad answered 10.103.0.1
fi
row on-vlan on_vlan
(no_vlans)
row bridge-port on_port
row on-bridge on_bridge
exit 0
