#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# remove.sh MODE honour|ignore: stunnel sends REMOVE when a connection ends without close_notify, and
# for the oldest sessions when its own cache is full. The cache honours or ignores them by --remove.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1 policy=$2
need_tls
place_for "$mode"
daemon_for "$mode" --remove "$policy"
farm_terminators 'sessionCacheSize = 10'

step "20 connections that end without close_notify"
for version in 1.2 1.3; do
	done=$(farm_stat remove_done) ignored=$(farm_stat remove_ignored)
	farm_tls --tls "$version" --count 20 --abrupt --make "$FARM_A" \
		--save "$FARM_SECRETS/$version"
	if [ "$policy" = honour ]; then
		expect_stat remove_done eq $((done + 20))
		farm_tls --tls "$version" --count 20 --load "$FARM_SECRETS/$version" \
			--resume "$FARM_B" --expect full
	else
		expect_stat remove_ignored eq $((ignored + 20))
		resume_all 20 --tls "$version" --load "$FARM_SECRETS/$version" --resume "$FARM_B"
	fi
done

step "40 sessions at a terminator that has room for 10"
if [ "$policy" = honour ]; then
	done=$(farm_stat remove_done)
	farm_tls --tls 1.2 --count 40 --make "$FARM_A" --save "$FARM_SECRETS/many"
	expect_stat remove_done ge $((done + 30))
else
	resume_all 40 --tls 1.2 --make "$FARM_A" --resume "$FARM_B"
	expect_stat remove_ignored ge 70
	expect_stat remove_done eq 0
fi
