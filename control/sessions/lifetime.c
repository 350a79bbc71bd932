/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Expiry. Nothing sorts the ends: they are in one array, and the slots are looked at round and
 * round. A round takes ROUND ticks, in SLICES slices, so that a session is removed at most 1.07 s
 * after its end, and never before. Four bytes per slot and round are read, in order.
 */
#include "control/sessions/lifetime_private.h"

#include "common/locked_memory.h"

#include <stdlib.h>
#include <string.h>

/* Slots that are compared without a branch: four cache lines. */
#define BLOCK 64U
/* Blocks that are looked at for one step of a budget, or ahead: 16 KiB of memory, some 1 us. */
#define STEP_BLOCKS 64U

/* A slice and a round together are 1024 ticks. */
#define SLICES	    16U
#define SLICE_TICKS 60U
#define ROUND	    (SLICES * SLICE_TICKS)

/* More ticks than the longest lifetime has. */
#define LONGEST (1ULL << 26)
/* Sessions from before a pause as long as this have all ended. */
#define PAUSE (4 * LONGEST)

_Static_assert(LONGEST << SESSD_TICK_SHIFT > 65536 * 1000000000ULL, "65,536 s");

/* Lists of lifetime_order, of 1024 ticks each; the first one has what is over. */
#define LIST_SHIFT 10
#define LISTS	   (2 + (unsigned)(LONGEST >> LIST_SHIFT))

static size_t link_bytes(uint32_t capacity)
{
	return ((size_t)capacity + QUEUES) * sizeof(struct link);
}

static size_t end_bytes(uint32_t capacity)
{
	return ((size_t)capacity + BLOCK - 1) / BLOCK * BLOCK * sizeof(uint32_t);
}

static size_t flag_bytes(uint32_t capacity)
{
	return MARKS_WORDS((size_t)capacity) * sizeof(struct flags);
}

static size_t head_bytes(void)
{
	return LISTS * sizeof(uint32_t);
}

size_t lifetime_reserved_bytes(uint32_t capacity)
{
	return sizeof(struct lifetime) + link_bytes(capacity) + end_bytes(capacity) +
	       flag_bytes(capacity) + head_bytes();
}

struct lifetime *lifetime_create(uint32_t capacity, uint64_t *marks, uint64_t now)
{
	struct lifetime *lifetime = calloc(1, sizeof(*lifetime));

	if (!lifetime)
		return NULL;
	lifetime->capacity = capacity;
	lifetime->marks = marks;
	lifetime->seen = lifetime->next = now;
	lifetime->links = memory_reserve(link_bytes(capacity), false);
	lifetime->ends = memory_reserve(end_bytes(capacity), false);
	lifetime->flags = memory_reserve(flag_bytes(capacity), false);
	lifetime->heads = memory_reserve(head_bytes(), false);
	if (!lifetime->links || !lifetime->ends || !lifetime->flags || !lifetime->heads) {
		lifetime_destroy(lifetime);
		return NULL;
	}
	for (uint32_t head = capacity; head < capacity + QUEUES; head++)
		lifetime->links[head].next = lifetime->links[head].prev = head;
	return lifetime;
}

void lifetime_destroy(struct lifetime *lifetime)
{
	if (!lifetime)
		return;
	memory_release(lifetime->links, link_bytes(lifetime->capacity));
	memory_release(lifetime->ends, end_bytes(lifetime->capacity));
	memory_release(lifetime->flags, flag_bytes(lifetime->capacity));
	memory_release(lifetime->heads, head_bytes());
	free(lifetime);
}

/* It is tick `now`, or later. No end is later than LONGEST after the tick that was seen last. So 32
 * bits tell a past end from a future one. A pause too long for that is cut short: what was stored
 * before it has ended. */
static void see(struct lifetime *lifetime, uint64_t now)
{
	if (now <= lifetime->seen)
		return;
	if (now - lifetime->seen > PAUSE)
		lifetime->skipped += now - lifetime->seen - LONGEST;
	lifetime->seen = now;
}

