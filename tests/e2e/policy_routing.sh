#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Routing rules apply to replies of sockets by their source address and port, and, as for all packets that
# the host sends, not by the interface of the request.
. "$(dirname "$0")/lib.sh" "$*"

need_lab
place_for socket
peer=10.201.1.2 table=100
daemon_for socket
udp store --count 1 --confirm

step "the main table has no way back, another has"
farm_in cache ip route add unreachable $peer/32
farm_in cache ip route add $peer/32 dev t1 table $table
udp fetch --expect silence

for rule in "from $FARM_CACHE" "ipproto udp sport $FARM_PORT"; do
	step "ip rule $rule"
	# shellcheck disable=SC2086
	farm_in cache ip rule add $rule lookup $table || skip "this kernel has no such rule"
	udp fetch
	# shellcheck disable=SC2086
	farm_in cache ip rule del $rule lookup $table
	udp fetch --expect silence
done

step "ip rule iif t1"
farm_in cache ip rule add iif t1 lookup $table
udp fetch --expect silence
expect_stat send_failed ge 4
