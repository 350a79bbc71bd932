/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A burst on its way through the steps: receive, sort, look up, answer, send.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_BURST_H
#define SESSIOND_DATAPLANE_DPDK_BURST_H

#include "dataplane/dpdk/dpdk.h"
#include "dataplane/table/table_burst.h"

/* A GET or TAKE between being sorted and being answered. */
struct pending_get {
	struct rte_mbuf *mbuf;
	bool take;
	struct frame frame;
	struct table_burst_key key;
	uint64_t sum;  /* of pseudo header but for the length, ports and request header */
	uint32_t slot; /* where the session may be */
};

/* The same of a plain GET (fast_path.h); its buffer is where those to be sent are. */
struct fast_get {
	uint8_t *data;
	struct table_burst_key key;
	uint32_t slot;
};

struct burst {
	struct lcore *lcore;
	struct port *port;
	struct neighbour neighbour;
	const struct allow_ranges *allow;
	struct table *table;
	struct source_range recent;
	int fast_room; /* bytes that a plain GET's buffer must have for any reply */
	uint64_t now;  /* tick */
	unsigned fast_count, get_count, update_count, rest_count, send_count, drop_count;
	unsigned spent_count;
	unsigned take_count;  /* of the GETs that are not plain */
	unsigned update_room; /* for so many there is room on the way to the writer */
	struct fast_get fast[BURST];
	struct pending_get gets[BURST];
	/* Their buffers are among those spent or to drop; of what was taken, to send. */
	struct update_request updates[BURST];
	struct rte_mbuf *rest[BURST]; /* what is not plain */
	struct rte_mbuf *send[BURST]; /* those of plain GETs first */
	struct rte_mbuf *drop[BURST];
	struct rte_mbuf *spent[BURST]; /* of plain updates: the port's own, whole, nobody else's */
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

/* How far ahead of the frame being sorted the cache is told of the next: behind the buffers of a
 * burst there must be so many more pointers to any. */
#define FAST_AHEAD 4

/* fast_path.c: the way of plain requests, one for each set of instructions. */
struct fast_path {
	/* Collects GETs, with their buckets on the way into the cache, NEWs and REMOVEs; what else
	 * there is, is left in `rest`. */
	void (*sort)(struct burst *burst, struct rte_mbuf **mbufs, unsigned n);
	/* Answers the GETs. */
	void (*answer)(struct burst *burst);
};
extern const struct fast_path fast_base, fast_avx2;

/* fast_template.c: by the value's length, 0 being a miss. */
extern struct fast_reply fast_replies[SESSD_VALUE_LIMIT + 1];

/* limit.c: takes those over --rate-limit out of the plain requests that were sorted. There is one.
 */
void limit_plain(struct burst *burst);

/* general_path.c: finds out what each other frame is, and does what can be done at once: all but
 * GETs, which are collected with their buckets on the way into the cache. */
void sort_frames(struct burst *burst, struct rte_mbuf **mbufs, unsigned n);

/* general_path.c: hands the NEWs and REMOVEs that were collected to the writer, and what was taken.
 */
void sort_updates(struct burst *burst);

/* fast_template.c: whether a source may ask and can be answered; keeps the range that it is in. */
bool source_search(struct burst *burst, uint32_t source);

/* general_reply.c: answers the GETs that were collected. */
void get_answer(struct burst *burst);

#endif
