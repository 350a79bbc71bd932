/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bench/eviction.h"

#include <stdio.h>
#include <stdlib.h>

#include "control/sessions/lifetime.h"

const char *const policy_names[POLICIES] = {"sessiond", "LRU", "FIFO", "CLOCK",
	"CLOCK, TLS 1.3 unmarked", "SIEVE", "SIEVE, TLS 1.3 unmarked", "S3-FIFO", "earliest end"};

#define TICKS_A_SECOND (1e9 / (1 << SESSD_TICK_SHIFT))

struct slot {
	uint64_t id;
	uint64_t expires;
	uint32_t next, prev; /* circular lists, whose heads are slots `capacity` + list */
	uint32_t heap_at;    /* POLICY_EARLIEST */
	uint8_t list;
	bool tls13;
};

struct cache {
	enum policy policy;
	uint32_t capacity, count, free_count;
	uint64_t last_id;
	struct lifetime *lifetime;
	uint64_t *marks;
	struct slot *slots;
	uint32_t *free, *heap;
	uint32_t hand;	    /* SIEVE: the session to examine next */
	uint32_t listed[2]; /* sessions in each list; only S3-FIFO has a second */
};

static bool is_list(const struct cache *c)
{
	return c->policy != POLICY_OWN && c->policy != POLICY_EARLIEST;
}

static uint64_t tick(double seconds)
{
	return (uint64_t)(seconds * TICKS_A_SECOND);
}

struct cache *cache_create(enum policy policy, uint32_t capacity)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (c) {
		c->policy = policy;
		c->capacity = c->free_count = capacity;
		c->marks = calloc(MARKS_WORDS(capacity), sizeof(*c->marks));
		c->slots = calloc(capacity + 2ULL, sizeof(*c->slots));
		c->free = calloc(capacity, sizeof(*c->free));
		c->heap = calloc(capacity, sizeof(*c->heap));
	}
	if (c && c->marks && c->slots && c->free && c->heap)
		c->lifetime = lifetime_create(capacity, c->marks, 0);
	if (!c || !c->lifetime) {
		fprintf(stderr, "eviction: no memory\n");
		exit(1);
	}
	c->hand = capacity;
	for (uint32_t head = capacity; head < capacity + 2; head++)
		c->slots[head].next = c->slots[head].prev = head;
	for (uint32_t i = 0; i < capacity; i++)
		c->free[i] = capacity - 1 - i;
	return c;
}

void cache_destroy(struct cache *c)
{
	lifetime_destroy(c->lifetime);
	free(c->marks);
	free(c->slots);
	free(c->free);
	free(c->heap);
	free(c);
}

static void list_remove(struct cache *c, uint32_t slot)
{
	if (c->hand == slot)
		c->hand = c->slots[slot].next;
	c->slots[c->slots[slot].prev].next = c->slots[slot].next;
	c->slots[c->slots[slot].next].prev = c->slots[slot].prev;
	c->listed[c->slots[slot].list]--;
}

/* Adds it at the young end. */
static void list_add(struct cache *c, unsigned list, uint32_t slot)
{
	uint32_t head = c->capacity + list, youngest = c->slots[head].prev;

	c->slots[slot].prev = youngest;
	c->slots[slot].next = head;
	c->slots[youngest].next = slot;
	c->slots[head].prev = slot;
	c->slots[slot].list = list;
	c->listed[list]++;
}

static void heap_set(struct cache *c, uint32_t at, uint32_t slot)
{
	c->heap[at] = slot;
	c->slots[slot].heap_at = at;
}

static void heap_settle(struct cache *c, uint32_t at, uint32_t slot, uint32_t count)
{
	uint64_t expires = c->slots[slot].expires;
	uint32_t child;

	for (; at > 0 && c->slots[c->heap[(at - 1) / 2]].expires > expires; at = (at - 1) / 2)
		heap_set(c, at, c->heap[(at - 1) / 2]);
	for (; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count &&
			c->slots[c->heap[child + 1]].expires < c->slots[c->heap[child]].expires)
			child++;
		if (c->slots[c->heap[child]].expires >= expires)
			break;
		heap_set(c, at, c->heap[child]);
	}
	heap_set(c, at, slot);
}

