/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The estimate of resumptions, over simulated farms: services with the same context and with
 * different ones, TLS 1.2 and 1.3, few clients and many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/resumption.h"
#include "tests/unit/random.h"

#include <sessiond/visited.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY 100000
#define SECOND	 1000000000ULL

static uint64_t marks[MARKS_WORDS(CAPACITY)];
static struct census *census;
static struct resumption resumption;
static uint32_t slots;	  /* used so far */
static uint64_t ns, seed; /* now */

static void begin(void)
{
	memset(marks, 0, sizeof(marks));
	memset(&resumption, 0, sizeof(resumption));
	census_destroy(census);
	census = census_create(CAPACITY, marks);
	assert_non_null(census);
	slots = 0;
	ns = SECOND;
	seed = 1;
}

/* A NEW from terminator `source`. Returns the session's slot. */
static uint32_t store(uint8_t source, enum session_kind kind, const char *context)
{
	struct session_facts facts = {.kind = kind, .context_len = (uint8_t)strlen(context)};
	struct address address = {{[15] = source}};
	uint8_t place;

	memcpy(facts.context, context, facts.context_len);
	assert_true(slots < CAPACITY);
	place = census_add(census, slots, &facts, &address, 1000, false);
	resumption_new(&resumption, kind, place, ns);
	return slots++;
}

static void use(uint32_t slot)
{
	mark_set(marks, slot);
}

static void seconds(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		while (census_scan(census))
			;
		resumption_tick(&resumption, census);
		ns += SECOND;
	}
}

static void assert_counts(uint64_t resumed, uint64_t refused)
{
	struct resumption_counts counts = resumption_counts(&resumption);

	assert_int_equal(counts.resumed, resumed);
	assert_int_equal(counts.refused, refused);
}

/* A full handshake with TLS 1.3 stores two sessions. */
static uint32_t full13(uint8_t source, const char *context)
{
	uint32_t first = store(source, SESSION_TLS13, context);

	ns += 150000;
	store(source, SESSION_TLS13, context);
	return first;
}

static void resumed13(void **state)
{
	uint32_t slot;

	(void)state;
	begin();
	slot = full13(1, "farm");
	for (unsigned i = 0; i < 10; i++) {
		seconds(1);
		use(slot);
		ns += 50000000;
		slot = store(1 + i % 2, SESSION_TLS13, "farm");
	}
	seconds(5);
	assert_counts(10, 0);
}

/* Two services whose names differ: each session is found, and none is resumed. */
static void refused13(void **state)
{
	uint32_t slot;

	(void)state;
	begin();
	slot = full13(1, "farm");
	for (unsigned i = 0; i < 10; i++) {
		seconds(1);
		use(slot);
		ns += 50000000;
		slot = full13(1 + i % 2, i % 2 ? "farm" : "farm2");
	}
	seconds(5);
	assert_counts(0, 10);
}

static void tls12(void **state)
{
	uint32_t slot, slots12[10];

	(void)state;
	begin();
	for (unsigned i = 0; i < 10; i++)
		slots12[i] = store(1, SESSION_TLS12, "farm");
	seconds(5);
	/* Resumed, while others make sessions of the same context. */
	for (unsigned i = 0; i < 10; i++) {
		use(slots12[i]);
		store(2, SESSION_TLS12, "farm");
		seconds(1);
	}
	seconds(5);
	assert_counts(10, 0);
	begin();
	slot = store(1, SESSION_TLS12, "farm");
	for (unsigned i = 0; i < 10; i++) {
		use(slot);
		slot = store(1 + i % 2, SESSION_TLS12, i % 2 ? "farm" : "farm2");
		seconds(1);
	}
	seconds(5);
	assert_counts(0, 10);
}

/* A context that gave way to a more frequent one is not taken for another than its old sessions'.
 */
