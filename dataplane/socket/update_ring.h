/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A bounded queue of NEWs and REMOVEs from one reader thread to the writer: single producer, single
 * consumer, no locks, memory reserved at creation. A full queue refuses; the producer counts.
 */
#ifndef SESSIOND_DATAPLANE_SOCKET_UPDATE_RING_H
#define SESSIOND_DATAPLANE_SOCKET_UPDATE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/engine.h"

struct update_ring;

/* Room for `entries` (a power of two) updates with values of at most `value_max` bytes. NULL on
 * failure. */
struct update_ring *update_ring_create(uint32_t entries, uint16_t value_max);
void update_ring_destroy(struct update_ring *ring);

/* [producer] Queues a datagram that request_classify called NEW or REMOVE; `length` is its true
 * length. False if there is no room. */
bool update_ring_push(struct update_ring *ring, const void *datagram, size_t length);
/* [producer] Makes what was pushed visible to the consumer. */
void update_ring_publish(struct update_ring *ring);

/* [consumer] Hands at most `max` updates to `sink` and wipes them. Returns how many. */
unsigned update_ring_drain(struct update_ring *ring, const struct update_sink *sink, unsigned max);
/* [either] Whether all that was published has been taken. */
bool update_ring_empty(struct update_ring *ring);

#endif
