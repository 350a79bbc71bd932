#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A driver without native XDP: refused in clear words, and generic XDP on request, or with a warning.
# Guests: e1000e
. tests/nics/lib.sh

# generic HOW
generic()
{
	serve --mode xdp --interface eth0 --xdp-mode "$1"
	said 'GENERIC XDP on eth0\|generic XDP on eth0'
	traffic $S
	traffic $S6
}

automatic()
{
	stop
	generic auto
	said 'GENERIC XDP on eth0: '
}

adopted()
{
	traffic $S
	stop "$1"
	stored $S
	serve --interface eth0 --xdp-mode generic
	said adopted
	stored $S
}

link_down_and_up()
{
	ip link set eth0 down
	sleep 1
	ip link set eth0 up
	ip addr replace $S6/64 dev eth0 nodad
	reachable
	traffic $S
}

wire
row native-refused refused 'native' --mode xdp --interface eth0 --xdp-mode native
need generic generic generic
row restart-usr2 adopted USR2
row restart-kill adopted KILL
row link-down-up link_down_and_up
row auto automatic
exit 0
