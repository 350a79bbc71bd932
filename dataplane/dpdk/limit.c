/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit. A separate pass over a burst's plain requests, omitted without a limit. All lcores
 * share the buckets, because RSS spreads one source's ports over them.
 */
#include "dataplane/dpdk/burst.h"

static bool within(struct burst *burst, const uint8_t source[4], enum request_kind kind)
{
	struct address address;

	address_from_ipv4(&address, source);
	return reader_take_token(&burst->lcore->reader, kind, &address, burst->now);
}

void limit_plain(struct burst *burst)
{
	unsigned gets = 0, updates = 0;

	for (unsigned i = 0; i < burst->fast_count; i++) {
		const struct fast_get *get = &burst->fast[i];
		struct rte_mbuf *mbuf = burst->send[i];

		if (within(burst, get->data + FAST_SOURCE, REQUEST_GET)) {
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

		if (within(burst, data + FAST_SOURCE,
			    update->request->type == SESSD_NEW ? REQUEST_NEW : REQUEST_REMOVE))
			burst->updates[updates++] = *update;
	}
	burst->update_count = updates;
}
