#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# resume.sh MODE [busy]: every session created at A is resumed at B, with TLS 1.2 and TLS 1.3; in xdp
# mode the XDP program has answered. With 'busy', while another client keeps the port busy.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_tls
place_for "$mode"
daemon_for "$mode"
farm_terminators

if [ "${2:-}" = busy ]; then
	rate=20000 share=50
	# With a sanitizer no time is measured: the writer may be seconds behind.
	! sanitized || rate=2000 share=1
	step "another client: $rate packets a second"
	farm_spawn t2 "$LOGS/load.log" "$TOOLS/udpclient" load "$FARM_CACHE" "$FARM_PORT" \
		--rate $rate --seconds 100 --timeout 5 --share $share
	load=$FARM_PID
fi
step "TLS 1.2, 200 sessions"
resume_all 200 --tls 1.2 --make "$FARM_A" --resume "$FARM_B"
step "TLS 1.3, 200 sessions"
resume_all 200 --tls 1.3 --make "$FARM_A" --resume "$FARM_B"
step "the other way round, with SNI"
resume_all 20 --tls 1.3 --make "$FARM_B" --resume "$FARM_A" --sni www.farm.example
if [ "${2:-}" = busy ]; then
	farm_end "$load" || fail "the other client got too few replies: $(cat "$LOGS/load.log")"
	note "the other client: $(cat "$LOGS/load.log")"
fi

step "who answered"
expect_stat get_hits ge 420
if [ "$mode" = xdp ]; then
	expect_stat xdp_get_hits ge 420
	expect_stat slow_get_hits eq 0
	expect_stat slow_get_misses eq 0
fi
