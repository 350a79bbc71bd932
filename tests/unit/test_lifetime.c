/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The expiry ring: no session ends early or late, and no call takes long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/lifetime.h"
#include "tests/unit/random.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define LIST  1024ULL	     /* ticks of a list */
#define RING  (65536 * LIST) /* ticks of the ring */
#define AGES  (1ULL << 37)   /* ticks of more than four years */
#define SLOTS 65536U

static uint64_t marks[MARKS_WORDS(SLOTS)];

static uint64_t seconds_to_ticks(uint64_t seconds)
{
	return (seconds * 1000000000 + (1 << SESSD_TICK_SHIFT) - 1) >> SESSD_TICK_SHIFT;
}

static struct lifetime *create(uint32_t capacity, uint64_t now)
{
	struct lifetime *lifetime = lifetime_create(capacity, marks, now);

	assert_non_null(lifetime);
	memset(marks, 0, sizeof(marks));
	return lifetime;
}

static uint32_t expire(struct lifetime *lifetime, uint64_t now)
{
	unsigned budget = 1000000;
	uint32_t slot = lifetime_expire(lifetime, now, &budget);

	assert_true(budget > 0);
	return slot;
}

/* Every timeout of the protocol, from several start times; swept twice per list. */
static void every_timeout(void **state)
{
	static const uint64_t starts[] = {0, 1, 1023, 1024, 65535 * LIST + 1, RING + 77, AGES + 5};
	static uint64_t ends[SLOTS];

	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(*starts); s++) {
		uint64_t now = starts[s], last = now + seconds_to_ticks(65535);
		struct lifetime *lifetime = create(SLOTS, now);
		uint32_t gone = 0, slot;

		for (uint32_t seconds = 1; seconds <= 65535; seconds++) {
			ends[seconds] = now + seconds_to_ticks(seconds);
			lifetime_add(lifetime, seconds, ends[seconds], false);
		}
		for (; now < last + 2 * LIST; now += LIST / 2) {
			while ((slot = expire(lifetime, now)) != LIFETIME_NO_SLOT) {
				assert_true(ends[slot] <= now);
				assert_true(ends[slot] + LIST + LIST / 2 > now);
				gone++;
			}
		}
		assert_int_equal(gone, 65535);
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_destroy(lifetime);
	}
}

/* To the tick: one that ends at a list's edge is due there, one a tick later is not. */
static void edges(void **state)
{
	struct lifetime *lifetime = create(10, 5 * LIST);

	(void)state;
	lifetime_add(lifetime, 0, 7 * LIST, false);
	lifetime_add(lifetime, 1, 7 * LIST + 1, false);
	assert_int_equal(expire(lifetime, 7 * LIST - 1), LIFETIME_NO_SLOT);
	assert_int_equal(expire(lifetime, 7 * LIST), 0);
	assert_int_equal(expire(lifetime, 8 * LIST - 1), LIFETIME_NO_SLOT);
	assert_int_equal(expire(lifetime, 8 * LIST), 1);
	assert_int_equal(expire(lifetime, 8 * LIST), LIFETIME_NO_SLOT);
	/* Already over: at once. */
	lifetime_add(lifetime, 2, 3 * LIST, false);
	lifetime_add(lifetime, 3, 8 * LIST, false);
	assert_int_equal(expire(lifetime, 8 * LIST), 2);
	assert_int_equal(expire(lifetime, 8 * LIST), 3);
	/* Time that goes backwards does no harm. */
	lifetime_add(lifetime, 4, 9 * LIST, false);
	assert_int_equal(expire(lifetime, 2 * LIST), LIFETIME_NO_SLOT);
	assert_int_equal(expire(lifetime, 9 * LIST), 4);
	lifetime_destroy(lifetime);
}

/* The daemon was paused. Then it sweeps, or stores first and sweeps afterwards; in between it
 * deletes. All ended sessions are removed, and no others. */