/* Without the pauses that were cut short. */
static uint32_t stored_tick(const struct lifetime *lifetime, uint64_t tick)
{
	return (uint32_t)(tick - lifetime->skipped);
}

uint64_t lifetime_end(const struct lifetime *lifetime, uint32_t slot)
{
	int32_t left = (int32_t)(lifetime->ends[slot] - stored_tick(lifetime, lifetime->seen));

	return lifetime->seen + (uint64_t)(int64_t)left;
}

static void add(struct lifetime *lifetime, uint32_t slot, uint64_t expires)
{
	uint32_t end;

	if (expires > LONGEST)
		see(lifetime, expires - LONGEST);
	end = stored_tick(lifetime, expires);
	/* A tick late, once in 52 days. */
	lifetime->ends[slot] = end == NO_END ? end + 1 : end;
	if (slot >= lifetime->used)
		lifetime->used = slot + 1;
	lifetime->count++;
}

void lifetime_add(struct lifetime *lifetime, uint32_t slot, uint64_t expires, bool once)
{
	add(lifetime, slot, expires);
	eviction_add(lifetime, slot, once);
}

void lifetime_add_oldest(struct lifetime *lifetime, uint32_t slot, uint64_t expires, bool once)
{
	add(lifetime, slot, expires);
	eviction_add_oldest(lifetime, slot, once);
}

void lifetime_prefetch(const struct lifetime *lifetime, uint32_t slot)
{
	__builtin_prefetch(&lifetime->links[slot], 1);
	__builtin_prefetch(&lifetime->ends[slot], 1);
	__builtin_prefetch(&lifetime->flags[slot / 64], 1);
}

/* Lists that are walked at a time: each step waits for memory, and these waits overlap. */
#define WALKS 16

struct walk {
	uint32_t at, first, last;
};

/* Appends the sessions of `count` lists, in their order, to the eviction order. */
static void order_lists(struct lifetime *lifetime, struct walk *walks, unsigned count)
{
	struct link *links = lifetime->links;
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < count; i++) {
			struct walk *walk = &walks[i];
			uint32_t slot = walk->at;

			if (slot == LIFETIME_NO_SLOT)
				continue;
			more = true;
			walk->at = links[slot].next;
			if (walk->at != LIFETIME_NO_SLOT)
				__builtin_prefetch(&links[walk->at], 1);
			links[slot].prev = walk->last;
			if (walk->last == LIFETIME_NO_SLOT)
				walk->first = slot;
			else
				links[walk->last].next = slot;
			walk->last = slot;
		}
	}
	for (unsigned i = 0; i < count; i++)
		eviction_append(lifetime, walks[i].first, walks[i].last);
}

/* The list of an end. */
static unsigned list_of(uint32_t end, uint32_t now)
{
	int32_t left = (int32_t)(end - now);
	unsigned list = left < 0 ? 0 : 1 + ((unsigned)left >> LIST_SHIFT);

	return list < LISTS ? list : LISTS - 1;
}

/* Chains the sessions of each list by the eviction's links, which are made anew. */
static void make_lists(struct lifetime *lifetime)
{
	uint32_t now = stored_tick(lifetime, lifetime->seen);

	memset(lifetime->heads, 0xff, head_bytes());
	for (uint32_t slot = lifetime->used; slot-- > 0;) {
		uint32_t end = lifetime->ends[slot], *head;

		if (end == NO_END)
			continue;
		head = &lifetime->heads[list_of(end, now)];
		lifetime->links[slot].next = *head;
		*head = slot;
	}
}

void lifetime_order(struct lifetime *lifetime)
{
	struct walk walks[WALKS];
	unsigned count = 0;

	if (lifetime->count == 0)
		return;
	eviction_reset(lifetime);
	make_lists(lifetime);
	for (unsigned i = 0; i < LISTS; i++) {
		if (lifetime->heads[i] != LIFETIME_NO_SLOT)
			walks[count++] = (struct walk){
				lifetime->heads[i], LIFETIME_NO_SLOT, LIFETIME_NO_SLOT};
		if (count == WALKS || i == LISTS - 1) {
			order_lists(lifetime, walks, count);
			count = 0;
		}
	}
	memory_clear(lifetime->heads, head_bytes());
}

