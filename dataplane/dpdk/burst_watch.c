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
	return talkers_due(burst->watched, &burst->lcore->reader.talkers_skipped);
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
		add(burst, &source, fast_is_take(burst, get) ? REQUEST_TAKE : REQUEST_GET, reply,
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

static void source_of_update(const struct update_request *update, struct address *source)
{
	if (update->source_len == sizeof(struct in_addr))
		address_from_ipv4(source, update->source);
	else
		memcpy(source->bytes, update->source, sizeof(source->bytes));
}

void watch_updates(struct burst *burst)
{
	struct address source;

	for (unsigned i = 0; i < burst->update_count; i++) {
		const struct update_request *update = &burst->updates[i];

		if (!is_due(burst))
			continue;
		source_of_update(update, &source);
		add(burst, &source,
			update->request->type == SESSD_NEW ? REQUEST_NEW : REQUEST_REMOVE,
			update->request, SESSD_OUTCOMES);
	}
}

void watch_limited(struct burst *burst, const struct address *source, enum request_kind kind,
	const struct sessd_header *header)
{
	if (burst->watched && is_due(burst))
		add(burst, source, kind, header, SESSD_OUTCOME_DROPPED);
}

void watch_lost(struct burst *burst, const struct frame *frame)
{
	struct address source;

	if (!burst->watched)
		return;
	source_address(frame, &source);
	reader_lost(&burst->lcore->reader, &source);
}

void watch_lost_take(struct burst *burst, const struct fast_get *get)
{
	struct address source;

	if (!burst->watched)
		return;
	address_from_ipv4(&source, get->data + FAST_SOURCE);
	reader_lost(&burst->lcore->reader, &source);
}

void watch_lost_updates(struct burst *burst, unsigned from)
{
	struct address source;

	for (unsigned i = from; i < burst->update_count; i++) {
		source_of_update(&burst->updates[i], &source);
		reader_lost(&burst->lcore->reader, &source);
	}
}
