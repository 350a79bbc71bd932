/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the flood's program in the kernel and the one that runs it share.
 */
#ifndef TESTS_STRESS_FLOOD_H
#define TESTS_STRESS_FLOOD_H

#include <linux/types.h>

enum flood_kind {
	FLOOD_GARBAGE,	 /* of one source: random bytes of random length */
	FLOOD_STRANGERS, /* GETs from random sources in 198.18.0.0/15 */
	FLOOD_SPOOFED,	 /* GETs from random sources in 10.0.0.0/8 */
	FLOOD_UNKNOWN,	 /* GETs of one source, for keys that are not there */
	FLOOD_NEW,	 /* NEWs of one source, for keys that are not there */
	/* The same over IPv6. */
	FLOOD_STRANGERS6, /* random sources in 2001:db8::/32 */
	FLOOD_SPOOFED6,	  /* random sources in fd00::/8 */
	FLOOD_UNKNOWN6,	  /* random sources in the /64 of one */
};

#define FLOOD_IS_IPV6(kind) ((kind) >= FLOOD_STRANGERS6)

#define FLOOD_VALUE	  144
#define FLOOD_GARBAGE_MAX 256

/* Longest frame, and some: the generator cuts each one. */
#define FLOOD_FRAME (14 + 40 + 8 + FLOOD_GARBAGE_MAX + 8)

struct flood_config {
	__u32 kind;
	__u32 seed;
	__be32 source, target; /* or: */
	__be32 source6[4], target6[4];
	__be16 port;
	__u8 source_mac[6], target_mac[6];
};

struct flood_counters {		    /* a CPU */
	__u64 sent, sent_bytes;	    /* bytes: whole frames */
	__u64 replies, reply_bytes; /* what came back from the target's port, to whomever */
};

#endif
