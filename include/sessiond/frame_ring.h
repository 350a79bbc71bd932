/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The rings of a CPU each in which the XDP program hands NEWs and REMOVEs to the daemon: elements
 * of a mappable array, which belongs to this load of the program. The program writes, the daemon
 * reads; both run on any CPU. Integers are in host byte order.
 */
#ifndef SESSIOND_FRAME_RING_H
#define SESSIOND_FRAME_RING_H

#include <linux/types.h>

/* Longest frame that is handed over. A longer one has padding that no message needs. It fits into
 * a UMEM frame of AF_XDP behind its headroom, too. */
#define SESSD_FRAME_MAX 1600

/* Bytes before the frame in a record, and what records are aligned to: a line of the cache, which
 * two CPUs should not share. */
#define SESSD_FRAME_HEAD  16
#define SESSD_FRAME_ALIGN 64

#define SESSD_FRAME_RECORD(length) \
	(((length) + SESSD_FRAME_HEAD + SESSD_FRAME_ALIGN - 1) / SESSD_FRAME_ALIGN * \
		SESSD_FRAME_ALIGN)

/* The longest record. It may begin at the end of the ring, and continues behind it. */
#define SESSD_FRAME_RECORD_MAX SESSD_FRAME_RECORD(SESSD_FRAME_MAX)

/* `head` and `tail` count bytes of records since the program was loaded; the place of a record in
 * `bytes` is the count modulo the ring's size, a power of two. */
struct sessd_frame_ring {
	/* Written by the program. */
	__u64 head;
	__u64 full; /* messages dropped: no room */
	__u64 unused_head[6];
	/* Written by the daemon; the program clears `asleep` when it wakes the daemon. */
	__u64 tail;
	__u32 asleep; /* the daemon waits for `wakes` */
	__u32 unused_tail[13];
	__u8 bytes[]; /* ring's size + SESSD_FRAME_RECORD_MAX */
};

/* At the start of a record; the frame follows at SESSD_FRAME_HEAD. */
struct sessd_frame_record {
	__u32 length; /* of the frame: 1 to SESSD_FRAME_MAX */
};

#define SESSD_FRAME_RING_VALUE(size) \
	(sizeof(struct sessd_frame_ring) + (size) + SESSD_FRAME_RECORD_MAX)

#endif
