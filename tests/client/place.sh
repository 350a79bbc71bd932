# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
# shellcheck shell=bash
#
# Where the cache of a test is: on loopback in socket mode, or, in xdp mode, at the other end of a veth
# pair with native XDP, in a namespace of its own. To be sourced by bash after cli/lib.sh.
#
#   place MODE                  afterwards `start NAME $cache_options ... PORT` starts a cache there,
#                               and clients reach it at $cache_at
#   answered STAT-SOCKET COUNT  the mode itself answered so many GETs and TAKEs, and nothing else did

cache_at=127.0.0.1
cache_options='-m socket'
mode=socket

place() {
	mode=$1
	[ "$mode" != socket ] || return 0
	[ "${SESSIOND_XDP:-yes}" = yes ] || skip "sessiond is built without xdp mode"
	[ -x "$SESSIOND_BUILD/tests/e2e/xdppass" ] || skip "xdppass is not built: libbpf was not found"
	make_peer 3600 || skip "no veth pair can be made"
	mkdir "$folder/bpf"
	mount -t bpf "sessiond-$$" "$folder/bpf" 2>/dev/null || skip "no BPF file system can be mounted here"
	trap 'place_cleanup' EXIT
	# The kernel loses what native XDP sends to a veth whose other end has no program.
	"$SESSIOND_BUILD/tests/e2e/xdppass" cli0 || skip "no native XDP program can be attached here"
	cat >"$folder/there" <<-END
		#!/bin/sh
		exec nsenter --net=/proc/$peer/ns/net -- "$sessiond" "\$@"
	END
	chmod 755 "$folder/there"
	sessiond=$folder/there
	cache_at=10.99.0.2
	cache_options="-m xdp -i cli1 --xdp-mode native --pin-dir $folder/bpf"
}

# Daemons first: they remove their pins.
place_cleanup() {
	local pid

	for pid in $daemons; do
		kill -CONT "$pid" 2>/dev/null
		kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null
	done
	umount "$folder/bpf"
	rm -rf "$folder"
}

# stat_of NAME COUNTER
stat_of() {
	"$sessionctl" -C "$folder/$1.sock" stats | awk -v name="$2" '$1 == name { n = $2 } END { print n + 0 }'
}

answered() {
	local hits

	cases=$((cases + 1))
	if [ "$mode" = xdp ]; then
		[ "$(stat_of "$1" slow_get_hits)" -eq 0 ] || fail "not the XDP program answered GETs"
		hits=$(stat_of "$1" xdp_get_hits)
	else
		hits=$(stat_of "$1" get_hits)
	fi
	[ "$hits" -ge "$2" ] || fail "the cache counts $hits hits, expected $2"
	echo "$mode mode answered $hits look-ups with a session"
}
