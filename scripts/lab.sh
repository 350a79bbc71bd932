# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# The laboratory: a small farm of network namespaces on this machine, shared by the demo, the tests
# and the benchmarks. To be sourced by bash; `scripts/lab` is its command line.
#
#   NAME-client --- NAME-t1 --- NAME-cache        10.202.N.1 -- 10.202.N.2   clients - terminators
#          \------- NAME-t2 ------/               10.201.N.2 -- 10.201.N.1   terminators - cache
#                                                 10.200.0.1                 the cache's own address
#
# Every line is a veth pair of its own. The cache's address is on its loopback interface and
# terminators route 10.200.0.0/24 to it, so that further (virtual) addresses need no new route.
# IPv6: fd5e:55:201:N::/64, fd5e:55:202:N::/64 and fd5e:55:200::1, numbered alike.
#
# Inside a namespace an interface is named after what is at its other end. Offloads are left as the
# kernel sets them, checksum offload in particular, because that is what users have. The terminators'
# ends get an XDP program that passes everything (tests/e2e/xdppass.c says why), where it was built:
# LAB_XDPPASS names it, and is BUILD/tests/e2e/xdppass of the folder 'build' unless set.

LAB_XDPPASS=${LAB_XDPPASS:-$(dirname "${BASH_SOURCE[0]}")/../build/tests/e2e/xdppass}
LAB_SERVICE=10.200.0.1
LAB_SERVICE6=fd5e:55:200::1

# Says why a lab cannot be made here and fails, or is silent.
lab_probe()
{
	local probe="lab-probe-$$" tool

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
	if ! ip netns add "$probe" 2>/dev/null; then
		echo "this host lets us make no network namespaces"
		return 1
	fi
	if ! ip -n "$probe" link add name one type veth peer name other 2>/dev/null; then
		ip netns del "$probe"
		echo "this kernel has no veth interfaces"
		return 1
	fi
	ip netns del "$probe"
}

# lab_exec NAME NODE COMMAND...: runs it in a namespace. Not by `ip netns exec`, which mounts /sys
# anew and hides the BPF file system.
lab_exec()
{
	local ns="/run/netns/$1-$2"

	shift 2
	nsenter --net="$ns" -- "$@"
}

_lab_link()
{
	local name=$1 near=$2 far=$3 subnet=$4

	ip link add name "$far" netns "$name-$near" type veth peer name "$near" netns "$name-$far"
	ip -n "$name-$near" address add "10.$subnet.1/30" dev "$far"
	ip -n "$name-$far" address add "10.$subnet.2/30" dev "$near"
	ip -n "$name-$near" address add "fd5e:55:${subnet/./:}::1/64" dev "$far" nodad
	ip -n "$name-$far" address add "fd5e:55:${subnet/./:}::2/64" dev "$near" nodad
	ip -n "$name-$near" link set "$far" up
	ip -n "$name-$far" link set "$near" up
}

# lab_up NAME [TERMINATORS]: makes the farm; on failure nothing is left of it.
lab_up()
{
	local name=$1 terminators=${2:-2} node i

	if [ -e "/run/netns/$name-cache" ]; then
		echo "lab: there is a lab '$name' already" >&2
		return 1
	fi
	if ! (
		set -e
		for node in cache client $(seq -f 't%g' "$terminators"); do
			ip netns add "$name-$node"
			ip -n "$name-$node" link set lo up
		done
		ip -n "$name-cache" address add "$LAB_SERVICE/32" dev lo
		ip -n "$name-cache" address add "$LAB_SERVICE6/128" dev lo nodad
		for i in $(seq "$terminators"); do
			_lab_link "$name" cache "t$i" "201.$i"
			_lab_link "$name" client "t$i" "202.$i"
			ip -n "$name-t$i" route add 10.200.0.0/24 via "10.201.$i.1"
			ip -n "$name-t$i" route add fd5e:55:200::/48 via "fd5e:55:201:$i::1"
			[ ! -x "$LAB_XDPPASS" ] || lab_exec "$name" "t$i" "$LAB_XDPPASS" cache
		done
	); then
		lab_down "$name"
		echo "lab: '$name' could not be made" >&2
		return 1
	fi
}

# lab_down NAME: removes what lab_up made; its interfaces go with the namespaces. Whoever started
# processes in them ends those first.
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
