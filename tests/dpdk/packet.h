/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Frames for tests, built and checked byte by byte by separate code with a simple checksum.
 */
#ifndef SESSIOND_TEST_PACKET_H
#define SESSIOND_TEST_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

#define PACKET_ROOM 2048

/* 02:00:00:00:00:99 and :01, unless changed. */
extern uint8_t packet_client_mac[6], packet_server_mac[6];

/* 192.0.2.1 and 2001:db8::1 are the server's, .99 and ::99 the client's, unless changed. */
struct packet_spec {
	bool v6;
	uint8_t proto;	      /* of the payload */
	unsigned tags;	      /* VLAN tags, numbered from 100 on */
	uint16_t outer;	      /* type of all tags but the last; 0: 802.1ad's */
	const uint8_t *extra; /* IPv4 options, or IPv6 extension headers */
	size_t extra_len;
	uint8_t extra_proto; /* the first extension header's type; 0 if there is none, or hop-by-hop
			      */
	const char *source, *dest;	 /* addresses as text, or NULL */
	uint16_t source_port, dest_port; /* of UDP; 0: 4711 and 54321 */
	uint8_t hops;			 /* 0: 17 */
	bool no_checksum;
	bool partial_checksum; /* as from a local sender with checksum offload */
	int udp_length_delta;  /* added to the correct UDP length */
	size_t trailer;	       /* bytes after the IP packet */
};

/* Adds headers to `payload` and returns the frame's length. For UDP it adds the UDP header too; for
 * ICMP of either version it sets the checksum at offset 2 of the payload. */
size_t packet_build(uint8_t frame[PACKET_ROOM], const struct packet_spec *spec, const void *payload,
	size_t len);

/* A request's 36 bytes. The key is `id`, repeated. */
void packet_request(
	struct sessd_header *header, enum sessd_type type, uint16_t timeout, uint8_t id);

/* Checks that `frame` is a well-formed reply to `spec`: addresses and ports swapped, tags kept, no
 * options, every checksum correct, no extra byte. Returns its payload (UDP's or ICMP's) and stores
 * its length. Fails the test otherwise. */
const uint8_t *packet_check_reply(
	const uint8_t *frame, size_t frame_len, const struct packet_spec *spec, size_t *len);

#endif
