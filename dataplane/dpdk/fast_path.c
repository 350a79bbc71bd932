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

__attribute__((noinline, cold)) static void count_takes(struct burst *burst)
{
	for (unsigned i = 0; i < burst->fast_count; i++) {
		burst->fast[i].take = burst->fast[i].data[FAST_REQUEST + 1] >> 1 & 1;
		burst->take_count += burst->fast[i].take;
	}
}

/* Collects GETs and TAKEs; leaves other frames in `rest`. `whole`: template.whole, known to the
 * compiler. */
FRAME_INLINE void sort_gets(struct burst *burst, struct rte_mbuf **mbufs, unsigned n, bool whole)
{
	const struct table_view view = table_view(burst->table);
	const struct fast_match match = fast_match(&burst->port->fast_get);
	struct fast_get *get = burst->fast;
	struct rte_mbuf **send = burst->send, **end = mbufs + n;
	uint8_t *ahead[FAST_AHEAD + 1]; /* the next frames */
	uint8_t types = 0;

	for (unsigned i = 0; i < FAST_AHEAD; i++) {
		ahead[i] = rte_pktmbuf_mtod(mbufs[i], uint8_t *);
		rte_prefetch0(ahead[i]);
	}
	for (; mbufs < end; mbufs++) {
		struct rte_mbuf *mbuf = *mbufs;
		uint8_t *data = ahead[0];

		ahead[FAST_AHEAD] = rte_pktmbuf_mtod(mbufs[FAST_AHEAD], uint8_t *);
		rte_prefetch0(ahead[FAST_AHEAD]);
		for (unsigned i = 0; i < FAST_AHEAD; i++)
			ahead[i] = ahead[i + 1];
		if (__builtin_expect(!fast_is_get(burst, &match, whole, mbuf, data), 0)) {
			burst->rest[burst->rest_count++] = mbuf;
			continue;
		}
		*send++ = mbuf;
		get->data = data;
		get->key = table_burst_start(&view, data + FAST_REQUEST + 4);
		get++;
		types |= data[FAST_REQUEST + 1];
	}
	burst->fast_count = burst->send_count = (unsigned)(get - burst->fast);
	if (__builtin_expect(types & SESSD_TAKE & ~SESSD_GET, 0))
		count_takes(burst);
}

/* Collects NEWs and REMOVEs of the frames in `rest`. */
static void sort_updates_of_rest(struct burst *burst)
{
	const struct fast_template *template = &burst->port->fast_update;
	unsigned n = burst->rest_count, kept = 0;

	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = burst->rest[i];
		uint8_t *data = rte_pktmbuf_mtod(mbuf, uint8_t *);

		if (!fast_is_update(burst, template, mbuf, data)) {
			burst->rest[kept++] = mbuf;
			continue;
		}
		burst->updates[burst->update_count++] = (struct update_request){
			.request = (const struct sessd_header *)(data + FAST_REQUEST),
			.source = data + FAST_SOURCE,
			.length = ntohs(load16(data + FAST_UDP + 4)) - 8U,
			.source_len = 4};
		burst->spent[burst->spent_count++] = mbuf;
	}
	burst->rest_count = kept;
}

static void sort(struct burst *burst, struct rte_mbuf **mbufs, unsigned n)
{
	if (burst->port->fast_get.whole)
		sort_gets(burst, mbufs, n, true);
	else
		sort_gets(burst, mbufs, n, false);
	if (burst->rest_count)
		sort_updates_of_rest(burst);
}

/* For what table_burst_get does not handle. */
__attribute__((noinline, cold)) static struct table_burst_value look_again(
	struct burst *burst, struct sessd_header *header, uint64_t hash)
{
	struct lcore *lcore = burst->lcore;
	uint16_t sum;
	uint32_t payload = (uint32_t)request_get(
		lcore->table, hash, header, burst->now, header, &sum, &lcore->reader.counters);

	return (struct table_burst_value){true, payload - SESSD_HEADER_SIZE, sum};
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
		uint16_t sum;

		value.len = (uint32_t)request_take(burst->lcore->table, get->key.hash, header,
				    burst->now, header, &sum, counters) -
			    SESSD_HEADER_SIZE;
		value.sum = sum;
	}
	if (header->type == SESSD_OK)
		burst_taken(burst, header);
	return value;
}

FRAME_INLINE void find(struct burst *burst, const struct table_view *view, unsigned i)
{
	uint32_t number = table_burst_find(view, &burst->fast[i].key);

	burst->fast[i].slot = number;
	burst->fast[i].at = table_burst_at(view, number);
}

/* `takes`: known to the compiler; whether there may be TAKEs. */
FRAME_INLINE void answer_all(struct burst *burst, bool takes)
{
	const struct table_view view = table_view(burst->table);
	const struct fast_reply *replies = fast_replies;
	unsigned n = burst->fast_count, others = 0, misses = 0, take_misses = 0;
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
			fast_reply(mbuf, data, &replies[0], 0, taking);
			continue;
		}
		if (taking) {
			others++;
			value = take(burst, &view, get, header);
		} else {
			value = table_burst_read(&view, get->at, get->slot, header->key, now,
				(uint8_t *)(header + 1), false);
			if (__builtin_expect(!value.found, 0)) {
				others++;
				value = look_again(burst, header, get->key.hash);
			}
		}
		fast_reply(mbuf, data, &replies[value.len], value.sum, taking);
	}
	counter_add(&burst->lcore->reader.counters.get_hits, n - misses - others);
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
