/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Eviction against a reference, the bounds on its steps, and its purpose: requested sessions stay,
 * used single-use ones go first, and the queues share the capacity by the traffic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/lifetime.h"
#include "tests/unit/eviction_reference.h"
#include "tests/unit/random.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define SLOTS REFERENCE_MAX

static uint64_t marks[MARKS_WORDS(SLOTS)];

static struct lifetime *create(uint32_t capacity)
{
	struct lifetime *lifetime = lifetime_create(capacity, marks, 0);

	assert_non_null(lifetime);
	memset(marks, 0, sizeof(marks));
	return lifetime;
}

static void mark_range(uint32_t first, uint32_t count)
{
	for (uint32_t slot = first; slot < first + count; slot++)
		mark_set(marks, slot);
}

static void add(struct lifetime *lifetime, uint32_t slot, bool once)
{
	mark_clear(marks, slot);
	lifetime_add(lifetime, slot, 1000, once);
}

/* Events that must occur over all runs of a seed. */
struct seen {
	unsigned evicted, spent, kept, kept_proven, most_kept;
};

struct mix {
	uint32_t capacity;
	unsigned visits; /* of 100 operations */
	unsigned once;	 /* of 100 sessions */
};

static void same_as_reference(uint64_t seed, const struct mix *mix, struct seen *seen)
{
	struct lifetime *lifetime = create(mix->capacity);
	struct reference *ref = calloc(1, sizeof(*ref));
	uint32_t victim;

	assert_non_null(ref);
	ref->capacity = mix->capacity;
	for (unsigned i = 0; i < 60000; i++) {
		uint32_t slot = random_below(&seed, mix->capacity);
		unsigned what = random_below(&seed, 100);

		/* Some are requested more often than others. */
		if (random_below(&seed, 2))
			slot = random_below(&seed, slot + 1);
		if (what < mix->visits) {
			/* A late reader may mark a slot that is free again. */
			mark_set(marks, slot);
			ref->of[slot].visited = true;
		} else if (what < mix->visits + 2) {
			if (!ref->of[slot].held)
				continue;
			reference_remove(ref, slot);
			lifetime_remove(lifetime, slot);
		} else {
			bool once = random_below(&seed, 100) < mix->once;

			if (ref->count == mix->capacity) {
				slot = reference_evict(ref);
				assert_int_equal(lifetime_evict(lifetime), slot);
				seen->evicted++;
			}
			while (ref->of[slot].held)
				slot = (slot + 1) % mix->capacity;
			reference_add(ref, slot, once);
			add(lifetime, slot, once);
		}
	}
	while (ref->count) {
		victim = reference_evict(ref);
		assert_int_equal(lifetime_evict(lifetime), victim);
	}
	assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
	seen->spent += ref->spent;
	seen->kept += ref->kept;
	seen->kept_proven += ref->kept_proven;
	if (ref->most_kept > seen->most_kept)
		seen->most_kept = ref->most_kept;
	lifetime_destroy(lifetime);
	free(ref);
}

static void reference(void **state)
{
	static const struct mix mixes[] = {{1, 50, 50}, {2, 50, 0}, {7, 50, 50}, {8, 50, 50},
		{64, 30, 20}, {129, 90, 0}, {129, 60, 100}, {500, 80, 5}, {1001, 50, 0},
		{1024, 20, 50}, {2048, 75, 10}};
	uint64_t seeds[4];
	unsigned count = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		struct seen seen = {0};

		print_message("SESSIOND_TEST_SEED=%" PRIu64 "\n", seeds[i]);
		for (size_t m = 0; m < sizeof(mixes) / sizeof(*mixes); m++)
			same_as_reference(seeds[i] + m, &mixes[m], &seen);
		print_message("%u evicted, %u of them spent; %u kept, %u of them again; %u at most "
			      "in one eviction\n",
			seen.evicted, seen.spent, seen.kept, seen.kept_proven, seen.most_kept);
		assert_true(seen.evicted > 100000 && seen.spent > 10000);
		assert_true(seen.kept > 10000 && seen.kept_proven > 1000);
		assert_int_equal(seen.most_kept, 16);
	}
}

