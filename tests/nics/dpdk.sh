#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# dpdk mode through vfio-pci, with an IOMMU that QEMU emulates. The client keeps its kernel driver.
# Guests: dpdk-igb dpdk-e1000e dpdk-virtio dpdk-vmxnet3
# Seconds: 600
. tests/nics/lib.sh

# DPDK's pages and devices belong to root.
user=root

# The PCI device of eth0: virtio's network device is a child of it.
device=$(readlink -f /sys/class/net/eth0/device)
[[ $device != */virtio* ]] || device=$(dirname "$device")
pci=$(basename "$device")
kernel_driver=$(basename "$(readlink "$device/driver")")

# driver_of NAME: gives the device to this driver
driver_of()
{
	echo "$pci" >"$device/driver/unbind" || return 1
	echo "$1" >"$device/driver_override"
	echo "$pci" >/sys/bus/pci/drivers_probe
	[ "$(basename "$(readlink "$device/driver")")" = "$1" ]
}

vfio()
{
	modprobe vfio-pci || fail "there is no vfio-pci"
	[ -e "$device/iommu_group" ] || fail "the device is in no IOMMU group"
	ip link set eth0 down
	driver_of vfio-pci || fail "vfio-pci does not take $pci"
	sysctl -qw vm.nr_hugepages=120
	grep -i hugepages /proc/meminfo
	[ "$(free_pages)" -ge 100 ] || fail "$(free_pages) hugepages are free"
}

free_pages()
{
	awk '/HugePages_Free/ { print $2 }' /proc/meminfo
}

client_up()
{
	local vlan

	ip netns add client
	ip link set eth2 netns client
	c ip link set eth2 up
	c ip addr add 10.9.0.2/24 dev eth2
	c ip addr add fd09::2/64 dev eth2 nodad
	# A VLAN, one within it, and one as providers do it.
	modprobe 8021q
	c ip link add vlan100 link eth2 type vlan id 100
	c ip link add qinq link vlan100 type vlan id 200
	c ip link add provider link eth2 type vlan id 300 proto 802.1ad
	c ip link add ad7 link provider type vlan id 7
	for vlan in vlan100:10.100.0.2 qinq:10.101.0.2 provider:10.102.0.2 ad7:10.103.0.2; do
		c ip link set "${vlan%:*}" up
		c ip addr add "${vlan#*:}/24" dev "${vlan%:*}"
	done
	for vlan in all default eth2 vlan100 qinq provider ad7; do c sysctl -qw "net.ipv4.conf.$vlan.rp_filter=1"; done
}

# lcores LIST: starts the daemon on them
lcores()
{
	serve --mode dpdk --listen $S --listen $S6 --listen 10.100.0.1 --listen 10.101.0.1 --listen 10.102.0.1 --listen 10.103.0.1 \
		--dpdk-args "-l $1 -a $pci -- --vlan 100 --vlan 100.200 --vlan 300.7"
	until_true "the link does not come up" link_is 1
}

ping6()
{
	until_true "no reply to a ping of $S6" c ping -6 -c 1 -W 1 $S6
	c ip -6 neigh show $S6 | grep -q lladdr || fail "neighbour discovery got no reply"
}

arp()
{
	reachable
	c ip neigh flush all
	reachable
	c ip neigh show $S | grep -q "lladdr 52:54:00:00:00:01" || fail "$(c ip neigh show $S)"
}

tagged()
{
	reachable "$1"
	traffic "$1"
}

# In a VLAN that is not configured nothing is answered.
other_vlan()
{
	local before

	before=$(counter dpdk_drop_other_vlan)
	c timeout 20 "$client" fetch 10.102.0.1 54321 --count 3 --expect silence || fail "an answer from 10.102.0.1"
	until_true "no frame was dropped for its VLAN" dropped_more_than "$before"
}

dropped_more_than()
{
	[ "$(counter dpdk_drop_other_vlan)" -gt "$1" ]
}