/* Removes a session, already off the lifetimes, from the policy's order. */
static void forget(struct cache *c, uint32_t slot)
{
	uint32_t at = c->slots[slot].heap_at;

	c->count--;
	if (is_list(c))
		list_remove(c, slot);
	else if (c->policy == POLICY_EARLIEST && at != c->count)
		heap_settle(c, at, c->heap[c->count], c->count);
	c->slots[slot].id = 0;
	c->free[c->free_count++] = slot;
}

/* Whether a session was visited since the last call. */
static bool take_mark(struct cache *c, uint32_t slot)
{
	bool visited = mark_test(c->marks, slot);

	mark_clear(c->marks, slot);
	return visited;
}

static uint32_t sieve_victim(struct cache *c)
{
	for (;; c->hand = c->slots[c->hand].next) {
		if (c->hand == c->capacity)
			c->hand = c->slots[c->capacity].next;
		if (!take_mark(c, c->hand))
			return c->hand;
	}
}

/* The oldest unvisited session. Visited ones go back into the only list with CLOCK, into the second
 * list with S3-FIFO. */
static uint32_t second_chance_victim(struct cache *c)
{
	for (;;) {
		bool small = c->policy == POLICY_S3_FIFO;
		bool second = small && c->listed[1] > 0 && c->listed[0] <= c->capacity / 10;
		uint32_t slot = c->slots[c->capacity + second].next;

		if (!take_mark(c, slot))
			return slot;
		list_remove(c, slot);
		list_add(c, small, slot);
	}
}

static uint32_t victim(struct cache *c)
{
	switch (c->policy) {
	case POLICY_EARLIEST:
		return c->heap[0];
	case POLICY_LRU:
	case POLICY_FIFO:
		return c->slots[c->capacity].next;
	case POLICY_SIEVE:
	case POLICY_SIEVE_13:
		return sieve_victim(c);
	default:
		return second_chance_victim(c);
	}
}

static void evict(struct cache *c)
{
	uint32_t slot;

	if (c->policy == POLICY_OWN) {
		slot = lifetime_evict(c->lifetime);
	} else {
		slot = victim(c);
		lifetime_remove(c->lifetime, slot);
	}
	forget(c, slot);
}

static void expire(struct cache *c, double now)
{
	unsigned budget = 1 << 20;
	uint32_t slot;

	while ((slot = lifetime_expire(c->lifetime, tick(now), &budget)) != LIFETIME_NO_SLOT)
		forget(c, slot);
}

struct cache_session cache_new(struct cache *c, double now, unsigned timeout, bool tls13)
{
	uint32_t slot;

	expire(c, now);
	if (c->free_count == 0)
		evict(c);
	slot = c->free[--c->free_count];
	c->slots[slot].id = ++c->last_id;
	c->slots[slot].expires = tick(now + timeout);
	c->slots[slot].tls13 = tls13;
	mark_clear(c->marks, slot);
	lifetime_add(c->lifetime, slot, c->slots[slot].expires, tls13);
	if (is_list(c))
		list_add(c, 0, slot);
	else if (c->policy == POLICY_EARLIEST)
		heap_settle(c, c->count, slot, c->count);
	c->count++;
	return (struct cache_session){c->last_id, slot};
}

bool cache_get(struct cache *c, double now, struct cache_session session)
{
	const struct slot *slot = &c->slots[session.slot];

	if (session.id == 0 || slot->id != session.id || slot->expires <= tick(now))
		return false;
	if (!slot->tls13 || (c->policy != POLICY_CLOCK_13 && c->policy != POLICY_SIEVE_13))
		mark_set(c->marks, session.slot);
	if (c->policy == POLICY_LRU) {
		list_remove(c, session.slot);
		list_add(c, 0, session.slot);
	}
	return true;
}
