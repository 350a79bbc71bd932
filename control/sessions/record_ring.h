/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A queue of records between the writer and the farm's thread: bounded, one producer, one consumer,
 * no locks. Its memory is reserved when it is opened, locked and excluded from core dumps. A record
 * takes as many bytes as it has, so that the memory holds the most of them. A full queue refuses
 * more; the producer counts.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_RECORD_RING_H
#define SESSIOND_CONTROL_SESSIONS_RECORD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/farm/record.h"

/* Positions count bytes up and never wrap. */
struct record_ring {
	uint8_t *bytes __attribute__((aligned(64)));
	uint32_t size; /* bytes, a power of 2 */

	/* Written by the producer. */
	uint64_t tail __attribute__((aligned(64))); /* atomic: records before it are written */
	uint64_t seen_head;

	/* Written by the consumer. */
	uint64_t head __attribute__((aligned(64))); /* atomic: bytes before it are free again */
	uint64_t seen_tail;
};

/* `size`: bytes, a power of 2, at least 8192. 0, or -ENOMEM. */
int record_ring_open(struct record_ring *ring, uint32_t size);
/* Wipes the records and frees them. A zeroed struct is allowed. */
void record_ring_close(struct record_ring *ring);

/* Copies a record, unless fewer than `leave` bytes would stay free. [producer] */
bool record_ring_push(struct record_ring *ring, const struct farm_record *record, enum farm_age age,
	uint32_t leave);
/* Orders the pushes before what the producer reads next: whether the consumer sleeps. [producer] */
void record_ring_announce(struct record_ring *ring);
/* Bytes that are free at least. [producer] */
uint32_t record_ring_room(const struct record_ring *ring);

/* Position of the next record to be pushed. [any] */
uint64_t record_ring_tail(const struct record_ring *ring);

/* Whether every record before a position was passed on. [consumer] */
static inline bool record_ring_passed(const struct record_ring *ring, uint64_t at)
{
	return ring->head >= at;
}

/* Passes at most `max` records to `take`, wipes their values, and returns how many. The whole
 * seconds that a record waited are deducted from its seconds_left, down to 0. `at` is the record's
 * position: below record_ring_tail if it had been pushed by then. Ends if `take` returns false.
 * [consumer] */
unsigned record_ring_pull(struct record_ring *ring, unsigned max,
	bool (*take)(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at),
	void *ctx);

#endif
