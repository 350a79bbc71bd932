/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The expiry: no session ends early or late, and no call takes long.
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

#define LATE	1024ULL	       /* ticks by which a session is removed late, at most */
#define LONGEST (65536 * LATE) /* more ticks than the longest lifetime has */
#define AGES	(1ULL << 37)   /* ticks of more than four years */
#define SLOTS	65536U

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

/* Timeouts of the protocol, also the longest, from several start times; swept every half second. */
static void timeouts(void **state)
{
	static const uint64_t starts[] = {
		0, 1, 1023, 1024, 65535 * LATE + 1, LONGEST + 77, AGES + 5};
	enum {
		COUNT = 65535 / 51 + 1
	};
	static uint64_t ends[COUNT];

	(void)state;
	for (size_t s = 0; s < sizeof(starts) / sizeof(*starts); s++) {
		uint64_t now = starts[s], last = now + seconds_to_ticks(65535);
		struct lifetime *lifetime = create(COUNT, now);
		uint32_t gone = 0, slot;

		for (slot = 0; slot < COUNT; slot++) {
			ends[slot] = now + seconds_to_ticks(slot ? slot * 51 : 1);
			lifetime_add(lifetime, slot, ends[slot], false);
		}
		for (; now < last + 2 * LATE; now += LATE / 2) {
			while ((slot = expire(lifetime, now)) != LIFETIME_NO_SLOT) {
				assert_true(ends[slot] <= now);
				assert_true(ends[slot] + LATE + LATE / 2 > now);
				gone++;
			}
		}
		assert_int_equal(gone, COUNT);
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_destroy(lifetime);
	}
}

/* The first tick from `now` on at which a sweep removes a session. */
static uint64_t when(struct lifetime *lifetime, uint64_t now, uint32_t slot)
{
	for (uint64_t end = now + 2 * LATE; now < end; now++) {
		uint32_t found = expire(lifetime, now);

		if (found == LIFETIME_NO_SLOT)
			continue;
		assert_int_equal(found, slot);
		return now;
	}
	fail_msg("slot %" PRIu32 " stays", slot);
	return 0;
}

/* To the tick: none goes before its end, wherever that is in a round. */
static void edges(void **state)
{
	uint64_t now = 5 * LATE;
	struct lifetime *lifetime = create(10, now);
	unsigned at_once = 0;

	(void)state;
	for (uint64_t i = 0; i < LATE; i++) {
		uint64_t end = now + 3 * LATE + i, gone;

		lifetime_add(lifetime, i % 10, end, false);
		assert_int_equal(lifetime_end(lifetime, i % 10), end);
		for (; now < end; now += 61)
			assert_int_equal(expire(lifetime, now), LIFETIME_NO_SLOT);
		assert_int_equal(expire(lifetime, end - 1), LIFETIME_NO_SLOT);
		gone = when(lifetime, end, i % 10);
		at_once += gone == end;
		assert_in_range(gone, end, end + LATE);
		now = gone;
	}
	assert_in_range(at_once, 1, LATE);
	/* Already over: as soon as it is looked at. */
	lifetime_add(lifetime, 2, 3 * LATE, false);
	assert_in_range(when(lifetime, now, 2), now, now + LATE);
	/* Time that goes backwards does no harm. */
	lifetime_add(lifetime, 4, now + 2 * LATE, false);
	assert_int_equal(expire(lifetime, now - LATE), LIFETIME_NO_SLOT);
	assert_int_equal(lifetime_end(lifetime, 4), now + 2 * LATE);
	assert_int_equal(expire(lifetime, now + 2 * LATE - 1), LIFETIME_NO_SLOT);
	assert_in_range(when(lifetime, now + 2 * LATE, 4), now + 2 * LATE, now + 3 * LATE);
	lifetime_destroy(lifetime);
}

/* The lower half of an end may be 0, which is that of a free slot. */
static void ends_at_the_wrap(void **state)
{
	const uint64_t wrap = 1ULL << 32;

	(void)state;
	for (uint64_t end = wrap - 1; end <= wrap + 1; end++) {
		uint64_t now = wrap - 5 * LATE;
		struct lifetime *lifetime = create(100, now);

		lifetime_add(lifetime, 70, end, false);
		assert_in_range(lifetime_end(lifetime, 70), end, end + (end == wrap));
		for (; now < end; now += 50)
			assert_int_equal(expire(lifetime, now), LIFETIME_NO_SLOT);
		assert_in_range(when(lifetime, end, 70), end, end + LATE);
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_destroy(lifetime);
	}
}

