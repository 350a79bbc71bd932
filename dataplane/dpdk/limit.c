/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit, and the room for TAKEs: passes over a burst's plain requests that are omitted
 * without a limit or TAKEs. All lcores share the buckets of --rate-limit, because RSS spreads one
 * source's ports over them.
 */
#include "dataplane/dpdk/burst.h"

/* `data`: the frame. */
static bool within(struct burst *burst, const uint8_t *data, enum request_kind kind)
{
	struct address source;

	address_from_ipv4(&source, data + FAST_SOURCE);
	if (reader_take_token(&burst->lcore->reader, kind, &source, burst->now))
		return true;
	watch_limited(burst, &source, kind, (const void *)(data + FAST_REQUEST));
	return false;
}

void limit_plain(struct burst *burst)
{
	unsigned gets = 0, updates = 0;

	for (unsigned i = 0; i < burst->fast_count; i++) {
		const struct fast_get *get = &burst->fast[i];
		struct rte_mbuf *mbuf = burst->send[i];

		if (within(burst, get->data,
			    fast_is_take(burst, get) ? REQUEST_TAKE : REQUEST_GET)) {
			burst->fast[gets] = *get;
			burst->send[gets++] = mbuf;
		} else {
			burst_drop(burst, mbuf);
		}
	}
	burst->fast_count = burst->send_count = gets;
	/* Their buffers are in burst->drop already. */
	for (unsigned i = 0; i < burst->update_count; i++) {
		const struct update_request *update = &burst->updates[i];
		const uint8_t *data = (const uint8_t *)update->request - FAST_REQUEST;

		if (within(burst, data,
			    update->request->type == SESSD_NEW ? REQUEST_NEW : REQUEST_REMOVE))
			burst->updates[updates++] = *update;
	}
	burst->update_count = updates;
}

void limit_takes(struct burst *burst)
{
	unsigned room = update_ring_reserve(&burst->lcore->updates, burst->take_count), kept = 0;

	if (room == burst->take_count)
		return;
	for (unsigned i = 0; i < burst->fast_count; i++) {
		if (burst->fast[i].take && !room) {
			counter_add(&burst->lcore->counters.drop_ring_full, 1);
			watch_lost_take(burst, &burst->fast[i]);
			burst_drop(burst, burst->send[i]);
			burst->take_count--;
			continue;
		}
		room -= burst->fast[i].take;
		burst->fast[kept] = burst->fast[i];
		burst->send[kept++] = burst->send[i];
	}
	burst->fast_count = burst->send_count = kept;
}
