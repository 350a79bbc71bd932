/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Builds frames for the tests. A zeroed spec with a key gives a valid GET over IPv4 from
 * FRAME_CLIENT4 to FRAME_SERVER4, port FRAME_PORT. Each field that is set changes one thing; other
 * headers are adapted unless their fields are set too.
 */
#ifndef TESTS_BPF_FRAME_H
#define TESTS_BPF_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

#define FRAME_MAX 3500

#define FRAME_PORT    54321
#define FRAME_CLIENT4 "10.1.2.3"
#define FRAME_SERVER4 "192.0.2.1"
#define FRAME_CLIENT6 "fd00::1:3"
#define FRAME_SERVER6 "2001:db8::1"

enum udp_check {
	CHECK_GOOD,
	CHECK_NONE,    /* 0 */
	CHECK_PARTIAL, /* the pseudo header's sum, as from a sender on this host */
	CHECK_WRONG,
};

struct frame_spec {
	/* Ethernet */
	const uint8_t *dest_mac, *source_mac;
	unsigned vlans;	    /* tags; the outer of several is 0x88a8 */
	uint16_t ethertype; /* in place of the right one */

	/* IP */
	bool v6;
	const char *source, *dest;
	int version;	     /* in place of 4 or 6 */
	int ihl;	     /* in place of the right one, in words */
	int options;	     /* bytes of IPv4 options, a multiple of 4 */
	int tos, ttl, id;    /* for IPv6: traffic class, hop limit, flow label */
	int fragment;	     /* the IPv4 field of flags and offset, host order */
	int proto;	     /* in place of UDP */
	int extension;	     /* type of an IPv6 extension header of 8 bytes ahead of UDP, plus 1 */
	int ip_length_add;   /* to the right one */
	bool ip_check_wrong; /* IPv4 */

	/* UDP */
	int source_port, dest_port; /* -1: 0 */
	int udp_length_add;	    /* to the right one */
	enum udp_check check;

	/* message */
	int message_version;	 /* in place of 1; -1: 0 */
	int type;		 /* in place of SESSD_GET; -1: 0, SESSD_NEW */
	uint16_t timeout;	 /* host order */
	const uint8_t *key;	 /* SESSD_KEY_SIZE bytes */
	unsigned trailing;	 /* bytes after the header */
	unsigned message_length; /* cut the message to this, plus 1 */

	/* the frame's end */
	unsigned padding; /* bytes behind the IP packet */
	unsigned cut;	  /* bytes cut off */
};

/* Writes the frame and returns its length. */
size_t frame_build(const struct frame_spec *spec, uint8_t frame[FRAME_MAX]);

#endif
