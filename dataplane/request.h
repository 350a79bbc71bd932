/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * From a datagram to what is to be done with it: the one place where user space reads the protocol.
 * Every mode's readers, and the XDP mode's slow path, go through it.
 */
#ifndef SESSIOND_DATAPLANE_REQUEST_H
#define SESSIOND_DATAPLANE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/counters.h>
#include <sessiond/protocol.h>

#include "common/address.h"
#include "dataplane/table/table.h"

/* A reader's own counters: written by one thread, read by any (relaxed atomics). */
struct request_counters {
#define X(name, ...) uint64_t name;
	SESSD_REQUEST_COUNTERS(X)
#undef X
} __attribute__((aligned(64)));

/* Adds to a counter that only this thread writes. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

enum request_kind {
	REQUEST_NEW,
	REQUEST_GET,
	REQUEST_REMOVE,
	REQUEST_TAKE,
	REQUEST_SHORT,	 /* fewer than 36 bytes */
	REQUEST_VERSION, /* not version 1 */
	REQUEST_TYPE,	 /* not a request */
	REQUEST_REFUSED, /* by a reader, not by request_classify: its source may not ask */
};

static inline bool request_is_dropped(enum request_kind kind)
{
	return kind >= REQUEST_SHORT;
}

static inline enum request_kind request_classify(const void *datagram, size_t len)
{
	const struct sessd_header *header = datagram;

	if (len < SESSD_HEADER_SIZE)
		return REQUEST_SHORT;
	if (header->version != SESSD_VERSION)
		return REQUEST_VERSION;
	switch (header->type) {
	case SESSD_NEW:
		return REQUEST_NEW;
	case SESSD_GET:
		return REQUEST_GET;
	case SESSD_REMOVE:
		return REQUEST_REMOVE;
	case SESSD_TAKE:
		return REQUEST_TAKE;
	default:
		return REQUEST_TYPE;
	}
}

/* Counts a datagram that is dropped: a GET, NEW, REMOVE or TAKE because it is over --rate-limit,
 * the others for what they are. */
void request_count_drop(struct request_counters *counters, enum request_kind kind);

/* Counts a GET that was looked up. */
static inline void request_count_get(struct request_counters *counters, enum table_result result)
{
	switch (result) {
	case TABLE_HIT:
		counter_add(&counters->get_hits, 1);
		break;
	case TABLE_MISS:
	case TABLE_LOST:
		counter_add(&counters->get_misses, 1);
		break;
	case TABLE_EXPIRED:
		counter_add(&counters->get_expired, 1);
		break;
	case TABLE_TORN:
		counter_add(&counters->get_torn, 1);
		break;
	}
}

/* Counts a TAKE that was looked up. */
static inline void request_count_take(struct request_counters *counters, enum table_result result)
{
	switch (result) {
	case TABLE_HIT:
		counter_add(&counters->take_hits, 1);
		break;
	case TABLE_MISS:
	case TABLE_EXPIRED:
		counter_add(&counters->take_misses, 1);
		break;
	case TABLE_TORN:
	case TABLE_LOST:
		counter_add(&counters->take_lost_race, 1);
		break;
	}
}

/* Adds `from` to `into`; for totals over readers. */
void request_counters_sum(struct request_counters *into, const struct request_counters *from);

/* Answers a GET from `table` into `reply` (room for SESSD_HEADER_SIZE + value_max bytes; it may be
 * the request itself) and counts the outcome. Returns the reply's length, 36 for a miss. `sum`, if
 * not NULL, gets the checksum of the value (0 for a miss), not complemented. [reader] */
size_t request_get(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters);
/* The same for a TAKE. After a reply OK the writer is to be told that the session's slot is to be
 * freed (update_ring.h). [reader] */
size_t request_take(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters);

#endif
