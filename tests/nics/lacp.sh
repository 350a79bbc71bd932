#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Bonds by 802.3ad and active-backup, with the program on the bond or on its ports, and a VLAN above.
# Guests: igb virtio
# Seconds: 400
. tests/nics/lib.sh

V=10.100.0.1
modprobe bonding max_bonds=0
modprobe 8021q

# bond NAME MODE PORT...
bond()
{
	local name=$1 mode=$2 port options=''

	# Both ends of a bond of this mode must be on the same wire.
	[ "$mode" != active-backup ] || options="primary $3"
	[ "$mode" != 802.3ad ] || options='lacp_rate fast xmit_hash_policy layer3+4'
	# shellcheck disable=SC2086
	ip link add "$name" type bond mode "$mode" miimon 100 || return 1
	shift 2
	for port; do
		ip link set "$port" down
		ip link set "$port" master "$name" || return 1
	done
	# shellcheck disable=SC2086
	[ -z "$options" ] || ip link set "$name" type bond $options
	ip link set "$name" up
}
export -f bond

bonds()
{
	bond bond0 "$1" eth0 eth1 || fail "this kernel has no bonds"
	[ -e /run/netns/client ] || ip netns add client
	for name in eth2 eth3; do
		[ ! -e /sys/class/net/$name ] || ip link set $name netns client
	done
	c bash -c "bond bond1 $1 eth2 eth3"
	wire bond0 bond1
	# Tags stay in the frame.
	ethtool -K eth0 rxvlan off
	ethtool -K eth1 rxvlan off
	ip link add bond0.100 link bond0 type vlan id 100
	ip link set bond0.100 up
	ip addr add $V/24 dev bond0.100
	c ip link add bond1.100 link bond1 type vlan id 100
	c ip link set bond1.100 up
	c ip addr add 10.100.0.2/24 dev bond1.100
	c sysctl -qw net.ipv4.conf.bond1/100.rp_filter=1
	reachable $V
}

# xdp_answers HOST: XDP answers the GETs; NEWs are stored, whichever way they take
xdp_answers()
{
	local hits

	reachable "$1"
	hits=$(counter xdp_get_hits)
	traffic "$1"
	[ "$(counter xdp_get_hits)" -ge $((hits + sessions)) ] || fail "XDP does not answer GETs to $1"
}

# port_in_use PORT: its bond sends and receives on it, and by 802.3ad its peer does so too
port_in_use()
{
	local port=/sys/class/net/$1 state

	[ "$(cat "$port/carrier")" = 1 ] && [ "$(cat "$port/bonding_slave/mii_status")" = up ] || return 1
	[ "$(cat "$port/master/bonding/mode")" = '802.3ad 4' ] || return 0
	for state in actor partner; do
		# Aggregation, synchronization, collecting, distributing.
		[ $(($(cat "$port/bonding_slave/ad_${state}_oper_port_state") & 0x3c)) = $((0x3c)) ] || return 1
	done
}
export -f port_in_use

# A driver that takes a program in or lets it go may reset its link, and 802.3ad then starts anew.
ports_in_use()
{
	local port

	for port in eth0 eth1; do
		until_true "bond0 does not use $port" port_in_use $port
	done
	for port in eth2 eth3; do
		until_true "bond1 does not use $port" c bash -c "port_in_use $port"
	done
}

# A wire that fails and comes back: flows move to the other one.
port_down_and_up()
{
	ip link set "$1" down
	c ip link set "$2" down
	xdp_answers $S
	xdp_answers $V
	ip link set "$1" up
	c ip link set "$2" up
	ports_in_use
	xdp_answers $S
	xdp_answers $V
}

on_bond()
{
	bonds "$1"
	serve --mode xdp --interface bond0 --xdp-mode native
	said 'native XDP on bond0'
	ports_in_use
	xdp_answers $S
	xdp_answers $S6
	xdp_answers $V
}

adopted()
{
	stop USR2
	stored $S
	serve --mode xdp --interface bond0 --xdp-mode native
	said adopted
	ports_in_use
	stored $S
	stop
}

# On its ports: a bond refuses to enslave or run them, or the program runs on each.
on_ports()
{
	if start --mode xdp --interface eth0 --interface eth1; then
		cat $daemon_log
		ports_in_use
		xdp_answers $S
		xdp_answers $V
		port_down_and_up eth0 eth2
		stop
	else
		cat $daemon_log
		grep -q bond0 $daemon_log || fail "it does not say what to do: $(tail -n 1 $daemon_log)"
	fi
}

gone()
{
	! running || stop
	ip link del bond0
	c ip link del bond1
}

for mode in active-backup 802.3ad; do
	if [ $mode$GUEST = 802.3advirtio ]; then
		not_here 802.3ad "the bridge between the tap devices forwards no LACP"
		continue
	fi
	need "$mode" on_bond $mode
	row "$mode-eth0-down" port_down_and_up eth0 eth2
	row "$mode-eth1-down" port_down_and_up eth1 eth3
	row "$mode-restart" adopted
	row "$mode-ports" on_ports
	(gone) || exit 1
done
exit 0
