/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/record_ring.h"

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/locked_memory.h"

struct entry {
	uint32_t size; /* bytes of the entry, a multiple of ALIGN */
	uint8_t type;  /* PADDING: nothing up to the end of the memory */
	uint8_t age;   /* enum farm_age */
	uint16_t value_len;
	uint32_t seconds_left;
	uint32_t pushed; /* the clock's tick, of which 32 bits suffice */
	uint8_t key[SESSD_KEY_SIZE];
	uint8_t value[];
};

#define ALIGN	16U
#define PADDING 0

_Static_assert(sizeof(struct entry) % ALIGN == 0, "values are aligned");

int record_ring_open(struct record_ring *ring, uint32_t size)
{
	memset(ring, 0, sizeof(*ring));
	ring->bytes = memory_reserve(size, true);
	if (!ring->bytes)
		return -ENOMEM;
	ring->size = size;
	memory_lock(ring->bytes, size);
	/* If it could not be locked, take its pages now and not when records arrive. */
	memset(ring->bytes, 0, size);
	return 0;
}

void record_ring_close(struct record_ring *ring)
{
	if (!ring->bytes)
		return;
	explicit_bzero(ring->bytes, ring->size);
	memory_release(ring->bytes, ring->size);
	ring->bytes = NULL;
}

static struct entry *entry_at(const struct record_ring *ring, uint64_t position)
{
	return (struct entry *)(void *)(ring->bytes + (position & (ring->size - 1)));
}

uint32_t record_ring_room(const struct record_ring *ring)
{
	return ring->size - (uint32_t)(ring->tail - __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE));
}

bool record_ring_push(struct record_ring *ring, const struct farm_record *record, enum farm_age age,
	uint32_t leave)
{
	uint32_t size =
		(uint32_t)(sizeof(struct entry) + record->value_len + ALIGN - 1) / ALIGN * ALIGN;
	uint64_t tail = ring->tail;
	uint32_t to_end = ring->size - (uint32_t)(tail & (ring->size - 1));
	uint32_t needed = size <= to_end ? size : to_end + size;
	struct entry *entry;

	if (ring->size - (tail - ring->seen_head) < (uint64_t)needed + leave) {
		ring->seen_head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
		if (ring->size - (tail - ring->seen_head) < (uint64_t)needed + leave)
			return false;
	}
	if (size > to_end) {
		entry = entry_at(ring, tail);
		entry->size = to_end;
		entry->type = PADDING;
		tail += to_end;
	}
	entry = entry_at(ring, tail);
	entry->size = size;
	entry->type = record->type;
	entry->age = (uint8_t)age;
	entry->value_len = record->value_len;
	entry->seconds_left = record->seconds_left;
	entry->pushed = (uint32_t)clock_tick();
	memcpy(entry->key, record->key, SESSD_KEY_SIZE);
	if (record->value_len > 0)
		memcpy(entry->value, record->value, record->value_len);
	__atomic_store_n(&ring->tail, tail + size, __ATOMIC_RELEASE);
	return true;
}

void record_ring_announce(struct record_ring *ring)
{
	__atomic_store_n(&ring->tail, ring->tail, __ATOMIC_SEQ_CST);
}

uint64_t record_ring_tail(const struct record_ring *ring)
{
	return __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST);
}

/* A session's life goes on while it waits here, which is long if no engine answers. */
static uint32_t left(const struct entry *entry, uint32_t now)
{
	/* Another CPU may have a later tick. */
	int32_t ticks = (int32_t)(now - entry->pushed);
	uint32_t waited = ticks > 0 ? (uint32_t)ticks / (uint32_t)clock_ticks(1) : 0;

	return entry->seconds_left > waited ? entry->seconds_left - waited : 0;
}

unsigned record_ring_pull(struct record_ring *ring, unsigned max,
	bool (*take)(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at),
	void *ctx)
{
	uint32_t now = (uint32_t)clock_tick();
	uint64_t head = ring->head;
	unsigned n = 0;
	bool more = true;

	while (more && n < max) {
		struct farm_record record;
		struct entry *entry;

		if (head == ring->seen_tail) {
			ring->seen_tail = __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST);
			if (head == ring->seen_tail)
				break;
		}
		entry = entry_at(ring, head);
		if (entry->type != PADDING) {
			record.type = entry->type;
			memcpy(record.key, entry->key, SESSD_KEY_SIZE);
			record.value_len = entry->value_len;
			record.value = entry->value;
			record.seconds_left = left(entry, now);
			more = take(ctx, &record, (enum farm_age)entry->age, head);
			explicit_bzero(entry->value, entry->value_len);
			n++;
		}
		head += entry->size;
	}
	if (head != ring->head)
		__atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
	return n;
}
