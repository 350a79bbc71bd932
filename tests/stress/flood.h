/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Shared by the flood's BPF program and user space.
 */
#ifndef TESTS_STRESS_FLOOD_H
#define TESTS_STRESS_FLOOD_H

#include <linux/types.h>

enum flood_kind {
	FLOOD_GARBAGE,	 /* from one source: random bytes of random length */
	FLOOD_STRANGERS, /* GETs from random sources in 198.18.0.0/15 */
	FLOOD_SPOOFED,	 /* GETs from random sources in 10.0.0.0/8 */
	FLOOD_UNKNOWN,	 /* GETs from one source, for unknown keys */
	FLOOD_NEW,	 /* NEWs from one source, for unknown keys */
	/* The same over IPv6. */
	FLOOD_STRANGERS6, /* random sources in 2001:db8::/32 */
	FLOOD_SPOOFED6,	  /* random sources in fd00::/8 */
	FLOOD_UNKNOWN6,	  /* random sources in the /64 of one source */
};

#define FLOOD_IS_IPV6(kind) ((kind) >= FLOOD_STRANGERS6)

#define FLOOD_VALUE	  144
#define FLOOD_GARBAGE_MAX 256

/* More than the longest frame: the generator trims each one. */
#define FLOOD_FRAME (14 + 40 + 8 + FLOOD_GARBAGE_MAX + 8)

struct flood_config {
	__u32 kind;
	__u32 seed;
	__be32 source, target; /* or: */
	__be32 source6[4], target6[4];
	__be16 port;
	__u8 source_mac[6], target_mac[6];
};

struct flood_counters {		    /* per CPU */
	__u64 sent, sent_bytes;	    /* bytes: whole frames */
	__u64 replies, reply_bytes; /* replies from the target's port, to any address */
};

#endif
