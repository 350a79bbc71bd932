/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dpdk/burst.h"

/* Tells the port what to fill in. Flags of reception mean nothing on the way out. */
FRAME_INLINE void set_offload(
	const struct port *port, struct rte_mbuf *mbuf, const struct frame *frame)
{
	uint64_t flags = mbuf->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);

	if (port->offload.udp) {
		flags |= RTE_MBUF_F_TX_UDP_CKSUM;
		flags |= frame->v6 ? RTE_MBUF_F_TX_IPV6
				   : RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM;
		mbuf->tx_offload = 0;
		mbuf->l2_len = frame->l3;
		mbuf->l3_len = (uint64_t)(frame->l4 - frame->l3) & 0x1ff;
	}
	mbuf->ol_flags = flags;
}

FRAME_INLINE void answer(struct burst *burst, struct pending_get *get)
{
	struct lcore *lcore = burst->lcore;
	struct frame *frame = &get->frame;
	struct sessd_header *header = (struct sessd_header *)(frame_udp(frame) + 1);
	const uint8_t *end = (uint8_t *)get->mbuf->buf_addr + get->mbuf->buf_len;
	uint16_t value_sum;
	size_t len;

	if (__builtin_expect((uint8_t *)(header + 1) + lcore->value_max > end, 0)) {
		counter_add(&lcore->counters.drop_no_room, 1);
		burst_drop(burst, get->mbuf);
		return;
	}
	len = request_get(
		lcore->table, get->hash, header, burst->now, header, &value_sum, &lcore->requests);
	get->sum += value_sum + htons((uint16_t)(header->type - SESSD_GET));
	reply_strip(frame);
	reply_make(frame, (uint32_t)len, get->pseudo, get->sum, &burst->port->offload);
	set_offload(burst->port, get->mbuf, frame);
	burst_send(burst, get->mbuf, frame);
}

void get_answer(struct burst *burst)
{
	for (unsigned i = 0; i < burst->get_count; i++)
		table_prefetch_slot(burst->lcore->table, burst->gets[i].hash);
	for (unsigned i = 0; i < burst->get_count; i++)
		answer(burst, &burst->gets[i]);
}
