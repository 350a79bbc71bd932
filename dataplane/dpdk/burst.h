/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A burst on its way through the steps: receive, sort, look up, answer, send.
 */
#ifndef SESSIOND_DPDK_BURST_H
#define SESSIOND_DPDK_BURST_H

#include "dpdk/dpdk.h"

/* A GET between being sorted and being answered. */
struct pending_get {
	struct rte_mbuf *mbuf;
	struct frame frame;
	uint64_t hash;
	uint64_t sum;  /* of pseudo header but for the length, ports and request header */
	uint32_t slot; /* where the session may be */
	bool plain;    /* plain.h: of the frame, only data is set */
};

struct burst {
	struct lcore *lcore;
	struct port *port;
	struct manners manners;
	const struct allow_ranges *allow;
	struct table *table;
	struct source_range recent;
	int plain_room; /* bytes that a plain GET's buffer must have for any reply */
	uint64_t now;	/* tick */
	unsigned get_count, update_count, send_count, drop_count;
	unsigned update_room;  /* for so many there is room on the way to the writer */
	unsigned hits, misses; /* of the GETs */
	struct pending_get gets[BURST];
	struct update_request updates[BURST]; /* their buffers are among those to drop */
	struct rte_mbuf *send[BURST];
	struct rte_mbuf *drop[BURST];
};

/* Makes a frame's new extent its buffer's. */
FRAME_INLINE void burst_send(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame)
{
	mbuf->data_off = (uint16_t)(frame->data - (uint8_t *)mbuf->buf_addr);
	mbuf->data_len = (uint16_t)frame->len;
	mbuf->pkt_len = frame->len;
	burst->send[burst->send_count++] = mbuf;
}

FRAME_INLINE void burst_drop(struct burst *burst, struct rte_mbuf *mbuf)
{
	burst->drop[burst->drop_count++] = mbuf;
}

/* sort.c: finds out what each frame is, and does what can be done at once: all but GETs, which are
 * collected with their buckets on the way into the cache. */
void sort_frames(struct burst *burst, struct rte_mbuf **mbufs, unsigned n);

/* sort.c: hands the NEWs and REMOVEs that were collected to the writer. */
void sort_updates(struct burst *burst);

/* plain.c: whether a source may ask and can be answered; keeps the range that it is in. */
bool source_search(struct burst *burst, uint32_t source);

/* get.c: answers the GETs that were collected. */
void get_answer(struct burst *burst);

#endif
