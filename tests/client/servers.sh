# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# What tests with any kind of server share. To be sourced by bash after cli/lib.sh.
#
#   servers_need PROGRAM...         skips the test if one of them is not installed
#   make_certificate FILE NAME      a certificate in FILE, its key in FILE.key
#   servers_end "PID..."            ends servers and waits for them
#   listens PORT...                 waits until somebody does

resume_many=$SESSIOND_BUILD/tests/client/resume_many

servers_need() {
	local program

	PATH=$PATH:/usr/sbin
	for program in "$@" openssl; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
	export LD_LIBRARY_PATH=$SESSIOND_BUILD/client${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -days 1 \
		-keyout "$1.key" -out "$1" 2>/dev/null || fail "no certificate can be made"
}

servers_end() {
	local pid rest=

	for pid in $1; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	for pid in $daemons; do
		[[ " $1 " == *" $pid "* ]] || rest="$rest $pid"
	done
	daemons=$rest
}

listens() {
	local port

	for port; do
		for _ in $(seq 200); do
			(: </dev/tcp/127.0.0.1/"$port") 2>/dev/null && continue 2
			sleep 0.05
		done
		fail "nobody listens on $port: $(cat "$folder"/*.out)"
		finish
	done
}
