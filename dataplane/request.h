/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Classifies, counts and answers requests: the one place where user space reads the protocol, for
 * the readers of every mode and xdp mode's sockets.
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

/* Counters of one reader: written by its thread, read by any (relaxed atomics). */
struct request_counters {
#define X(name, ...) uint64_t name;
	SESSD_REQUEST_COUNTERS(X)
#undef X
} __attribute__((aligned(64)));

/* Adds to a counter that only the calling thread writes. */
static inline void counter_add(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

enum request_kind {
	REQUEST_NEW,
	REQUEST_GET,
	REQUEST_REMOVE,
	REQUEST_TAKE,
	REQUEST_SHORT,	 /* shorter than SESSD_HEADER_SIZE */
	REQUEST_VERSION, /* not version 1 */
	REQUEST_TYPE,	 /* not a request */
	REQUEST_REFUSED, /* set by readers, not by request_classify: its source may not ask */
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

/* Counts a dropped datagram: a GET, NEW, REMOVE or TAKE as over --rate-limit, the others by their
 * kind. */
void request_count_drop(struct request_counters *counters, enum request_kind kind);

/* Counts a GET by its result. */
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

/* Adds `from` to `into`, for totals over readers. Any thread. */
void request_counters_sum(struct request_counters *into, const struct request_counters *from);

/* Answers a GET from `table` into `reply` (SESSD_HEADER_SIZE + value_max bytes; may be the request
 * itself) and counts the result. `now`: tick. Returns the reply's length in bytes,
 * SESSD_HEADER_SIZE for a miss. `sum`, if not NULL, receives the value's Internet checksum, not
 * complemented (0 for a miss). [reader] */
size_t request_get(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters);
/* The same for a TAKE. After a reply OK the writer is to be told that the session's slot is to be
 * freed (update_ring.h). [reader] */
size_t request_take(struct table *table, uint64_t hash, const struct sessd_header *request,
	uint64_t now, void *reply, uint16_t *sum, struct request_counters *counters);

#endif
