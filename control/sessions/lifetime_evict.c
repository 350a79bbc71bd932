/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The eviction: see lifetime.h for its rule.
 */
#include "control/sessions/lifetime_private.h"

#include <assert.h>
#include <string.h>

/* Bounds on the time of one eviction: slots searched for a used single-use session, and visited
 * sessions examined and kept. Larger bounds gain less than 1 % of hits, see
 * tests/bench/eviction.md. */
#define SPENT_SCAN  128
#define EXAMINE_MAX 16

/* Parts of the capacity: a queue as small as this loses no session while the other can, so that
 * both always have enough sessions to compare their visits. */
#define PROBATION_PART 16
#define PROVEN_PART    64

/* Links a chain of sessions, `first` to `last`, behind `older`. */
static void splice(struct link *links, uint32_t older, uint32_t first, uint32_t last)
{
	uint32_t younger = links[older].next;

	links[first].prev = older;
	links[older].next = first;
	links[last].next = younger;
	links[younger].prev = last;
}

/* Adds it at the young end. */
static void enqueue(struct lifetime *lifetime, enum queue queue, uint32_t slot)
{
	uint32_t head = lifetime->capacity + queue;

	splice(lifetime->links, lifetime->links[head].prev, slot, slot);
	lifetime->queued[queue]++;
}

/* Adds it at the old end. */
static void enqueue_oldest(struct lifetime *lifetime, enum queue queue, uint32_t slot)
{
	splice(lifetime->links, lifetime->capacity + queue, slot, slot);
	lifetime->queued[queue]++;
}

static enum queue queue_of(const struct lifetime *lifetime, uint32_t slot)
{
	return flag_is_set(lifetime, FLAG_PROVEN, slot) ? PROVEN : PROBATION;
}

static void dequeue(struct lifetime *lifetime, uint32_t slot)
{
	struct link *links = lifetime->links;

	links[links[slot].prev].next = links[slot].next;
	links[links[slot].next].prev = links[slot].prev;
	lifetime->queued[queue_of(lifetime, slot)]--;
}

void eviction_reset(struct lifetime *lifetime)
{
	uint32_t head = lifetime->capacity + PROBATION;

	assert(lifetime->queued[PROVEN] == 0);
	lifetime->links[head].next = lifetime->links[head].prev = head;
}

void eviction_append(struct lifetime *lifetime, uint32_t first, uint32_t last)
{
	uint32_t head = lifetime->capacity + PROBATION;

	splice(lifetime->links, lifetime->links[head].prev, first, last);
}

static void set_flags(struct lifetime *lifetime, uint32_t slot, bool once)
{
	flag_set(lifetime, FLAG_ONCE, slot, once);
	flag_set(lifetime, FLAG_PROVEN, slot, false);
	flag_set(lifetime, FLAG_TURN, slot, lifetime->turn);
	lifetime->once += once;
}

void eviction_add(struct lifetime *lifetime, uint32_t slot, bool once)
{
	set_flags(lifetime, slot, once);
	enqueue(lifetime, PROBATION, slot);
}

void eviction_add_oldest(struct lifetime *lifetime, uint32_t slot, bool once)
{
	set_flags(lifetime, slot, once);
	enqueue_oldest(lifetime, PROBATION, slot);
}

void eviction_remove(struct lifetime *lifetime, uint32_t slot)
{
	dequeue(lifetime, slot);
	lifetime->once -= flag_is_set(lifetime, FLAG_ONCE, slot);
	flag_set(lifetime, FLAG_ONCE, slot, false);
}

/* Finds a used single-use session. Each eviction searches the next SPENT_SCAN slots, round and
 * round. If the capacity is no multiple of 8, the last up to seven slots are left to their
 * queue. */
static uint32_t find_spent(struct lifetime *lifetime)
{
	uint32_t end = lifetime->capacity & ~7U;

	for (unsigned i = 0; lifetime->once && end && i < SPENT_SCAN / 8; i++) {
		uint32_t at = lifetime->scan;
		uint64_t once = lifetime->flags[at / 64].of[FLAG_ONCE];
		uint64_t marks = __atomic_load_n(&lifetime->marks[at / 64], __ATOMIC_RELAXED);
		uint8_t spent = (once & marks) >> at % 64;

		if (spent)
			return at + (uint32_t)__builtin_ctz(spent);
		lifetime->scan = at + 8 == end ? 0 : at + 8;
	}
	return LIFETIME_NO_SLOT;
}

/* The queue to take room from: the one with fewer visits per slot. */
static enum queue poorer(const struct lifetime *lifetime)
{
	const uint32_t *queued = lifetime->queued;
	const uint64_t *visits = lifetime->visits;

	if (queued[PROBATION] && queued[PROVEN] <= lifetime->capacity / PROVEN_PART)
		return PROBATION;
	if (queued[PROBATION] <= lifetime->capacity / PROBATION_PART)
		return PROVEN;
	return visits[PROBATION] * queued[PROVEN] < visits[PROVEN] * queued[PROBATION] ? PROBATION
										       : PROVEN;
}

static uint32_t examine(struct lifetime *lifetime)
{
	for (unsigned kept = 0;; kept++) {
		enum queue queue = poorer(lifetime);
		uint32_t slot = lifetime->links[lifetime->capacity + queue].next;

		if (!mark_test(lifetime->marks, slot))
			return slot;
		lifetime->visits[queue]++;
		if (flag_is_set(lifetime, FLAG_ONCE, slot) || kept == EXAMINE_MAX)
			return slot;
		mark_clear(lifetime->marks, slot);
		dequeue(lifetime, slot);
		flag_set(lifetime, FLAG_PROVEN, slot, true);
		enqueue(lifetime, PROVEN, slot);
	}
}

uint32_t lifetime_evict(struct lifetime *lifetime)
{
	uint32_t slot;

	if (!lifetime->count)
		return LIFETIME_NO_SLOT;
	if (++lifetime->evictions >= lifetime->capacity) {
		lifetime->evictions = 0;
		for (unsigned queue = 0; queue < QUEUES; queue++)
			lifetime->visits[queue] /= 2;
	}
	slot = find_spent(lifetime);
	if (slot != LIFETIME_NO_SLOT)
		lifetime->visits[PROBATION]++;
	else
		slot = examine(lifetime);
	lifetime_remove(lifetime, slot);
	return slot;
}
