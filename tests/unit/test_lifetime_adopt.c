/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer with an engine whose sessions, with their marks, are from an earlier daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "control/sessions/lifetime.h"
#include "control/sessions/writer.h"
#include "tests/unit/random.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY 64

/* One slot more: the status key's. */
static uint64_t marks[MARKS_WORDS(CAPACITY + 1)];

static void table_config(struct engine *engine, struct table_config *config)
{
	(void)engine;
	config->marks = marks;
}

/* Slots 0 to 9; the even ones were visited; another visited one has ended. */
static int adopt(struct engine *engine, const struct adoption *adoption)
{
	struct session session = {.expires = clock_expiry(clock_tick(), 600), .len = 100};

	(void)engine;
	for (session.slot = 0; session.slot < 10; session.slot++) {
		session.key[0] = session.slot;
		if (session.slot % 2 == 0)
			mark_set(marks, session.slot);
		assert_true(adoption->found(adoption->ctx, &session));
	}
	session.slot = 20;
	session.key[0] = 20;
	session.expires = 0;
	mark_set(marks, 20);
	assert_false(adoption->found(adoption->ctx, &session));
	/* Slot numbers outside any array of marks. */
	session.expires = clock_expiry(clock_tick(), 600);
	session.slot = SESSD_SLOT_LIMIT - 1;
	assert_false(adoption->found(adoption->ctx, &session));
	return 0;
}

static void marks_outlive(void **state)
{
	static const struct engine_ops ops = {
		.name = "test", .table_config = table_config, .adopt = adopt};
	const struct writer_config config = {.capacity = CAPACITY, .value_max = 512};
	struct writer *writer = writer_create(&ops, NULL, &config);

	(void)state;
	assert_non_null(writer);
	assert_int_equal(writer_adopt(writer), 0);
	for (unsigned slot = 0; slot < 10; slot++)
		assert_int_equal(mark_test(marks, slot), slot % 2 == 0);
	writer_destroy(writer);
}

/* The map lists them in any order. Those that end first were usually stored first and are evicted
 * first; ended ones that were not swept go before them. */
static void evicted_in_the_order_of_ends(void **state)
{
	static const unsigned ends[] = {40, 7, 600, 3, 65000, 100, 0, 64};
	static const uint32_t order[] = {6, 3, 1, 0, 7, 5, 2, 4};
	enum {
		COUNT = sizeof(ends) / sizeof(ends[0])
	};
	uint64_t now = clock_tick();
	struct lifetime *lifetime;

	(void)state;
	memset(marks, 0, sizeof(marks));
	lifetime = lifetime_create(CAPACITY, marks, now);
	assert_non_null(lifetime);
	lifetime_order(lifetime); /* of none */
	for (uint32_t slot = 0; slot < COUNT; slot++)
		lifetime_add(lifetime, slot,
			ends[slot] ? now + clock_ticks(ends[slot]) : now - clock_ticks(5), false);
	lifetime_order(lifetime);
	lifetime_add(lifetime, COUNT, now + clock_ticks(1), false); /* a new one is the last */
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(lifetime_evict(lifetime), order[i]);
	assert_int_equal(lifetime_evict(lifetime), COUNT);
	assert_int_equal(lifetime_evict(lifetime), LIFETIME_NO_SLOT);
	lifetime_destroy(lifetime);
}

/* As a sort would have them, to a second; with slots that were freed meanwhile. */
static void ordered_as_if_sorted(void **state)
{
	enum {
		SLOTS = 50000
	};
	static uint64_t ends[SLOTS];
	const uint64_t second = 1024; /* ticks */
	uint64_t *none = calloc(MARKS_WORDS(SLOTS), sizeof(*none));
	uint64_t seeds[4], random, now, last = 0;
	struct lifetime *lifetime;
	unsigned held = 0;
	uint32_t slot;

	(void)state;
	random_seeds(seeds);
	random = seeds[0];
	now = random_next(&random) >> 28;
	lifetime = lifetime_create(SLOTS, none, now);
	assert_non_null(lifetime);
	for (slot = 0; slot < SLOTS; slot++) {
		ends[slot] = now + random_next(&random) % clock_ticks(65535);
		if (slot % 3 == 0)
			ends[slot] = now + random_next(&random) % clock_ticks(300);
		lifetime_add(lifetime, slot, ends[slot], false);
	}
	for (slot = 0; slot < SLOTS; slot += 7) {
		lifetime_remove(lifetime, slot);
		ends[slot] = 0;
	}
	lifetime_order(lifetime);
	while ((slot = lifetime_evict(lifetime)) != LIFETIME_NO_SLOT) {
		assert_true(ends[slot] && ends[slot] + second > last);
		last = ends[slot] > last ? ends[slot] : last;
		ends[slot] = 0;
		held++;
	}
	assert_int_equal(held, SLOTS - (SLOTS + 6) / 7);
	lifetime_destroy(lifetime);
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_outlive),
		cmocka_unit_test(evicted_in_the_order_of_ends),
		cmocka_unit_test(ordered_as_if_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