static void gave_way12(void **state)
{
	uint32_t old[10];
	char name[16];

	(void)state;
	begin();
	for (unsigned i = 0; i < 10; i++)
		old[i] = store(1, SESSION_TLS12, "farm");
	for (unsigned i = 0; i < CENSUS_CONTEXTS; i++) {
		snprintf(name, sizeof(name), "service%u", i);
		for (unsigned k = 0; k < 40; k++)
			store(1, SESSION_TLS12, name);
	}
	seconds(5);
	for (unsigned i = 0; i < 10; i++) {
		use(old[i]);
		store(2, SESSION_TLS12, "farm");
		seconds(1);
	}
	seconds(5);
	assert_counts(10, 0);
}

static void nothing_used(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 100; i++) {
		store(1, SESSION_TLS13, "farm");
		full13(2, "farm");
		seconds(1);
	}
	assert_counts(0, 0);
}

/* `rate` handshakes a second at one terminator, at random times, of which `share` of 100 have a
 * session that is resumed if `works`. */
static struct resumption_counts farm(unsigned rate, unsigned share, bool works, unsigned duration)
{
	const uint64_t step = 50000;
	uint32_t next = 0;

	begin();
	for (unsigned i = 0; i < 2500; i++)
		full13(2, "farm");
	seconds(1);
	memset(&resumption, 0, sizeof(resumption));
	resumption_begin(&resumption, census);
	for (unsigned second = 0; second < duration; second++) {
		uint64_t start = ns;

		for (; ns < start + SECOND; ns += step) {
			bool has_session = random_below(&seed, 100) < share;

			if (random_below(&seed, (unsigned)(SECOND / step)) >= rate)
				continue;
			if (has_session)
				use(next++);
			if (has_session && works)
				store(1, SESSION_TLS13, "farm");
			else
				full13(1, "farm");
		}
		ns = start;
		seconds(1);
	}
	seconds(5);
	return resumption_counts(&resumption);
}

static void busy(void **state)
{
	static const unsigned rates[] = {20, 100, 400};

	(void)state;
	for (unsigned i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct resumption_counts good = farm(rates[i], 60, true, 10);
		struct resumption_counts bad = farm(rates[i], 60, false, 10);
		uint64_t used = good.resumed + good.refused;

		print_message("%u/s: %llu of %llu resumed; broken: %llu of %llu\n", rates[i],
			(unsigned long long)good.resumed, (unsigned long long)used,
			(unsigned long long)bad.resumed,
			(unsigned long long)(bad.resumed + bad.refused));
		assert_true(used > rates[i] * 10 * 0.4);
		assert_true((double)good.resumed > 0.8 * (double)used);
		assert_true(bad.resumed < (bad.resumed + bad.refused) / 5);
	}
}

/* Too many to tell: it says nothing rather than something wrong. */
static void too_many(void **state)
{
	struct resumption_counts counts;

	(void)state;
	counts = farm(3000, 30, true, 3);
	assert_int_equal(counts.resumed + counts.refused, 0);
}

/* A daemon that waited for its CPU sees NEWs together that came one by one. It says nothing then.
 */
static void held_up(void **state)
{
	(void)state;
	for (unsigned pauses = 0; pauses < 2; pauses++) {
		uint32_t slot;

		begin();
		slot = full13(1, "farm");
		seconds(1);
		for (unsigned i = 0; i < 10; i++) {
			use(slot);
			slot = store(2, SESSION_TLS13, "farm");
		}
		if (pauses) {
			resumption_pause(&resumption);
			seconds(1);
			assert_int_equal(resumption_counts(&resumption).pausing, 1);
		}
		seconds(5);
		assert_int_equal(resumption_counts(&resumption).pausing, 0);
		assert_counts(0, pauses ? 0 : 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_up),
		cmocka_unit_test(resumed13),
		cmocka_unit_test(refused13),
		cmocka_unit_test(tls12),
		cmocka_unit_test(gave_way12),
		cmocka_unit_test(nothing_used),
		cmocka_unit_test(busy),
		cmocka_unit_test(too_many),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	census_destroy(census);
	return failed;
}