# Each lcore must have received some of the flows, or a line says that the port has one queue.
rss()
{
	local i used=0

	stop
	lcores 0,1
	reachable
	c "$BUILD/sessionbench" --sessions 64 --ports 32 --window 1 --count 400 --quiet --patience 2s \
		--require-hits $S || fail "sessionbench over 32 ports"
	sessionctl stats | grep dpdk_
	for i in 0 1; do
		[ "$(counter dpdk_lcore${i}_rx_packets)" -lt 20 ] || used=$((used + 1))
	done
	if [ "$(counter dpdk_port0_queues)" = 1 ]; then
		said 'no RSS'
	else
		[ $used -eq 2 ] || fail "$used of 2 lcores received the flows"
	fi
}

# tcpdump verifies every checksum of what the port sent, of any length and in a VLAN.
checksums()
{
	local capture=/run/capture.txt value capturer

	ip netns exec client timeout 100 tcpdump -lnvv -i eth2 -Q in "udp src port 54321 or (vlan and udp src port 54321) or icmp6 or icmp" \
		>$capture 2>/run/tcpdump.log &
	capturer=$!
	until_true "tcpdump does not start" grep -q listening /run/tcpdump.log
	traffic $S
	traffic $S6
	traffic 10.100.0.1
	for value in 1 2 143 200 511; do
		c "$BUILD/sessionbench" --sessions 4 --value $value --seed $value --ports 1 --window 1 --count 8 --quiet --patience 2s \
			--require-hits $S || fail "values of $value bytes"
	done
	ping6
	sleep 1
	kill $capturer
	grep -c 'udp sum ok' $capture
	[ "$(grep -c 'udp sum ok' $capture)" -ge 100 ] || fail "tcpdump saw $(grep -c 'udp sum ok' $capture) replies"
	! grep -E 'bad (udp )?cksum|bad icmp|wrong' $capture || fail "$(grep -cE 'bad|wrong' $capture) checksums are wrong"
}

link_events()
{
	monitor set_link nic-s0 off
	until_true "the port's link stays up" link_is 0
	said 'link down'
	monitor set_link nic-s0 on
	until_true "the port's link stays down" link_is 1
	reachable
	traffic $S
}

link_is()
{
	[ "$(counter dpdk_port0_link)" = "$1" ]
}

# Neither way of ending leaves hugepages in use, nor the port in a state that the next one cannot use.
started_again()
{
	local free

	! running || stop
	lcores 1
	free=$(free_pages)
	stop "$1"
	[ "$(free_pages)" -gt "$free" ] || fail "$(free_pages) hugepages are free after the end, $free before"
	lcores 1
	[ "$(free_pages)" -eq "$free" ] || fail "$(free_pages) hugepages are free, $free after the first start"
	reachable
	traffic $S
	traffic $S6
}

returned()
{
	stop
	driver_of "$kernel_driver" || fail "$kernel_driver does not take $pci back"
	until_true "eth0 does not come back" test -e /sys/class/net/eth0
	ip link set eth0 up
	ip addr add $S/24 dev eth0
	serve --mode xdp --interface eth0
	reachable
	traffic $S
	stop
}

client_up
need vfio-pci vfio || exit 0
need start lcores 1
row arp-ping arp
row ndp-ping ping6
row get-new-ipv4 traffic $S
row get-new-ipv6 traffic $S6
row vlan tagged 10.100.0.1
case $GUEST in
dpdk-igb | dpdk-e1000e) not_here qinq "QEMU computes wrong checksums behind two tags of the type 0x8100" ;;
*) row qinq tagged 10.101.0.1 ;;
esac
if [ "$GUEST" = dpdk-vmxnet3 ]; then
	not_here qinq-802.1ad "QEMU's vmxnet3 does not carry 802.1ad"
else
	row qinq-802.1ad tagged 10.103.0.1
fi
row other-vlan other_vlan
row checksums checksums
row link-events link_events
case $GUEST in
dpdk-vmxnet3) not_here rss "QEMU's vmxnet3 delivers every packet to its first queue" ;;
*) row rss rss ;;
esac
row stop-start started_again TERM
row kill-start started_again KILL
row back-to-kernel returned
exit 0
