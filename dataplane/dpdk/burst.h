/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A burst and its steps: receive, sort, look up, answer, send. Each struct burst belongs to one
 * lcore.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_BURST_H
#define SESSIOND_DATAPLANE_DPDK_BURST_H

#include "dataplane/dpdk/dpdk.h"
#include "dataplane/table/table_burst.h"

/* A GET or TAKE that was sorted and is not yet answered. */
struct pending_get {
	struct rte_mbuf *mbuf;
	bool take;
	uint8_t decision; /* enum take_decision; TAKE_WON also if nobody is asked */
	struct frame frame;
	struct table_burst_key key;
	/* Of the pseudo header without its length, the ports and the request header. */
	uint64_t sum;
	uint32_t slot; /* the session's probable slot */
};

/* Likewise for a plain one (fast_path.h); its buffer is in burst.send at the same index. */
struct fast_get {
	uint8_t *data;
	struct table_burst_key key;
	struct table_slot *at; /* the slot's place; valid if there is one */
	uint32_t slot;
	bool take; /* valid if the burst has TAKEs: see fast_is_take */
};

struct burst {
	struct lcore *lcore;
	struct port *port;
	struct neighbour neighbour;
	const struct allow_ranges *allow;
	struct table *table;
	struct source_range recent;
	uint64_t now; /* current tick */
	unsigned fast_count, get_count, update_count, rest_count, send_count, drop_count;
	unsigned spent_count;
	unsigned take_count; /* of the GETs so far, those that claim a session */
	const struct port_queue *queue;
	bool asked;	      /* TAKEs of this burst wait for the farm */
	unsigned update_room; /* updates that the ring to the writer has room for */
	unsigned taken_count;
	unsigned watched; /* one request in so many is counted by source; 0: nobody watches */
	struct fast_get fast[BURST];
	struct pending_get gets[BURST];
	struct update_request updates[BURST]; /* their buffers are in spent or drop */
	struct update_request taken[BURST];   /* replies to TAKEs; their buffers are in send */
	struct rte_mbuf *rest[BURST];	      /* frames for the general path */
	struct rte_mbuf *send[BURST];	      /* replies to plain GETs and TAKEs first */
	struct rte_mbuf *drop[BURST];
	struct rte_mbuf *spent[BURST]; /* of plain updates: one segment, the port's own, no other
					  references */
};

/* Remembers a session that was taken, to tell the writer. There must be room. */
FRAME_INLINE void burst_taken(struct burst *burst, const struct sessd_header *reply)
{
	burst->taken[burst->taken_count++] =
		(struct update_request){.request = reply, .length = SESSD_HEADER_SIZE};
}

/* Whether a plain request is a TAKE. */
FRAME_INLINE bool fast_is_take(const struct burst *burst, const struct fast_get *get)
{
	return burst->take_count && get->take;
}

/* Queues a frame for sending, with its new start and length. */
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

/* Frames that sorting prefetches ahead: an array of buffers must have so many more valid pointers
 * behind its end. */
#define FAST_AHEAD 2

/* A plain request begins at this offset in its buffer at most, all bits of which are ones, and the
 * buffer has so many bytes, which is enough for any reply. So a mask and one comparison tell
 * whether there is room. Ports' own buffers are as long, and ports leave RTE_PKTMBUF_HEADROOM
 * before the frame, 128 bytes; frames in other buffers take the general path. */
#define FAST_OFFSET_MAX 511
#define FAST_BUFFER	(FAST_OFFSET_MAX + FAST_END + SESSD_VALUE_LIMIT + TABLE_BURST_SLACK)

/* fast_path.c: handles plain requests; one per instruction set. */
struct fast_path {
	/* Collects NEWs, REMOVEs, and GETs and TAKEs, whose buckets it prefetches; leaves other
	 * frames in `rest`. */
	void (*sort)(struct burst *burst, struct rte_mbuf **mbufs, unsigned n);
	/* Answers the collected GETs and TAKEs. */
	void (*answer)(struct burst *burst);
};
extern const struct fast_path fast_base, fast_avx2;

/* fast_template.c: indexed by the value's length in bytes, 0 for a miss. */
extern struct fast_reply fast_replies[SESSD_VALUE_LIMIT + 1];

/* limit.c: removes sorted plain requests that exceed --rate-limit. Call only if there is a
 * limit. */
void limit_plain(struct burst *burst);

/* limit.c: removes sorted plain TAKEs for which the ring to the writer has no room. Call only if
 * there is a TAKE, and before sort_frames. */
void limit_takes(struct burst *burst);

/* burst_watch.c: count plain GETs and TAKEs that were answered; one that the general path answered,
 * whose frame still has its source; and NEWs and REMOVEs. Call only if `watched` is not 0. */
void watch_plain(struct burst *burst);
void watch_answer(struct burst *burst, const struct frame *frame, bool take);
void watch_updates(struct burst *burst);
/* burst_watch.c: count drops by source, if somebody watches: of a frame, of a plain TAKE that is
 * not answered, and of the NEWs and REMOVEs from place `from`, for which the writer's ring has no
 * room. */
void watch_lost(struct burst *burst, const struct frame *frame);
void watch_lost_take(struct burst *burst, const struct fast_get *get);
void watch_lost_updates(struct burst *burst, unsigned from);
/* burst_watch.c: counts a request that exceeds --rate-limit, if somebody watches. */
void watch_limited(struct burst *burst, const struct address *source, enum request_kind kind,
	const struct sessd_header *header);

/* general_path.c: parses each other frame and handles it, except GETs, which it collects and whose
 * buckets it prefetches. */
void sort_frames(struct burst *burst, struct rte_mbuf **mbufs, unsigned n);

/* general_path.c: collects a TAKE that waited. At most BURST of them in a burst. */
void collect_decided(
	struct burst *burst, const struct lcore_take *take, enum take_decision decision);

/* general_path.c: passes the collected NEWs and REMOVEs, and what was taken, to the writer. */
void sort_updates(struct burst *burst);

/* fast_template.c: whether a source, an IPv4 address in a frame, may ask and can be answered;
 * remembers its range. */
bool source_search(struct burst *burst, const uint8_t *at);

/* general_reply.c: answers the GETs that sort_frames collected. */
void get_answer(struct burst *burst);

#endif
