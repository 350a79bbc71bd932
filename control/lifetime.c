/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Both orders of the sessions, by end and by age, are doubly linked lists of slot numbers, circular
 * through heads of their own: 16 bytes a session, on one cache line.
 *
 * Expiry. List L holds the sessions that end after tick (L - 1) * 1024 and not after L * 1024, and
 * is due at tick L * 1024: a session leaves at most 1.07 s after its end, and never before it. The
 * ring has places for 65,536 consecutive lists, from `next` on; sessions of lists before `next` are
 * all in one more list, the overdue ones, which are handed out first.
 */
#include "lifetime.h"

#include "table/memory.h"

#include <stdlib.h>

#define LIST_SHIFT 10
#define LISTS	   65536U
#define OVERDUE	   LISTS

/* Marks that the hand clears at most in one eviction: this bounds its time. */
#define HAND_STEPS 128

struct link {
	uint32_t next, prev;
};

struct node {
	struct link end; /* in a list of the ring; from `capacity` on, numbers mean its heads */
	struct link age; /* next is younger, prev is older; number `capacity` is the head */
};

_Static_assert(sizeof(struct node) == 16, "four sessions a cache line");
_Static_assert((uint64_t)LISTS << (LIST_SHIFT + SESSD_TICK_SHIFT) > 65536 * 1000000000ULL,
	"the ring is longer than the longest lifetime");

struct lifetime {
	struct node *nodes; /* capacity + 1 */
	struct link *heads; /* LISTS + 1 */
	uint8_t *marks;
	uint64_t next; /* the list to sweep next */
	uint32_t capacity;
	uint32_t count;
	uint32_t hand; /* the session to look at next; `capacity`: the oldest */
};

static size_t node_bytes(uint32_t capacity)
{
	return ((size_t)capacity + 1) * sizeof(struct node);
}

static size_t head_bytes(void)
{
	return (LISTS + 1) * sizeof(struct link);
}

size_t lifetime_reserved_bytes(uint32_t capacity)
{
	return sizeof(struct lifetime) + node_bytes(capacity) + head_bytes();
}

struct lifetime *lifetime_create(uint32_t capacity, uint8_t *marks, uint64_t now)
{
	struct lifetime *lifetime = calloc(1, sizeof(*lifetime));

	if (!lifetime)
		return NULL;
	lifetime->capacity = capacity;
	lifetime->marks = marks;
	lifetime->next = now >> LIST_SHIFT;
	lifetime->hand = capacity;
	lifetime->nodes = memory_reserve(node_bytes(capacity), false);
	lifetime->heads = memory_reserve(head_bytes(), false);
	if (!lifetime->nodes || !lifetime->heads) {
		lifetime_destroy(lifetime);
		return NULL;
	}
	for (uint32_t i = 0; i <= OVERDUE; i++)
		lifetime->heads[i].next = lifetime->heads[i].prev = capacity + i;
	lifetime->nodes[capacity].age.next = lifetime->nodes[capacity].age.prev = capacity;
	return lifetime;
}

void lifetime_destroy(struct lifetime *lifetime)
{
	if (!lifetime)
		return;
	memory_release(lifetime->nodes, node_bytes(lifetime->capacity));
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

/* Moves a whole list of the ring behind the overdue ones. */
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

/* Makes room for a list that is beyond the ring. That only happens after a pause so long that the
 * lists which stand in the way are overdue, because no lifetime is as long as the ring. At most
 * every list is moved, once for each pause of that kind. */
static void catch_up(struct lifetime *lifetime, uint64_t next)
{
	uint64_t lists = next - lifetime->next;

	if (lists > LISTS)
		lists = LISTS;
	for (uint64_t i = 0; i < lists && lifetime->count; i++)
		make_overdue(lifetime, lifetime->next + i);
	lifetime->next = next;
}

void lifetime_add(struct lifetime *lifetime, uint32_t slot, uint64_t expires)
{
	uint64_t list = (expires + (1U << LIST_SHIFT) - 1) >> LIST_SHIFT;
	struct node *nodes = lifetime->nodes, *node = &nodes[slot];
	uint32_t capacity = lifetime->capacity;
	struct link *head;

	if (list >= lifetime->next + LISTS)
		catch_up(lifetime, list - LISTS + 1);
	head = list < lifetime->next ? &lifetime->heads[OVERDUE] : list_head(lifetime, list);
	node->end.next = capacity + (head - lifetime->heads);
	node->end.prev = head->prev;
	end_link(lifetime, head->prev)->next = slot;
	head->prev = slot;

	node->age.next = capacity;
	node->age.prev = nodes[capacity].age.prev;
	nodes[node->age.prev].age.next = slot;
	nodes[capacity].age.prev = slot;
	lifetime->count++;
}

void lifetime_remove(struct lifetime *lifetime, uint32_t slot)
{
	struct node *nodes = lifetime->nodes, *node = &nodes[slot];

	if (lifetime->hand == slot)
		lifetime->hand = node->age.next;
	end_link(lifetime, node->end.prev)->next = node->end.next;
	end_link(lifetime, node->end.next)->prev = node->end.prev;
	nodes[node->age.prev].age.next = node->age.next;
	nodes[node->age.next].age.prev = node->age.prev;
	lifetime->count--;
}

uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget)
{
	uint64_t due = now >> LIST_SHIFT; /* the last list that is */

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
		/* With no session at all every list is empty, however far it is to the present. */
		lifetime->next = lifetime->count ? lifetime->next + 1 : due + 1;
	}
	return LIFETIME_NO_SLOT;
}

uint32_t lifetime_evict(struct lifetime *lifetime)
{
	struct node *nodes = lifetime->nodes;
	uint32_t capacity = lifetime->capacity;
	uint32_t slot = lifetime->hand;

	if (!lifetime->count)
		return LIFETIME_NO_SLOT;
	for (unsigned steps = 0;; steps++) {
		if (slot == capacity)
			slot = nodes[capacity].age.next;
		if (steps == HAND_STEPS ||
			!__atomic_load_n(&lifetime->marks[slot], __ATOMIC_RELAXED))
			break;
		__atomic_store_n(&lifetime->marks[slot], 0, __ATOMIC_RELAXED);
		slot = nodes[slot].age.next;
	}
	lifetime->hand = slot;
	lifetime_remove(lifetime, slot); /* and the hand moves on */
	return slot;
}
