# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# The lab: a small farm of network namespaces on this machine, shared by the demo, the tests and the
# benchmarks. To be sourced by bash; `scripts/lab` is its command line.
#
#   NAME-client --- NAME-t1 --- NAME-cache        10.202.N.1 -- 10.202.N.2   clients - terminators
#          \------- NAME-t2 ------/               10.201.N.2 -- 10.201.N.1   terminators - cache
#                                                 10.200.0.1                 the cache's own address
#
# Every line is a veth pair. The cache's address is on its loopback interface, and terminators route
# 10.200.0.0/24 to it, so that further (virtual) addresses need no new route. IPv6 uses
# fd5e:55:201:N::/64, fd5e:55:202:N::/64 and fd5e:55:200::1, numbered in the same way.
#
# Inside a namespace an interface is named after the node at its other end. Offloads keep the kernel's
# settings, checksum offload in particular, because users have these. The ends at the terminators get an
# XDP program that passes everything (tests/e2e/xdppass.c says why), if it was built. LAB_XDPPASS names
# it; the default is BUILD/tests/e2e/xdppass of the folder 'build'.

LAB_XDPPASS=${LAB_XDPPASS:-$(dirname "${BASH_SOURCE[0]}")/../build/tests/e2e/xdppass}
LAB_SERVICE=10.200.0.1
LAB_SERVICE6=fd5e:55:200::1

# Succeeds silently if a lab can be created here. Otherwise prints the reason and fails.
lab_probe()
{
	local probe="lab-probe-$$" tool why

	for tool in ip nsenter; do
		if ! command -v "$tool" >/dev/null; then
			echo "'$tool' is not installed (scripts/setup)"
			return 1
		fi
	done
	if [ "$(id -u)" -ne 0 ]; then
		echo "network namespaces need root"
		return 1
	fi
	if ! why=$(ip netns add "$probe" 2>&1); then
		echo "this host does not allow network namespaces: $why"
		return 1
	fi
	if ! why=$(nsenter "--net=/run/netns/$probe" \
		ip link add name one type veth peer name other 2>&1); then
		ip netns del "$probe"
		echo "veth interfaces cannot be created here: $why"
		return 1
	fi
	ip netns del "$probe"
}

# lab_exec NAME NODE COMMAND...: runs a command in a namespace. `ip netns exec` and `ip -n` are not used:
# they mount a new /sys, which hides the BPF file system and fails in a chroot.
lab_exec()
{
	local ns="/run/netns/$1-$2"

	shift 2
	nsenter --net="$ns" -- "$@"
}

# These are called in conditions, where `set -e` has no effect. Hence the && chains.
_lab_node()
{
	ip netns add "$1-$2" && lab_exec "$1" "$2" ip link set lo up
}

_lab_link()
{
	local name=$1 near=$2 far=$3 subnet=$4

	ip link add name "$far" netns "$name-$near" type veth peer name "$near" netns "$name-$far" &&
		lab_exec "$name" "$near" ip address add "10.$subnet.1/30" dev "$far" &&
		lab_exec "$name" "$far" ip address add "10.$subnet.2/30" dev "$near" &&
		lab_exec "$name" "$near" ip address add "fd5e:55:${subnet/./:}::1/64" dev "$far" nodad &&
		lab_exec "$name" "$far" ip address add "fd5e:55:${subnet/./:}::2/64" dev "$near" nodad &&
		lab_exec "$name" "$near" ip link set "$far" up &&
		lab_exec "$name" "$far" ip link set "$near" up
}

_lab_terminator()
{
	local name=$1 i=$2

	_lab_node "$name" "t$i" &&
		_lab_link "$name" cache "t$i" "201.$i" &&
		_lab_link "$name" client "t$i" "202.$i" &&
		lab_exec "$name" "t$i" ip route add 10.200.0.0/24 via "10.201.$i.1" &&
		lab_exec "$name" "t$i" ip route add fd5e:55:200::/48 via "fd5e:55:201:$i::1" &&
		{ [ ! -x "$LAB_XDPPASS" ] || lab_exec "$name" "t$i" "$LAB_XDPPASS" cache; }
}

_lab_make()
{
	local name=$1 terminators=$2 i

	_lab_node "$name" client && _lab_node "$name" cache &&
		lab_exec "$name" cache ip address add "$LAB_SERVICE/32" dev lo &&
		lab_exec "$name" cache ip address add "$LAB_SERVICE6/128" dev lo nodad || return 1
	for i in $(seq "$terminators"); do
		_lab_terminator "$name" "$i" || return 1
	done
}

# lab_up NAME [TERMINATORS]: creates the farm; a failure leaves nothing behind.
lab_up()
{
	if [ -e "/run/netns/$1-cache" ]; then
		echo "lab: there is a lab '$1' already" >&2
		return 1
	fi
	if ! _lab_make "$1" "${2:-2}"; then
		lab_down "$1"
		echo "lab: '$1' could not be made" >&2
		return 1
	fi
}

# lab_down NAME: removes the namespaces of lab_up, and their interfaces with them. The caller first ends
# the processes that it started there.
lab_down()
{
	local name=$1 path node

	for path in /run/netns/"$name"-*; do
		node=${path#"/run/netns/$name-"}
		case $node in
		cache | client | t[0-9] | t[0-9][0-9]) ip netns del "$name-$node" ;;
		esac
	done
}
