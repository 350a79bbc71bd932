/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The queue of NEWs, REMOVEs and taken sessions from one reader to the writer: bounded, one
 * producer, one consumer, no locks. Its memory is reserved when it is opened, and its entries are
 * written and read in place. A full queue refuses more; the producer counts.
 *
 * Each side caches the other's index and rereads it only when the cached one is used up: between
 * two CPUs that share no cache, such a read costs as much as some ten packets.
 */
#ifndef SESSIOND_DATAPLANE_UPDATE_RING_H
#define SESSIOND_DATAPLANE_UPDATE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

#include "dataplane/engine.h"
#include "dataplane/table/table.h"

/* Each side's fields have a cache line of their own. Indices count up and wrap. */
struct update_ring {
	/* Constant. */
	uint8_t *entries __attribute__((aligned(64)));
	uint32_t depth;	 /* entries, a power of 2 */
	uint32_t stride; /* bytes of an entry; depends on value_max */
	uint16_t value_max;
	struct table_memory memory;

	/* Written by the producer. */
	uint32_t tail __attribute__((aligned(64))); /* atomic: entries before it are written */
	uint32_t seen_head;

	/* Written by the consumer. */
	uint32_t head __attribute__((aligned(64))); /* atomic: entries before it are free again */
	uint32_t seen_tail;
};

/* Bytes of a ring's entries. */
size_t update_ring_bytes(uint32_t depth, uint16_t value_max);

/* `depth`: entries, a power of 2. `value_max`: bytes. `memory`: where the entries come from; NULL:
 * anonymous memory, locked and excluded from core dumps. 0, or -ENOMEM. */
int update_ring_open(struct update_ring *ring, uint32_t depth, uint16_t value_max,
	const struct table_memory *memory);
/* Wipes the entries and frees them. A zeroed struct is allowed. */
void update_ring_close(struct update_ring *ring);

/* A datagram that request_classify calls NEW or REMOVE, or the reply OK to a TAKE. */
struct update_request {
	const struct sessd_header *request;
	const uint8_t *source; /* address of a NEW's sender */
	uint32_t length;    /* bytes, as sent; a value longer than value_max need not be present */
	uint8_t source_len; /* bytes of the address: 4, 16, or 0 if it is unknown */
};

/* Prefetches the consumer's index if, by the cached index, a burst may not fit. [producer] */
static inline void update_ring_look(const struct update_ring *ring, unsigned burst)
{
	if (ring->depth - (ring->tail - ring->seen_head) < burst)
		__builtin_prefetch(&ring->head);
}

/* Returns for how many of `n` requests there is room, and prefetches their entries from the
 * consumer's cache: do something else before the push. [producer] */
unsigned update_ring_reserve(struct update_ring *ring, unsigned n);

/* Copies `n` requests, at most as many as were reserved, and makes them visible to the consumer. Of
 * a value longer than value_max only the length is passed on. [producer] */
void update_ring_push(struct update_ring *ring, const struct update_request *requests, unsigned n);
/* update_ring_push, sequentially consistent like update_ring_empty: for a producer that then checks
 * whether the consumer sleeps. [producer] */
void update_ring_push_seq_cst(
	struct update_ring *ring, const struct update_request *requests, unsigned n);

/* Delivers at most `max` updates to `sink`, wipes their values, and returns how many. [consumer] */
unsigned update_ring_pull(struct update_ring *ring, const struct update_sink *sink, unsigned max);

/* Whether every pushed update was pulled. [either] */
bool update_ring_empty(const struct update_ring *ring);
/* Number of updates in the ring. [any] */
unsigned update_ring_waiting(const struct update_ring *ring);

#endif
