#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# group.sh MODE: requests to a broadcast or multicast address are dropped and counted, never answered:
# with a socket per thread one GET would get as many replies.
. "$(dirname "$0")/lib.sh" "$*"

mode=$1
need_lab
need_program python3
place_for "$mode"
options=
[ "$mode" = socket ] && options='--threads 8'
# shellcheck disable=SC2086
daemon_for "$mode" $options
udp store --count 1 --confirm
step "GETs to groups"
farm_in t1 python3 - "$FARM_PORT" <<-'END' || fail "see above"
	import socket, sys, time
	port = int(sys.argv[1])
	get = b"\1\1\0\0" + b"k" * 32
	replies = 0
	for family, address in ((socket.AF_INET, "10.201.1.3"), (socket.AF_INET, "255.255.255.255"),
	                        (socket.AF_INET, "224.0.0.1"), (socket.AF_INET6, "ff02::1")):
	    s = socket.socket(family, socket.SOCK_DGRAM)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"cache\0")
	    s.settimeout(0.5)
	    s.sendto(get, (address, port))
	    try:
	        while True:
	            s.recv(2048)
	            replies += 1
	    except TimeoutError:
	        pass
	if replies:
	    sys.exit(f"{replies} replies")
END
expect_stat drop_group ge 4
udp fetch --count 1
