/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/socket/update_ring.h"

#include "common/locked_memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* `length` is the datagram's: one that is over value_max is queued without its value, for the sink
 * to count. */
struct update {
	uint32_t length;
	struct sessd_header header;
	uint8_t value[];
};

struct update_ring {
	/* Each side's own line: its index, and the last it saw of the other's. */
	uint32_t tail __attribute__((aligned(64))); /* producer; atomic */
	uint32_t pushed;			    /* producer's, not yet published */
	uint32_t seen_head;
	uint32_t head __attribute__((aligned(64))); /* consumer; atomic */
	uint32_t mask __attribute__((aligned(64)));
	uint32_t stride;
	uint16_t value_max;
	uint8_t entries[] __attribute__((aligned(64)));
};

static struct update *entry(struct update_ring *ring, uint32_t index)
{
	return (struct update *)(void *)(ring->entries +
					 (size_t)(index & ring->mask) * ring->stride);
}

struct update_ring *update_ring_create(uint32_t entries, uint16_t value_max)
{
	uint32_t stride = (uint32_t)(sizeof(struct update) + value_max + 7U) / 8 * 8;
	size_t size = (sizeof(struct update_ring) + (size_t)entries * stride + 63) / 64 * 64;
	struct update_ring *ring = aligned_alloc(64, size);

	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->mask = entries - 1;
	ring->stride = stride;
	ring->value_max = value_max;
	memory_lock(ring, size);
	return ring;
}

void update_ring_destroy(struct update_ring *ring)
{
	if (!ring)
		return;
	explicit_bzero(ring->entries, (size_t)(ring->mask + 1) * ring->stride);
	free(ring);
}

bool update_ring_push(struct update_ring *ring, const void *datagram, size_t length)
{
	struct update *update;
	size_t kept;

	if (ring->pushed - ring->seen_head > ring->mask) {
		ring->seen_head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
		if (ring->pushed - ring->seen_head > ring->mask)
			return false;
	}
	update = entry(ring, ring->pushed);
	update->length = (uint32_t)length;
	kept = length - SESSD_HEADER_SIZE;
	memcpy(&update->header, datagram, SESSD_HEADER_SIZE);
	if (update->header.type == SESSD_NEW && kept <= ring->value_max)
		memcpy(update->value, (const uint8_t *)datagram + SESSD_HEADER_SIZE, kept);
	ring->pushed++;
	return true;
}

void update_ring_publish(struct update_ring *ring)
{
	/* Sequentially consistent, as is update_ring_empty: the engine pairs them with its flag
	 * that says whether the writer sleeps. */
	__atomic_store_n(&ring->tail, ring->pushed, __ATOMIC_SEQ_CST);
}

bool update_ring_empty(struct update_ring *ring)
{
	return __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) ==
	       __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
}

unsigned update_ring_drain(struct update_ring *ring, const struct update_sink *sink, unsigned max)
{
	uint32_t waiting = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) - ring->head;
	unsigned n = waiting < max ? waiting : max;

	for (unsigned i = 0; i < n; i++) {
		struct update *update = entry(ring, ring->head + i);
		size_t length = update->length - SESSD_HEADER_SIZE;

		if (update->header.type == SESSD_NEW) {
			sink->on_new(sink->ctx, update->header.key, ntohs(update->header.timeout),
				update->value, length);
			if (length <= ring->value_max)
				explicit_bzero(update->value, length);
		} else {
			sink->on_remove(sink->ctx, update->header.key);
		}
	}
	__atomic_store_n(&ring->head, ring->head + n, __ATOMIC_RELEASE);
	return n;
}