/* None goes before its end, and each within a round and the time between two sweeps, whatever is
 * added, removed, evicted and stored in the same slots meanwhile. */
static void in_time(void **state)
{
	enum {
		CAPACITY = 3000,
		SWEEPS = 3000
	};
	static uint64_t ends[CAPACITY];
	uint64_t seeds[4], random, now;
	struct lifetime *lifetime;
	unsigned expired = 0, evicted = 0, removed = 0;

	(void)state;
	random_seeds(seeds);
	print_message("SESSIOND_TEST_SEED=%" PRIu64 "\n", seeds[0]);
	random = seeds[0];
	now = random_next(&random) >> 28;
	memset(ends, 0, sizeof(ends));
	lifetime = create(CAPACITY, now);
	for (unsigned i = 0; i < SWEEPS; i++) {
		uint64_t apart = 1 + random_next(&random) % 60;
		uint32_t slot;

		if (random_next(&random) % 500 == 0)
			apart = random_next(&random) % (2 * LONGEST);
		now += apart;
		while ((slot = expire(lifetime, now)) != LIFETIME_NO_SLOT) {
			assert_true(ends[slot] && ends[slot] <= now);
			ends[slot] = 0;
			expired++;
		}
		for (slot = 0; slot < CAPACITY; slot++) {
			if (!ends[slot])
				continue;
			assert_true(ends[slot] + LATE > now);
			assert_int_equal(lifetime_end(lifetime, slot), ends[slot]);
		}
		for (unsigned k = 0; k < 40; k++) {
			slot = random_next(&random) % CAPACITY;
			if (ends[slot]) {
				lifetime_remove(lifetime, slot);
				ends[slot] = 0;
				removed++;
				continue;
			}
			ends[slot] = now + 1 + random_next(&random) % (k ? 5 * LATE : LONGEST - 1);
			lifetime_add(lifetime, slot, ends[slot], false);
		}
		if (random_next(&random) % 2) {
			slot = lifetime_evict(lifetime);
			assert_true(ends[slot]);
			ends[slot] = 0;
			evicted++;
		}
	}
	assert_true(expired > SWEEPS && evicted > SWEEPS / 4 && removed > SWEEPS);
	lifetime_destroy(lifetime);
}

/* The daemon was paused. Then it sweeps, or stores first and sweeps afterwards; in between it
 * deletes. All ended sessions are removed, and no others. */
static void pauses(void **state)
{
	static const uint64_t lengths[] = {0, 1, LATE, 4000 * LATE, 4499 * LATE, 4600 * LATE,
		20000 * LATE, 60000 * LATE, LONGEST - LATE, LONGEST - 1, LONGEST, LONGEST + 1,
		LONGEST + LATE, 2 * LONGEST - 1, 2 * LONGEST + 12345, AGES};
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
			assert_true(ends[slot] + LATE > after);
			left++;
		}
		/* The remaining ones end at their times. */
		for (; left; after += 10 * LATE) {
			while ((slot = expire(lifetime, after)) != LIFETIME_NO_SLOT) {
				assert_true(present[slot] && ends[slot] <= after);
				assert_true(ends[slot] + 11 * LATE >= after);
				present[slot] = false;
				left--;
			}
		}
		assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
		lifetime_destroy(lifetime);
	}
}

/* A step is at most 4096 slots, and ends at a session; a sweep with any budget takes the same
 * number of steps in total. */
