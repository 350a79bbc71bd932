/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Expiry. List L holds the sessions that end after tick (L - 1) * 1024 and not after L * 1024, and
 * is due at tick L * 1024: a session is removed at most 1.07 s after its end, and never before. The
 * ring has places for 65,536 consecutive lists, from `next` on; one more list, the overdue one,
 * holds the sessions of all earlier lists and is swept first.
 */
#include "control/sessions/lifetime_private.h"

#include "common/locked_memory.h"

#include <stdlib.h>

#define LIST_SHIFT 10
#define LISTS	   65536U
#define OVERDUE	   LISTS

_Static_assert((uint64_t)LISTS << (LIST_SHIFT + SESSD_TICK_SHIFT) > 65536 * 1000000000ULL,
	"the ring is longer than the longest lifetime");

static size_t node_bytes(uint32_t capacity)
{
	return ((size_t)capacity + QUEUES) * sizeof(struct node);
}

static size_t flag_bytes(uint32_t capacity)
{
	return MARKS_WORDS((size_t)capacity) * sizeof(struct flags);
}

static size_t head_bytes(void)
{
	return (LISTS + 1) * sizeof(struct link);
}

size_t lifetime_reserved_bytes(uint32_t capacity)
{
	return sizeof(struct lifetime) + node_bytes(capacity) + flag_bytes(capacity) + head_bytes();
}

struct lifetime *lifetime_create(uint32_t capacity, uint64_t *marks, uint64_t now)
{
	struct lifetime *lifetime = calloc(1, sizeof(*lifetime));

	if (!lifetime)
		return NULL;
	lifetime->capacity = capacity;
	lifetime->marks = marks;
	lifetime->next = now >> LIST_SHIFT;
	lifetime->nodes = memory_reserve(node_bytes(capacity), false);
	lifetime->flags = memory_reserve(flag_bytes(capacity), false);
	lifetime->heads = memory_reserve(head_bytes(), false);
	if (!lifetime->nodes || !lifetime->flags || !lifetime->heads) {
		lifetime_destroy(lifetime);
		return NULL;
	}
	for (uint32_t i = 0; i <= OVERDUE; i++)
		lifetime->heads[i].next = lifetime->heads[i].prev = capacity + i;
	for (uint32_t head = capacity; head < capacity + QUEUES; head++)
		lifetime->nodes[head].age.next = lifetime->nodes[head].age.prev = head;
	return lifetime;
}

void lifetime_destroy(struct lifetime *lifetime)
{
	if (!lifetime)
		return;
	memory_release(lifetime->nodes, node_bytes(lifetime->capacity));
	memory_release(lifetime->flags, flag_bytes(lifetime->capacity));
	memory_release(lifetime->heads, head_bytes());
	free(lifetime);
}

static struct link *end_link(struct lifetime *lifetime, uint32_t number)
{
	return number < lifetime->capacity ? &lifetime->nodes[number].end
					   : &lifetime->heads[number - lifetime->capacity];
}

static struct link *list_head(struct lifetime *lifetime, uint64_t list)
{
	return &lifetime->heads[list % LISTS];
}

/* Appends a whole list of the ring to the overdue list. */
static void make_overdue(struct lifetime *lifetime, uint64_t list)
{
	struct link *from = list_head(lifetime, list), *to = &lifetime->heads[OVERDUE];
	uint32_t empty = lifetime->capacity + list % LISTS;
	uint32_t first = from->next, last = from->prev;

	if (first == empty)
		return;
	end_link(lifetime, to->prev)->next = first;
	end_link(lifetime, first)->prev = to->prev;
	end_link(lifetime, last)->next = lifetime->capacity + OVERDUE;
	to->prev = last;
	from->next = from->prev = empty;
}

/* Makes room for a list beyond the ring. No lifetime is as long as the ring, so this happens only
 * after a pause so long that the lists in the way are overdue. It moves each list at most once per
 * such pause. */
static void catch_up(struct lifetime *lifetime, uint64_t next)
{
	uint64_t lists = next - lifetime->next;

	if (lists > LISTS)
		lists = LISTS;
	for (uint64_t i = 0; i < lists && lifetime->count; i++)
		make_overdue(lifetime, lifetime->next + i);
	lifetime->next = next;
}

/* Adds it to the list of its end. */
static void add(struct lifetime *lifetime, uint32_t slot, uint64_t expires)
{
	uint64_t list = (expires + (1U << LIST_SHIFT) - 1) >> LIST_SHIFT;
	struct node *node = &lifetime->nodes[slot];
	struct link *head;

	if (list >= lifetime->next + LISTS)
		catch_up(lifetime, list - LISTS + 1);
	head = list < lifetime->next ? &lifetime->heads[OVERDUE] : list_head(lifetime, list);
	node->end.next = lifetime->capacity + (head - lifetime->heads);
	node->end.prev = head->prev;
	end_link(lifetime, head->prev)->next = slot;
	head->prev = slot;
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
	__builtin_prefetch(&lifetime->nodes[slot], 1);
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
	struct node *nodes = lifetime->nodes;
	bool more = true;

	while (more) {
		more = false;
		for (unsigned i = 0; i < count; i++) {
			struct walk *walk = &walks[i];
			uint32_t slot = walk->at;

			if (slot >= lifetime->capacity)
				continue;
			more = true;
			walk->at = nodes[slot].end.next;
			if (walk->at < lifetime->capacity)
				__builtin_prefetch(&nodes[walk->at], 1);
			nodes[slot].age.prev = walk->last;
			if (walk->last == LIFETIME_NO_SLOT)
				walk->first = slot;
			else
				nodes[walk->last].age.next = slot;
			walk->last = slot;
		}
	}
	for (unsigned i = 0; i < count; i++)
		if (walks[i].last != LIFETIME_NO_SLOT)
			eviction_append(lifetime, walks[i].first, walks[i].last);
}

void lifetime_order(struct lifetime *lifetime)
{
	struct walk walks[WALKS];
	unsigned count = 0;

	eviction_reset(lifetime);
	for (uint32_t i = 0; i <= LISTS; i++) {
		const struct link *head =
			i ? list_head(lifetime, lifetime->next + i - 1) : &lifetime->heads[OVERDUE];

		if (head->next < lifetime->capacity)
			walks[count++] =
				(struct walk){head->next, LIFETIME_NO_SLOT, LIFETIME_NO_SLOT};
		if (count == WALKS || i == LISTS) {
			order_lists(lifetime, walks, count);
			count = 0;
		}
	}
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
	struct node *node = &lifetime->nodes[slot];

	end_link(lifetime, node->end.prev)->next = node->end.next;
	end_link(lifetime, node->end.next)->prev = node->end.prev;
	lifetime->before_turn -= lifetime_is_before_turn(lifetime, slot);
	eviction_remove(lifetime, slot);
	lifetime->count--;
}

uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget)
{
	uint64_t due = now >> LIST_SHIFT; /* the last list that is due */

	while (*budget) {
		uint32_t slot = lifetime->heads[OVERDUE].next;

		if (slot >= lifetime->capacity && lifetime->next <= due)
			slot = list_head(lifetime, lifetime->next)->next;
		if (slot < lifetime->capacity) {
			--*budget;
			lifetime_remove(lifetime, slot);
			return slot;
		}
		if (lifetime->next > due)
			break;
		--*budget;
		/* Without sessions every list is empty: skip to the present. */
		lifetime->next = lifetime->count ? lifetime->next + 1 : due + 1;
	}
	return LIFETIME_NO_SLOT;
}