/* All are visited: after 16 it takes the next one, and continues from there. */
static void bounded(void **state)
{
	struct lifetime *lifetime = create(SLOTS);
	unsigned cleared = 0;

	(void)state;
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		add(lifetime, slot, false);
	memset(marks, 0xff, sizeof(marks));
	assert_int_equal(lifetime_evict(lifetime), 16);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		cleared += !mark_test(marks, slot);
	assert_int_equal(cleared, 16);
	assert_int_equal(lifetime_evict(lifetime), 33);
	/* Of 2048, 32 proven ones are too few to be examined. With one more they are examined; they
	 * were not visited again. */
	assert_int_equal(lifetime_evict(lifetime), 0);
	assert_int_equal(mark_test(marks, 34), 0);
	assert_int_equal(mark_test(marks, 35), 1);
	lifetime_destroy(lifetime);
}

/* Visited sessions outlive unvisited ones, and are evicted when they are not visited again. */
static void second_chance(void **state)
{
	enum {
		CAPACITY = 640,
		FEW = CAPACITY / 64
	};
	struct lifetime *lifetime = create(CAPACITY);
	bool gone[CAPACITY] = {false};
	uint32_t victim;

	(void)state;
	for (uint32_t slot = 0; slot < CAPACITY; slot++)
		add(lifetime, slot, false);
	mark_range(0, FEW);
	for (unsigned i = 0; i < 3 * CAPACITY; i++) {
		victim = lifetime_evict(lifetime);
		assert_in_range(victim, FEW, CAPACITY - 1);
		add(lifetime, victim, false);
	}
	/* With more of them, they need further visits to stay. One has them. */
	mark_range(CAPACITY / 2, FEW);
	for (unsigned i = 0; i < 3 * CAPACITY; i++) {
		mark_set(marks, 5);
		victim = lifetime_evict(lifetime);
		assert_int_not_equal(victim, 5);
		gone[victim] = true;
		add(lifetime, victim, false);
	}
	for (uint32_t slot = 0; slot < FEW; slot++)
		assert_int_equal(gone[slot], slot != 5);
	lifetime_destroy(lifetime);
}

/* Used single-use sessions go first, wherever they are; other visited sessions do not, nor do
 * unused single-use ones. */
static void spent_first(void **state)
{
	static const uint32_t marked[] = {40, 101, 77, 79, 7};
	struct lifetime *lifetime = create(800);

	(void)state;
	for (uint32_t slot = 0; slot < 800; slot++)
		add(lifetime, slot, slot % 2);
	for (unsigned i = 0; i < sizeof(marked) / sizeof(marked[0]); i++)
		mark_set(marks, marked[i]);
	assert_int_equal(lifetime_evict(lifetime), 7);
	assert_int_equal(lifetime_evict(lifetime), 77);
	assert_int_equal(lifetime_evict(lifetime), 79);
	assert_int_equal(lifetime_evict(lifetime), 101);
	/* None within the bound, then one: the search continues around. */
	mark_set(marks, 61);
	assert_int_equal(lifetime_evict(lifetime), 0);
	for (unsigned i = 1; i < 5; i++)
		assert_int_not_equal(lifetime_evict(lifetime), 61);
	assert_int_equal(lifetime_evict(lifetime), 61);
	/* A deleted session's mark has no effect on the next session in its slot. */
	mark_clear(marks, 9);
	lifetime_remove(lifetime, 9);
	mark_set(marks, 9);
	for (unsigned i = 0; i < 20; i++)
		assert_int_not_equal(lifetime_evict(lifetime), 9);
	lifetime_destroy(lifetime);
}

/* Sessions in constant use stay, however many unused ones arrive: the eviction learns this after a
 * while. */
static void scan_resistant(void **state)
{
	struct lifetime *lifetime = create(1000);
	uint32_t slot;

	(void)state;
	for (slot = 0; slot < 1000; slot++)
		add(lifetime, slot, false);
	for (unsigned i = 0; i < 100000; i++) {
		mark_range(0, 800);
		slot = lifetime_evict(lifetime);
		if (i > 5 * 1000)
			assert_in_range(slot, 800, 999);
		add(lifetime, slot, false);
	}
	lifetime_destroy(lifetime);
}

/* One session, always visited: it is evicted if necessary. */
static void lonely(void **state)
{
	struct lifetime *lifetime = create(1);

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		add(lifetime, 0, i % 2);
		mark_set(marks, 0);
		assert_int_equal(lifetime_evict(lifetime), 0);
		add(lifetime, 0, false);
		lifetime_remove(lifetime, 0);
	}
	lifetime_destroy(lifetime);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference),
		cmocka_unit_test(bounded),
		cmocka_unit_test(second_chance),
		cmocka_unit_test(spent_first),
		cmocka_unit_test(scan_resistant),
		cmocka_unit_test(lonely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