void lifetime_turn(struct lifetime *lifetime)
{
	lifetime->turn = !lifetime->turn;
	lifetime->before_turn = lifetime->count;
}

bool lifetime_is_before_turn(const struct lifetime *lifetime, uint32_t slot)
{
	return flag_is_set(lifetime, FLAG_TURN, slot) != lifetime->turn;
}

uint32_t lifetime_before_turn(const struct lifetime *lifetime)
{
	return lifetime->before_turn;
}

void lifetime_remove(struct lifetime *lifetime, uint32_t slot)
{
	lifetime->ends[slot] = NO_END;
	lifetime->before_turn -= lifetime_is_before_turn(lifetime, slot);
	eviction_remove(lifetime, slot);
	lifetime->count--;
}

static bool is_due(uint32_t end, uint32_t now)
{
	return (end != NO_END) & ((int32_t)(now - end) >= 0);
}

/* Looks at blocks from `*at` on, at most `most` of them and below `end`. */
static uint32_t look(
	struct lifetime *lifetime, uint32_t *at, uint32_t end, unsigned most, uint32_t now)
{
	for (; most > 0 && *at < end; most--, ++*at) {
		const uint32_t *ends = &lifetime->ends[(size_t)*at * BLOCK];
		uint32_t due = 0, first = 0;

		for (unsigned i = 0; i < BLOCK; i++)
			due |= is_due(ends[i], now);
		if (!due)
			continue;
		while (!is_due(ends[first], now))
			first++;
		first += *at * BLOCK;
		lifetime_remove(lifetime, first);
		return first;
	}
	return LIFETIME_NO_SLOT;
}

static uint32_t blocks(const struct lifetime *lifetime)
{
	return (lifetime->used + BLOCK - 1) / BLOCK;
}

/* Begins the next slice if it is due. */
static bool begin_slice(struct lifetime *lifetime, uint64_t now)
{
	if (now < lifetime->next)
		return false;
	/* After a pause one round is enough. */
	if (now - lifetime->next > ROUND)
		lifetime->next = now - ROUND;
	lifetime->next += SLICE_TICKS;
	if (lifetime->slice == SLICES)
		lifetime->slice = lifetime->at = 0;
	lifetime->until = (uint32_t)((uint64_t)blocks(lifetime) * ++lifetime->slice / SLICES);
	if (!lifetime->finding)
		lifetime->ahead = lifetime->until;
	return true;
}

uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget)
{
	see(lifetime, now);
	if (!lifetime->count) {
		lifetime->used = lifetime->at = lifetime->until = 0;
		return LIFETIME_NO_SLOT;
	}
	while (*budget) {
		uint32_t slot;

		if (lifetime->at >= lifetime->until) {
			if (!begin_slice(lifetime, now))
				break;
			continue;
		}
		--*budget;
		slot = look(lifetime, &lifetime->at, lifetime->until, STEP_BLOCKS,
			stored_tick(lifetime, now));
		if (slot != LIFETIME_NO_SLOT) {
			lifetime->likely = true;
			return slot;
		}
	}
	return LIFETIME_NO_SLOT;
}

uint32_t lifetime_expire_ahead(struct lifetime *lifetime, uint64_t now)
{
	uint32_t slot;

	if (!lifetime->likely)
		return LIFETIME_NO_SLOT;
	if (lifetime->ahead >= blocks(lifetime))
		lifetime->ahead = 0;
	slot = look(lifetime, &lifetime->ahead, blocks(lifetime), STEP_BLOCKS,
		stored_tick(lifetime, now));
	if (slot == LIFETIME_NO_SLOT && lifetime->ahead == blocks(lifetime)) {
		lifetime->ahead = 0;
		slot = look(lifetime, &lifetime->ahead, blocks(lifetime), STEP_BLOCKS,
			stored_tick(lifetime, now));
	}
	lifetime->likely = lifetime->finding = slot != LIFETIME_NO_SLOT;
	return slot;
}
