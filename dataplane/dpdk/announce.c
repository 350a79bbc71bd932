/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/dpdk.h"

static void send_frame(
	struct lcore *lcore, const struct port_queue *queue, const uint8_t *frame, uint32_t len)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(queue->port->pool);
	char *to = mbuf ? rte_pktmbuf_append(mbuf, (uint16_t)len) : NULL;

	if (to)
		memcpy(to, frame, len);
	if (to && rte_eth_tx_burst(queue->port->id, queue->queue, &mbuf, 1) == 1) {
		counter_add(&lcore->counters.tx_packets, 1);
		counter_add(&lcore->counters.announcements, 1);
		return;
	}
	counter_add(&lcore->counters.drop_tx_full, 1);
	rte_pktmbuf_free(mbuf);
}

void announce(struct lcore *lcore, const struct port_queue *queue)
{
	const struct local_endpoints *local = &lcore->engine->local;
	struct neighbour neighbour = {.local = local};
	uint8_t frame[NEIGHBOUR_FRAME_MAX];

	__atomic_store_n(&queue->port->announce, 0, __ATOMIC_RELAXED);
	memcpy(neighbour.mac, queue->port->mac, FRAME_MAC);
	for (unsigned i = 0; i < local->ip4_count; i++)
		send_frame(
			lcore, queue, frame, arp_announce(&neighbour, local->ip4[i].addr, frame));
	for (unsigned i = 0; i < local->ip6_count; i++)
		send_frame(
			lcore, queue, frame, ndp_announce(&neighbour, local->ip6[i].addr, frame));
}
