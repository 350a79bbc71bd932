/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Counts a burst's requests by source while somebody watches: passes over a burst that are omitted
 * otherwise. All lcores share the counts; one that finds them in use drops its sample.
 */
#include "dataplane/dpdk/burst.h"
#include "dataplane/packet/source.h"

#include <netinet/in.h>

/* Whether a request is the one in `one_in` that is sampled. */
static bool is_due(struct burst *burst)
{
	unsigned *skipped = &burst->lcore->reader.talkers_skipped;

	if (++*skipped < burst->watched)
		return false;
	*skipped = 0;
	return true;
}

static void add(struct burst *burst, const struct address *source, enum request_kind kind,
	const struct sessd_header *header, enum sessd_outcome outcome)
{
	talkers_sample(burst->lcore->reader.shared.talkers, source, kind, header->key, outcome,
		burst->watched);
}

static enum sessd_outcome outcome_of(const struct sessd_header *reply)
{
	return reply->type == SESSD_OK ? SESSD_OUTCOME_HIT : SESSD_OUTCOME_MISS;
}

void watch_plain(struct burst *burst)
{
	struct address source;

	for (unsigned i = 0; i < burst->fast_count; i++) {
		const struct fast_get *get = &burst->fast[i];
		const struct sessd_header *reply = (const void *)(get->data + FAST_REQUEST);

		if (!is_due(burst))
			continue;
		/* The reply goes to where the request came from. */
		address_from_ipv4(&source, get->data + FAST_SOURCE + sizeof(struct in_addr));
		add(burst, &source, get->take ? REQUEST_TAKE : REQUEST_GET, reply,
			outcome_of(reply));
	}
}

void watch_answer(struct burst *burst, const struct frame *frame, bool take)
{
	const struct sessd_header *reply = (const void *)(frame_udp(frame) + 1);
	struct address source;

	if (!is_due(burst))
		return;
	source_address(frame, &source);
	add(burst, &source, take ? REQUEST_TAKE : REQUEST_GET, reply, outcome_of(reply));
}

void watch_updates(struct burst *burst)
{
	struct address source;

	for (unsigned i = 0; i < burst->update_count; i++) {
		const struct update_request *update = &burst->updates[i];

		if (!is_due(burst))
			continue;
		if (update->source_len == sizeof(struct in_addr))
			address_from_ipv4(&source, update->source);
		else
			memcpy(source.bytes, update->source, sizeof(source.bytes));
		add(burst, &source,
			update->request->type == SESSD_NEW ? REQUEST_NEW : REQUEST_REMOVE,
			update->request, SESSD_OUTCOMES);
	}
}

void watch_limited(struct burst *burst, const struct address *source, enum request_kind kind,
	const struct sessd_header *header)
{
	if (burst->watched && is_due(burst))
		add(burst, source, kind, header, SESSD_OUTCOME_LIMITED);
}
