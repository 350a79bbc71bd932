/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Eviction against SIEVE as its authors give it (Zhang et al., NSDI 2024, algorithm 1), without a
 * bound on the hand's steps, and what the bound does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lifetime.h"
#include "random.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define SLOTS  2000
#define KEYS   170 /* more than are cached */
#define CACHED 128

static uint8_t marks[SLOTS];

/* A queue of objects, new ones at the head; NULL is no object. */
struct object {
	struct object *towards_head, *towards_tail;
	bool visited, cached;
};

struct reference {
	struct object objects[SLOTS];
	struct object *head, *tail, *hand;
};

static void reference_add(struct reference *ref, uint32_t slot)
{
	struct object *object = &ref->objects[slot];

	*object = (struct object){.towards_tail = ref->head, .cached = true};
	if (ref->head)
		ref->head->towards_head = object;
	ref->head = object;
	if (!ref->tail)
		ref->tail = object;
}

static void reference_remove(struct reference *ref, struct object *object)
{
	if (ref->hand == object)
		ref->hand = object->towards_head;
	if (object->towards_head)
		object->towards_head->towards_tail = object->towards_tail;
	else
		ref->head = object->towards_tail;
	if (object->towards_tail)
		object->towards_tail->towards_head = object->towards_head;
	else
		ref->tail = object->towards_head;
	object->cached = false;
}

static uint32_t reference_evict(struct reference *ref, unsigned *steps)
{
	struct object *object = ref->hand ? ref->hand : ref->tail;

	for (*steps = 0; object->visited; ++*steps) {
		object->visited = false;
		object = object->towards_head ? object->towards_head : ref->tail;
	}
	ref->hand = object;
	reference_remove(ref, object);
	return object - ref->objects;
}

/* So few sessions that the bound cannot show. Some are removed, many of them under the hand. */
static void same_as_reference(uint64_t seed)
{
	struct lifetime *lifetime = lifetime_create(SLOTS, marks, 0);
	struct reference *ref = calloc(1, sizeof(*ref));
	unsigned evicted = 0, most_steps = 0, under_hand = 0, count = 0;

	assert_non_null(lifetime);
	memset(marks, 0, sizeof(marks));
	for (unsigned i = 0; i < 300000; i++) {
		uint32_t slot = random_below(&seed, KEYS);
		struct object *object = &ref->objects[slot];
		unsigned what = random_below(&seed, 100), steps;

		if (what < 2 && ref->hand && ref->hand->cached) {
			object = ref->hand;
			slot = object - ref->objects;
			under_hand++;
		}
		if (!object->cached) {
			if (count == CACHED) {
				uint32_t victim = reference_evict(ref, &steps);

				assert_int_equal(lifetime_evict(lifetime), victim);
				assert_int_equal(marks[victim], 0);
				if (steps > most_steps)
					most_steps = steps;
				evicted++;
				count--;
			}
			reference_add(ref, slot);
			marks[slot] = 0;
			lifetime_add(lifetime, slot, 1 + random_below(&seed, 1000000));
			count++;
		} else if (what < 4) {
			reference_remove(ref, object);
			lifetime_remove(lifetime, slot);
			count--;
		} else if (what < 50) {
			object->visited = true;
			marks[slot] = 1;
		}
	}
	while (count) {
		unsigned steps;
		uint32_t victim = reference_evict(ref, &steps);

		assert_int_equal(lifetime_evict(lifetime), victim);
		count--;
	}
	assert_null(ref->head);
	assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
	print_message("%u evicted, %u steps at most, %u removed under the hand\n", evicted,
		most_steps, under_hand);
	assert_true(evicted > 10000 && under_hand > 100);
	assert_true(most_steps > 50);
	lifetime_destroy(lifetime);
	free(ref);
}

static void reference(void **state)
{
	uint64_t seeds[4];
	unsigned count = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		print_message("SESSIOND_TEST_SEED=%" PRIu64 "\n", seeds[i]);
		same_as_reference(seeds[i]);
	}
}

/* All are visited: the hand gives up after 128, takes the next, and goes on from there. */
static void bounded(void **state)
{
	struct lifetime *lifetime = lifetime_create(SLOTS, marks, 0);
	unsigned cleared = 0;

	(void)state;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		lifetime_add(lifetime, slot, 1000);
	memset(marks, 1, sizeof(marks));
	assert_int_equal(lifetime_evict(lifetime), 128);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		cleared += !marks[slot];
	assert_int_equal(cleared, 128);
	assert_int_equal(lifetime_evict(lifetime), 2 * 128 + 1);
	marks[300] = 0;
	assert_int_equal(lifetime_evict(lifetime), 300);
	lifetime_destroy(lifetime);
}

/* One session, always visited: it goes when it must. */
static void lonely(void **state)
{
	struct lifetime *lifetime = lifetime_create(1, marks, 0);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_add(lifetime, 0, 100);
		marks[0] = 1;
		assert_int_equal(lifetime_evict(lifetime), 0);
		lifetime_add(lifetime, 0, 100);
		lifetime_remove(lifetime, 0);
	}
	lifetime_destroy(lifetime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference),
		cmocka_unit_test(bounded),
		cmocka_unit_test(lonely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
