#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# address.sh MODE: a virtual address is answered as soon as it moves to this host, in xdp mode by XDP,
# and no longer after it has moved away.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
place_for "$mode"
daemon_for "$mode"
udp store --count 100 --confirm

for address in 10.200.0.2/32 fd5e:55:200::2/128; do
	TO=${address%/*}
	step "$TO is not here"
	udp fetch --count 1 --expect silence

	step "$TO moves here"
	case $address in *:*) nodad=nodad ;; *) nodad= ;; esac
	farm_in cache ip address add "$address" dev lo $nodad
	# The first may wait for the kernels: a new link's own addresses are not ready for a second or two.
	farm_wait 10 udp fetch --count 1 || fail "no answer from $TO"
	sleep 0.2
	slow=$(farm_stat slow_get_hits)
	udp fetch --count 100
	[ "$(farm_stat slow_get_hits)" = "$slow" ] || fail "the daemon had to answer, not XDP"

	step "$TO moves away"
	farm_in cache ip address del "$address" dev lo
	sleep 0.2
	xdp=$(farm_stat xdp_get_hits)
	udp fetch --count 2 --expect silence
	[ "$(farm_stat xdp_get_hits)" = "$xdp" ] || fail "XDP answers for an address that is gone"
done