static void budgets(void **state)
{
	static const unsigned budgets_of[] = {1, 2, 3, 7, 100, 100000};
	enum {
		SESSIONS = 3000,
		LOOKS = SLOTS / 4096 + 17, /* 16 parts of the slots, each rounded up; one twice */
	};
	unsigned steps_before = 0;

	(void)state;
	for (size_t b = 0; b < sizeof(budgets_of) / sizeof(*budgets_of); b++) {
		struct lifetime *lifetime = create(SLOTS, 0);
		unsigned steps = 0, calls = 0, gone = 0, budget = 0;
		uint32_t slot;

		for (slot = 0; slot < SESSIONS; slot++)
			lifetime_add(lifetime, slot * 20, 1 + slot * 20 * LATE, false);
		lifetime_add(lifetime, SLOTS - 1, LONGEST - LATE, false);
		assert_int_equal(lifetime_expire(lifetime, LONGEST / 2, &budget), LIFETIME_NO_SLOT);
		do {
			budget = budgets_of[b];
			slot = lifetime_expire(lifetime, LONGEST / 2, &budget);
			assert_true(slot == LIFETIME_NO_SLOT || budget < budgets_of[b]);
			steps += budgets_of[b] - budget;
			gone += slot != LIFETIME_NO_SLOT;
			calls++;
			assert_true(calls <= SESSIONS + LOOKS + 1);
		} while (slot != LIFETIME_NO_SLOT || budget == 0);
		assert_int_equal(gone, LONGEST / 2 / LATE / 20 + 1);
		assert_in_range(steps, gone + SLOTS / 4096, gone + LOOKS);
		assert_true(b == 0 || steps == steps_before);
		steps_before = steps;
		/* Not again before it is time. */
		budget = 1;
		assert_int_equal(lifetime_expire(lifetime, LONGEST / 2, &budget), LIFETIME_NO_SLOT);
		assert_int_equal(budget, 1);
		/* After any pause: one round. */
		budget = SESSIONS + LOOKS;
		for (gone = 0; lifetime_expire(lifetime, AGES, &budget) != LIFETIME_NO_SLOT; gone++)
			;
		assert_int_equal(gone, SESSIONS - (LONGEST / 2 / LATE / 20 + 1) + 1);
		assert_true(budget > 0);
		/* Without sessions no slot is looked at. */
		budget = 1;
		assert_int_equal(lifetime_expire(lifetime, 2 * AGES, &budget), LIFETIME_NO_SLOT);
		assert_int_equal(budget, 1);
		lifetime_destroy(lifetime);
	}
}

/* Ended sessions are found before it is the turn of their slots, if a sweep has found some; none
 * that has not ended. */
static void ahead_of_its_turn(void **state)
{
	struct lifetime *lifetime = create(SLOTS, 0);
	unsigned budget = 100000, gone = 0;
	uint32_t slot;

	(void)state;
	for (slot = 0; slot < SLOTS; slot++)
		lifetime_add(lifetime, slot, slot % 400 ? 5 * LATE : 50, false);
	assert_int_equal(lifetime_expire_ahead(lifetime, 60), LIFETIME_NO_SLOT);
	/* A slice, the first or two, has found one. */
	assert_int_equal(lifetime_expire(lifetime, 60, &budget), 0);
	while ((slot = lifetime_expire_ahead(lifetime, 60)) != LIFETIME_NO_SLOT) {
		assert_int_equal(slot % 400, 0);
		gone++;
	}
	assert_int_equal(gone, SLOTS / 400);
	lifetime_destroy(lifetime);
	/* The next one is too far off. */
	lifetime = create(SLOTS, 0);
	lifetime_add(lifetime, 0, 50, false);
	lifetime_add(lifetime, SLOTS / 2, 50, false);
	lifetime_add(lifetime, SLOTS - 1, 5 * LATE, false);
	assert_int_equal(lifetime_expire(lifetime, 60, &budget), 0);
	assert_int_equal(lifetime_expire_ahead(lifetime, 60), LIFETIME_NO_SLOT);
	assert_int_equal(expire(lifetime, LATE), SLOTS / 2);
	lifetime_destroy(lifetime);
}

static void reserved(void **state)
{
	(void)state;
	/* 12 bytes and three bits per session, and the heads of lists. */
	assert_in_range(lifetime_reserved_bytes(64), 12 * 64, 300000);
	assert_int_equal(lifetime_reserved_bytes(1000064) - lifetime_reserved_bytes(64), 12375000);
	lifetime_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeouts),
		cmocka_unit_test(edges),
		cmocka_unit_test(ends_at_the_wrap),
		cmocka_unit_test(in_time),
		cmocka_unit_test(pauses),
		cmocka_unit_test(budgets),
		cmocka_unit_test(ahead_of_its_turn),
		cmocka_unit_test(reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
