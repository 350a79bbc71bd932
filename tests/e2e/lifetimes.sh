#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# lifetimes.sh MODE: 10,000 sessions of 1 to 5 seconds are found until they end, and never afterwards.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
place_for "$mode"
daemon_for "$mode"

step "10,000 sessions"
farm_in t1 "$TOOLS/lifetimes" "$FARM_CACHE" "$FARM_PORT" 10000 | tee -a "$LOGS/test.log"

step "swept"
expect_stat sessions eq 0
expect_stat sessions_expired eq 10000
