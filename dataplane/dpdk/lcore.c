/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/burst.h"
#include "dataplane/dpdk/dpdk.h"

#include "common/clock.h"

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_pause.h>

/* Calls tx_prepare for a port with checksum offload. Plain replies come first and need no offload.
 * A frame that the port refuses is dropped, and no other. */
static void prepare(struct burst *burst, const struct port_queue *queue)
{
	unsigned at = burst->fast_count;

	for (;;) {
		at += rte_eth_tx_prepare(queue->port->id, queue->queue, burst->send + at,
			(uint16_t)(burst->send_count - at));
		if (at >= burst->send_count)
			return;
		counter_add(&burst->lcore->counters.drop_tx_refused, 1);
		burst_drop(burst, burst->send[at]);
		burst->send_count--;
		memmove(burst->send + at, burst->send + at + 1,
			(burst->send_count - at) * sizeof(burst->send[0]));
	}
}

static void send_all(struct burst *burst, const struct port_queue *queue)
{
	struct port *port = queue->port;
	unsigned n, sent;

	if (port->offload.udp && burst->send_count > burst->fast_count)
		prepare(burst, queue);
	n = burst->send_count;
	sent = rte_eth_tx_burst(port->id, queue->queue, burst->send, (uint16_t)n);
	counter_add(&burst->lcore->counters.tx_packets, sent);
	/* A client waits for 1 ms only: drop rather than wait for the ring. */
	if (sent < n) {
		counter_add(&burst->lcore->counters.drop_tx_full, n - sent);
		rte_pktmbuf_free_bulk(burst->send + sent, n - sent);
	}
}

FRAME_INLINE void begin(struct burst *burst, struct lcore *lcore, const struct port_queue *queue)
{
	burst->lcore = lcore;
	burst->port = queue->port;
	burst->queue = queue;
	burst->neighbour.local = &lcore->engine->local;
	memcpy(burst->neighbour.mac, queue->port->mac, FRAME_MAC);
	burst->neighbour.ports = &lcore->engine->neighbour_ports;
	burst->table = lcore->table;
	burst->recent = lcore->recent;
	burst->allow = lcore->allow;
	burst->now = clock_tick();
	burst->fast_count = burst->get_count = burst->update_count = burst->rest_count = 0;
	burst->send_count = burst->drop_count = burst->spent_count = 0;
	burst->take_count = burst->update_room = burst->taken_count = 0;
	burst->asked = false;
	burst->watched = talkers_one_in(lcore->reader.shared.talkers);
}

/* Answers what waited, in a burst of its own. */
static void answer_decided(struct burst *burst)
{
	struct lcore *lcore = burst->lcore;

	if (burst->take_count)
		burst->update_room = update_ring_reserve(&lcore->updates, burst->take_count);
	get_answer(burst);
	if (burst->taken_count)
		sort_updates(burst);
	if (burst->send_count)
		send_all(burst, burst->queue);
	if (burst->drop_count)
		rte_pktmbuf_free_bulk(burst->drop, burst->drop_count);
}

unsigned lcore_decided(struct lcore *lcore)
{
	struct take_answer answer;
	struct burst burst;
	unsigned n = 0;

	for (; n < BURST && take_queue_hear(lcore->takes, &answer); n++) {
		const struct lcore_take *take = &lcore->waiting[answer.place];

		if (n > 0 && burst.queue != take->queue)
			answer_decided(&burst);
		if (n == 0 || burst.queue != take->queue)
			begin(&burst, lcore, take->queue);
		collect_decided(&burst, take, answer.decision);
		lcore->waiting_count--;
	}
	if (n > 0)
		answer_decided(&burst);
	return n;
}

unsigned lcore_burst(struct lcore *lcore, const struct port_queue *queue)
{
	struct rte_mbuf *received[BURST + FAST_AHEAD];
	struct burst burst;
	unsigned n;

	update_ring_look(&lcore->updates, BURST);
	n = rte_eth_rx_burst(queue->port->id, queue->queue, received, BURST);
	if (n == 0)
		return 0;
	begin(&burst, lcore, queue);
	counter_add(&lcore->counters.rx_packets, n);

	for (unsigned i = 0; i < FAST_AHEAD; i++)
		received[n + i] = received[0];
	lcore->fast->sort(&burst, received, n);
	if (__builtin_expect(reader_limit(&lcore->reader) != NULL, 0))
		limit_plain(&burst);
	if (burst.take_count)
		limit_takes(&burst);
	counter_add(&lcore->counters.plain_gets, burst.fast_count);
	counter_add(&lcore->counters.plain_updates, burst.update_count);
	if (burst.rest_count)
		sort_frames(&burst, burst.rest, burst.rest_count);
	if (burst.update_count + burst.take_count)
		burst.update_room =
			update_ring_reserve(&lcore->updates, burst.update_count + burst.take_count);
	if (burst.fast_count)
		lcore->fast->answer(&burst);
	if (__builtin_expect(burst.watched != 0, 0))
		watch_plain(&burst);
	if (burst.get_count)
		get_answer(&burst);
	if (burst.update_count + burst.taken_count)
		sort_updates(&burst);
	if (burst.send_count)
		send_all(&burst, queue);
	lcore->recent = burst.recent;
	/* Plain buffers need none of the checks that rte_pktmbuf_free_bulk makes. */
	if (burst.spent_count)
		rte_mempool_put_bulk(
			queue->port->pool, (void *const *)burst.spent, burst.spent_count);
	if (burst.drop_count)
		rte_pktmbuf_free_bulk(burst.drop, burst.drop_count);
	if (__builtin_expect(burst.asked, 0))
		take_queue_send(lcore->takes);
	return n;
}

/* Switches to a new allow list. lcore->allow then tells the main thread that the old one is
 * unused. */
static void take_allow(struct lcore *lcore)
{
	const struct allow_ranges *allow = __atomic_load_n(&lcore->engine->allow, __ATOMIC_ACQUIRE);

	if (allow == lcore->allow)
		return;
	lcore->recent.size = 0;
	__atomic_store_n(&lcore->allow, allow, __ATOMIC_RELEASE);
}

static struct lcore *this_lcore(struct engine *engine)
{
	for (unsigned i = 0; i < engine->lcore_count; i++) {
		if (engine->lcores[i].id == rte_lcore_id())
			return &engine->lcores[i];
	}
	return NULL;
}

int lcore_run(void *arg)
{
	struct engine *engine = arg;
	struct lcore *lcore = this_lcore(engine);

	if (!lcore)
		return 0;
	if (engine->config.on_thread)
		engine->config.on_thread();
	while (!__atomic_load_n(&engine->stop, __ATOMIC_RELAXED)) {
		unsigned n = 0;

		take_allow(lcore);
		if (lcore->takes)
			n += lcore_decided(lcore);
		for (unsigned i = 0; i < lcore->queue_count; i++) {
			struct port_queue *queue = &lcore->queues[i];

			n += lcore_burst(lcore, queue);
			if (queue->queue == 0 &&
				__atomic_load_n(&queue->port->announce, __ATOMIC_RELAXED))
				announce(lcore, queue);
		}
		counter_add(&lcore->polls, 1);
		if (n == 0) {
			counter_add(&lcore->empty_polls, 1);
			rte_pause();
		}
	}
	return 0;
}
