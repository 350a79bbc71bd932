/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/burst.h"

/* Requests checksum offload. Receive flags must be cleared: they mean something else on
 * transmit. */
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

/* Looks a session up and writes the answer over the request; returns the payload's length in
 * bytes. */
static uint32_t look_up(struct burst *burst, const struct table_view *view, struct pending_get *get,
	struct sessd_header *header)
{
	struct lcore *lcore = burst->lcore;
	struct table_burst_value value;
	uint32_t payload;
	uint16_t sum;

	if (get->slot == TABLE_NO_SLOT) {
		request_count_get(&lcore->reader.counters, TABLE_MISS);
		header->type = SESSD_ERR;
		get->sum += htons(SESSD_ERR - SESSD_GET);
		return SESSD_HEADER_SIZE;
	}
	value = table_burst_get(view, get->slot, header->key, burst->now, (uint8_t *)(header + 1));
	if (value.found) {
		request_count_get(&lcore->reader.counters, TABLE_HIT);
		header->type = SESSD_OK;
		get->sum += value.sum + htons(SESSD_OK - SESSD_GET);
		return SESSD_HEADER_SIZE + value.len;
	}
	payload = (uint32_t)request_get(lcore->table, get->key.hash, header, burst->now, header,
		&sum, &lcore->reader.counters);
	get->sum += sum + htons((uint16_t)(header->type - SESSD_GET));
	return payload;
}

/* The same for a TAKE, of whose success the writer hears. */
static uint32_t take(struct burst *burst, struct pending_get *get, struct sessd_header *header)
{
	struct lcore *lcore = burst->lcore;
	uint32_t payload;
	uint16_t sum;

	if (get->decision != TAKE_WON) {
		request_count_take(&lcore->reader.counters,
			get->decision == TAKE_LOST ? TABLE_LOST : TABLE_MISS);
		header->type = SESSD_ERR;
		get->sum += htons(SESSD_ERR - SESSD_TAKE);
		return SESSD_HEADER_SIZE;
	}
	payload = (uint32_t)request_take(lcore->table, get->key.hash, header, burst->now, header,
		&sum, &lcore->reader.counters);
	get->sum += sum + htons((uint16_t)(header->type - SESSD_TAKE));
	if (header->type == SESSD_OK)
		burst_taken(burst, header);
	return payload;
}

static void answer(struct burst *burst, const struct table_view *view, struct pending_get *get)
{
	struct frame *frame = &get->frame;
	struct sessd_header *header = (struct sessd_header *)(frame_udp(frame) + 1);
	const uint8_t *end = (uint8_t *)get->mbuf->buf_addr + get->mbuf->buf_len;
	uint32_t len;

	if (__builtin_expect(
		    (uint8_t *)(header + 1) + burst->lcore->value_max + TABLE_BURST_SLACK > end,
		    0)) {
		counter_add(&burst->lcore->counters.drop_no_room, 1);
		watch_lost(burst, frame);
		burst_drop(burst, get->mbuf);
		return;
	}
	if (get->take && get->decision == TAKE_WON && burst->taken_count >= burst->update_room) {
		counter_add(&burst->lcore->counters.drop_ring_full, 1);
		watch_lost(burst, frame);
		burst_drop(burst, get->mbuf);
		return;
	}
	len = get->take ? take(burst, get, header) : look_up(burst, view, get, header);
	if (__builtin_expect(burst->watched != 0, 0))
		watch_answer(burst, frame, get->take);
	reply_strip(frame);
	reply_make(frame, len, get->sum, &burst->port->offload);
	set_offload(burst->port, get->mbuf, frame);
	burst_send(burst, get->mbuf, frame);
}

void get_answer(struct burst *burst)
{
	const struct table_view view = table_view(burst->table);

	for (unsigned i = 0; i < burst->get_count; i++)
		burst->gets[i].slot = table_burst_find(&view, &burst->gets[i].key);
	for (unsigned i = 0; i < burst->get_count; i++)
		answer(burst, &view, &burst->gets[i]);
}
