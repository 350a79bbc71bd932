#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# reload.sh MODE: SIGHUP reads the allow list and the policies again; a source that is no longer
# allowed is dropped and counted. A configuration with a mistake changes nothing.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
place_for "$mode"
config=$LOGS/sessiond.conf

reload()
{
	local before

	before=$(grep -c '^reloaded\|^reload' "$LOGS/sessiond.log" || true)
	printf '%s\n' "$@" >"$config"
	kill -HUP "$FARM_DAEMON"
	farm_wait 5 reloaded_since "$before" || fail "no word of a reload in the log"
	note "$(tail -n 1 "$LOGS/sessiond.log")"
}

reloaded_since()
{
	[ "$(grep -c '^reloaded\|^reload' "$LOGS/sessiond.log")" -gt "$1" ]
}

echo 'allow = 10.201.0.0/16' >"$config"
daemon_for "$mode" --config "$config"
udp store --count 100 --confirm
FROM=t2 udp fetch --count 100
expect_stat drop_not_allowed eq 0

step "only the first terminator is allowed"
reload 'allow = 10.201.1.0/24' 'remove = ignore'
udp fetch --count 100
FROM=t2 udp fetch --count 3 --expect silence
expect_stat drop_not_allowed eq 3

step "REMOVE is ignored from now on"
udp remove --count 100
expect_stat remove_ignored eq 100
udp fetch --count 100

step "a mistake in the file"
reload 'allow = 10.201.1.0/240'
udp fetch --count 100
FROM=t2 udp fetch --count 1 --expect silence

step "both, and an IPv6 prefix"
reload 'allow = 10.201.1.0/24' 'allow = 10.201.2.2' 'allow = fd5e:55:201:2::/64'
FROM=t2 udp fetch --count 100
FROM=t2 TO=$FARM_CACHE6 udp fetch --count 100
TO=$FARM_CACHE6 udp fetch --count 1 --expect silence
udp remove --count 100
udp fetch --count 100 --expect miss
