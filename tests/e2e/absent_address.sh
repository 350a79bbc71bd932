#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# absent_address.sh MODE: --listen and --metrics accept an address that keepalived has not added yet,
# and answer there once it has; an IPv6 address that is local only by a route (AnyIP) is answered.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
place_for "$mode"
step "a daemon whose addresses are not here"
farm_in cache ip -6 route add local fd5e:55:200:7::/64 dev lo
daemon_for "$mode" --listen "10.200.0.9" --listen "[fd5e:55:200:7::9]" --metrics 10.200.0.9:9333
grep -q 'no interface has the address of 10.200.0.9' "$LOGS/sessiond.log" || fail "it says nothing"
TO=10.200.0.9 udp fetch --count 1 --expect silence

step "the virtual address comes"
farm_in cache ip address add 10.200.0.9/32 dev lo
TO=10.200.0.9 udp store --count 50 --confirm
TO=10.200.0.9 udp fetch --count 50
farm_in cache timeout 5 bash -c 'exec 3<>/dev/tcp/10.200.0.9/9333; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3
	grep -q sessiond_sessions <&3' || fail "no metrics there"
step "AnyIP"
TO=fd5e:55:200:7::9 udp fetch --count 50
