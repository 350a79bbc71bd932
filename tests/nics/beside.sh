#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A libxdp dispatcher with other programs is on the interface: the daemon refuses, names them, and what it
# says to do works.
# Guests: igb
. tests/nics/lib.sh

word='dispatcher of libxdp with the XDP program'

single()
{
	xdp-filter load eth0 -p deny -f udp || fail "xdp-filter"
	refused "eth0 already has a $word xdpfilt_dny_udp, .*unload it (xdp-loader unload eth0 --all)" \
		--mode xdp --interface eth0
}

several()
{
	xdp-loader load eth0 "$BUILD/tests/bench/reflect.bpf.o" || fail "xdp-loader"
	xdp-loader status eth0
	refused "${word}s [a-z_]*, [a-z_]*, .*unload them" --mode xdp --interface eth0
	refused "${word}s .*xdpfilt_dny_udp" --mode xdp --interface eth0
	refused "${word}s .*reflect" --mode xdp --interface eth0
}

# With mode auto, sockets answer, and the log has the reason.
sockets()
{
	serve --mode auto --interface eth0
	said 'falling back to mode socket.*dispatcher of libxdp'
	stop
	xdp-loader status eth0 | grep -q xdpfilt_dny_udp || fail "the other programs are gone"
}

# As the message says.
alone()
{
	xdp-loader unload eth0 --all || fail "xdp-loader unload"
	reachable
	serve --interface eth0 --xdp-mode native
	traffic $S
}

# The daemon's program is no dispatcher: other programs cannot join it.
other_refused()
{
	! xdp-filter load eth0 || fail "xdp-filter loaded"
	traffic $S
	stop
}

for tool in xdp-filter xdp-loader; do
	command -v $tool >/dev/null || {
		not_here dispatcher "$tool is not installed"
		exit 0
	}
done
wire
need one-member single
row several-members several
row auto-sockets sockets
need unloaded alone
row first-come other_refused
exit 0