static void pauses(void **state)
{
	static const uint64_t lengths[] = {0, 1, LIST, 4000 * LIST, 4499 * LIST, 4600 * LIST,
		20000 * LIST, 60000 * LIST, RING - LIST, RING - 1, RING, RING + 1, RING + LIST,
		2 * RING - 1, 2 * RING + 12345, AGES};
	enum {
		OLD = 2000,
		NEW = 1000
	};
	static uint64_t ends[SLOTS];
	uint64_t seeds[4], random;

	(void)state;
	random_seeds(seeds);
	random = seeds[0];
	for (unsigned i = 0; i < 2 * sizeof(lengths) / sizeof(*lengths); i++) {
		uint64_t now = random_next(&random) >> 28, after = now + lengths[i / 2];
		struct lifetime *lifetime = create(SLOTS, now);
		bool sweep_first = i % 2, present[SLOTS] = {false};
		uint32_t slot, left = 0;

		for (slot = 0; slot < OLD; slot++) {
			ends[slot] = now + 1 + random_next(&random) % seconds_to_ticks(65535);
			lifetime_add(lifetime, slot, ends[slot], false);
			present[slot] = true;
		}
		for (unsigned turn = 0; turn < 3; turn++) {
			while ((turn != 0 || sweep_first) &&
				(slot = expire(lifetime, after)) != LIFETIME_NO_SLOT) {
				assert_true(present[slot] && ends[slot] <= after);
				present[slot] = false;
			}
			for (slot = OLD + turn * NEW; slot < OLD + (turn + 1) * NEW; slot++) {
				ends[slot] =
					after + 1 + random_next(&random) % seconds_to_ticks(65535);
				lifetime_add(lifetime, slot, ends[slot], false);
				present[slot] = true;
			}
			for (slot = turn; slot < OLD + turn * NEW; slot += 5) {
				if (present[slot])
					lifetime_remove(lifetime, slot);
				present[slot] = false;
			}
		}
		while ((slot = expire(lifetime, after)) != LIFETIME_NO_SLOT) {
			assert_true(present[slot] && ends[slot] <= after);
			present[slot] = false;
		}
		for (slot = 0; slot < SLOTS; slot++) {
			if (!present[slot])
				continue;
			assert_true(ends[slot] + LIST > after);
			left++;
		}
		/* The remaining ones end at their times. */
		for (; left; after += 10 * LIST) {
			while ((slot = expire(lifetime, after)) != LIFETIME_NO_SLOT) {
				assert_true(present[slot] && ends[slot] <= after);
				assert_true(ends[slot] + 11 * LIST >= after);
				present[slot] = false;
				left--;
			}
		}
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_destroy(lifetime);
	}
}

/* A sweep with any budget takes the same number of steps in total: one per list and one per
 * session. */
static void budgets(void **state)
{
	static const unsigned budgets_of[] = {1, 2, 3, 7, 100};
	enum {
		SESSIONS = 3000,
		LISTS_SWEPT = 60000
	};

	(void)state;
	for (size_t b = 0; b < sizeof(budgets_of) / sizeof(*budgets_of); b++) {
		struct lifetime *lifetime = create(SLOTS, 0);
		unsigned steps = 0, calls = 0, gone = 0, budget;

		for (uint32_t slot = 0; slot < SESSIONS; slot++)
			lifetime_add(lifetime, slot, 1 + slot * 20 * LIST, false);
		lifetime_add(lifetime, SESSIONS, (LISTS_SWEPT + 102) * LIST, false);
		budget = 0;
		assert_int_equal(
			lifetime_expire(lifetime, LISTS_SWEPT * LIST, &budget), LIFETIME_NO_SLOT);
		do {
			uint32_t slot;

			budget = budgets_of[b];
			slot = lifetime_expire(lifetime, LISTS_SWEPT * LIST, &budget);
			steps += budgets_of[b] - budget;
			gone += slot != LIFETIME_NO_SLOT;
			calls++;
			assert_true(calls <= SESSIONS + LISTS_SWEPT + 2);
			if (slot == LIFETIME_NO_SLOT && budget)
				break;
		} while (1);
		assert_int_equal(gone, SESSIONS);
		assert_int_equal(steps, SESSIONS + LISTS_SWEPT + 1);
		/* The remaining session keeps the ring in use for at most its whole length. */
		budget = 100;
		assert_int_equal(lifetime_expire(lifetime, AGES, &budget), LIFETIME_NO_SLOT);
		assert_int_equal(budget, 0);
		budget = 2;
		assert_int_equal(lifetime_expire(lifetime, AGES, &budget), SESSIONS);
		/* Without sessions, any distance is one step. */
		budget = 2;
		assert_int_equal(lifetime_expire(lifetime, AGES, &budget), LIFETIME_NO_SLOT);
		assert_int_equal(budget, 1);
		lifetime_destroy(lifetime);
	}
}

static void reserved(void **state)
{
	(void)state;
	/* 16 bytes and three bits per session, plus the ring. */
	assert_in_range(lifetime_reserved_bytes(1), 16, 600000);
	assert_int_equal(lifetime_reserved_bytes(1000001) - lifetime_reserved_bytes(1), 16375000);
	lifetime_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_timeout),
		cmocka_unit_test(edges),
		cmocka_unit_test(pauses),
		cmocka_unit_test(budgets),
		cmocka_unit_test(reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
