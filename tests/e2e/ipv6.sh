#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# ipv6.sh MODE: one terminator asks the cache over IPv4, the other over IPv6.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_tls
need_lab
place_for "$mode"
daemon_for "$mode"
FARM_SESSIOND_B="$FARM_CACHE6:$FARM_PORT"
farm_terminators

step "made over IPv4, resumed over IPv6"
resume_all 100 --tls 1.2 --make "$FARM_A" --resume "$FARM_B"
resume_all 100 --tls 1.3 --make "$FARM_A" --resume "$FARM_B"
step "made over IPv6, resumed over IPv4"
resume_all 100 --tls 1.2 --make "$FARM_B" --resume "$FARM_A"
grep -q "$FARM_CACHE6" "$LOGS/stunnel-b.conf"
[ "$mode" != xdp ] || expect_stat slow_get_hits eq 0
