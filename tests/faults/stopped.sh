#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# A daemon that is stopped for seconds: the fast path keeps answering, and NEWs sent meanwhile are
# stored afterwards, as far as the socket's buffer holds them.
. "$(dirname "$(dirname "$(readlink -f "$0")")")/e2e/lib.sh"

place_for xdp
daemon_for xdp
udp store --count 1000 --confirm
step "SIGSTOP"
kill -STOP "$FARM_DAEMON"
for _ in 1 2 3; do
	udp fetch --count 1000
	sleep 1
done
udp store --count 50 --seed 2
udp fetch --count 50 --seed 3 --expect miss
step "SIGCONT"
kill -CONT "$FARM_DAEMON"
expect_stat sessions eq 1050
udp fetch --count 50 --seed 2
udp store --count 1000 --seed 4 --confirm
