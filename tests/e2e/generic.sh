#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Copyright (c) 2026 the sessiond authors
#
# Generic XDP and senders with checksum offload: every reply is correct even if a device on the way back
# computes checksums, and each datagram of a UDP_SEGMENT train is handled separately.
. "$(dirname "$0")/lib.sh"

place_for xdp
need_program ethtool
need_program python3

step "the client is behind terminator A, whose interface to it computes checksums"
farm_in t1 sysctl -q -w net.ipv4.ip_forward=1
farm_in t1 ethtool -K client tx off >/dev/null
farm_in client ip route add 10.200.0.0/24 via 10.202.1.2
farm_in cache ip route add 10.202.1.0/30 via 10.201.1.2

farm_daemon --mode xdp --xdp-mode generic "${FARM_INTERFACES[@]}" --capacity 100000
step "store and fetch"
FROM=client udp store --count 300
expect_stat new_stored eq 300
FROM=client udp fetch --count 30 || fail "not every GET of the client was answered right"
expect_stat get_torn eq 0

step "trains of GETs and NEWs"
farm_in client python3 - "$FARM_CACHE" "$FARM_PORT" <<-'END' || fail "see above"
	import socket, sys, time
	UDP_SEGMENT = 103
	cache = (sys.argv[1], int(sys.argv[2]))
	key = lambda i: b"train" + i.to_bytes(27, "big")
	value = lambda i: bytes([0x30, i]) * 72
	new = lambda i: b"\1\0\0\x3c" + key(i) + value(i)
	get = lambda i: b"\1\1\0\0" + key(i)

	def send(messages):
	    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
	    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(messages[0]))
	    s.sendto(b"".join(messages), cache)
	    return s

	send([new(i) for i in range(7)])
	time.sleep(0.5)
	s = send([get(i) for i in range(7)])
	s.settimeout(1)
	replies = set()
	try:
	    for _ in range(7):
	        replies.add(s.recv(2048))
	except TimeoutError:
	    pass
	right = {b"\1\x81\0\0" + key(i) + value(i) for i in range(7)}
	if replies != right:
	    sys.exit(f"{len(replies & right)} of 7 datagrams of a train were answered right, "
	             f"{len(replies - right)} wrong")
END
