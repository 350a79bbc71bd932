/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Handles plain requests (fast_path.h) in three passes over a burst: the first classifies each
 * frame and prefetches its session's bucket; the second finds and prefetches the slots; the third
 * writes the replies. So a core has as many cache misses outstanding as it can. A pass that finds
 * slots a few GETs ahead of the reply is slower on cores that can have many (docs/cost-model.md).
 * Compiled once per struct fast_path, with its instructions; FAST_PATH is its name.
 */
#ifndef FAST_PATH
#define FAST_PATH fast_base
#endif

#include "dataplane/dpdk/fast_path.h"
#include "dataplane/dpdk/burst.h"

static void sort(struct burst *burst, struct rte_mbuf **mbufs, unsigned n)
{
	const struct table_view view = table_view(burst->table);
	const struct fast_template *get = &burst->port->fast_get;
	const struct fast_template *update = &burst->port->fast_update;
	unsigned gets = 0, takes = 0;

	for (unsigned i = 0; i < FAST_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void *));
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = mbufs[i];
		uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);

		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + FAST_AHEAD], void *));
		if (__builtin_expect(fast_is_get(burst, get, mbuf, data), 1)) {
			burst->send[gets] = mbuf;
			burst->fast[gets].data = data;
			burst->fast[gets].key = table_burst_start(&view, data + FAST_REQUEST + 4);
			burst->fast[gets].take = data[FAST_REQUEST + 1] >> 1 & 1;
			takes += burst->fast[gets].take;
			gets++;
		} else if (fast_is_update(burst, update, mbuf, data)) {
			burst->updates[burst->update_count++] = (struct update_request){
				.request = (const struct sessd_header *)(data + FAST_REQUEST),
				.source = data + FAST_SOURCE,
				.length = ntohs(load16(data + FAST_UDP + 4)) - 8U,
				.source_len = 4};
			burst->spent[burst->spent_count++] = mbuf;
		} else {
			burst->rest[burst->rest_count++] = mbuf;
		}
	}
	burst->fast_count = burst->send_count = gets;
	burst->take_count = takes;
}

/* For what table_burst_get does not handle. */
__attribute__((noinline, cold)) static struct table_burst_value look_again(
	struct burst *burst, struct sessd_header *header, uint64_t hash)
{
	struct lcore *lcore = burst->lcore;
	struct table_burst_value value = {.found = true};

	value.len = (uint16_t)(request_get(lcore->table, hash, header, burst->now, header,
				       &value.sum, &lcore->reader.counters) -
			       SESSD_HEADER_SIZE);
	return value;
}

/* Answers a TAKE whose session may be there. noinline, so that GETs stay short. */
__attribute__((noinline)) static struct table_burst_value take(struct burst *burst,
	const struct table_view *view, const struct fast_get *get, struct sessd_header *header)
{
	struct request_counters *counters = &burst->lcore->reader.counters;
	struct table_burst_value value =
		table_burst_take(view, get->slot, header->key, burst->now, (uint8_t *)(header + 1));

	if (__builtin_expect(value.found, 1)) {
		request_count_take(counters, TABLE_HIT);
		header->type = SESSD_OK;
	} else {
		value.len = (uint16_t)(request_take(burst->lcore->table, get->key.hash, header,
					       burst->now, header, &value.sum, counters) -
				       SESSD_HEADER_SIZE);
	}
	if (header->type == SESSD_OK)
		burst_taken(burst, header);
	return value;
}

FRAME_INLINE void find(struct burst *burst, const struct table_view *view, unsigned i)
{
	burst->fast[i].slot = table_burst_find(view, burst->fast[i].key);
}

/* `takes`: known to the compiler; whether there may be TAKEs. */
FRAME_INLINE void answer_all(struct burst *burst, bool takes)
{
	const struct table_view view = table_view(burst->table);
	const struct fast_reply *replies = fast_replies;
	unsigned n = burst->fast_count, hits = 0, misses = 0, take_misses = 0;
	uint64_t now = burst->now;

	for (unsigned i = 0; i < n; i++)
		find(burst, &view, i);
	for (unsigned i = 0; i < n; i++) {
		const struct fast_get *get = &burst->fast[i];
		struct rte_mbuf *mbuf = burst->send[i];
		uint8_t *data = get->data;
		struct sessd_header *header = (struct sessd_header *)(data + FAST_REQUEST);
		struct table_burst_value value = {0};
		bool taking = takes && get->take;

		if (get->slot == TABLE_NO_SLOT) {
			misses++;
			take_misses += taking;
			header->type = SESSD_ERR;
		} else if (taking) {
			value = take(burst, &view, get, header);
		} else {
			value = table_burst_get(
				&view, get->slot, header->key, now, (uint8_t *)(header + 1));
			if (__builtin_expect(value.found, 1)) {
				hits++;
				header->type = SESSD_OK;
			} else {
				value = look_again(burst, header, get->key.hash);
			}
		}
		fast_reply(data, &replies[value.len], value.sum, taking);
		mbuf->ol_flags = 0;
		mbuf->pkt_len = FAST_END + value.len;
		mbuf->data_len = (uint16_t)(FAST_END + value.len);
	}
	counter_add(&burst->lcore->reader.counters.get_hits, hits);
	counter_add(&burst->lcore->reader.counters.get_misses, misses - take_misses);
	if (takes)
		counter_add(&burst->lcore->reader.counters.take_misses, take_misses);
}

static void answer(struct burst *burst)
{
	if (burst->take_count)
		answer_all(burst, true);
	else
		answer_all(burst, false);
}

const struct fast_path FAST_PATH = {sort, answer};
