/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions counted by context and kind, with bounded rows; who made them; what was used; the age of
 * evicted ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/census.h"
#include "control/sessions/source_list.h"

#include "common/clock.h"

#include <stdio.h>
#include <string.h>

#define CAPACITY 8000

static uint64_t marks[MARKS_WORDS(CAPACITY)];
static struct census *census;

static int setup(void **state)
{
	(void)state;
	memset(marks, 0, sizeof(marks));
	census = census_create(CAPACITY, marks);
	return census ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	census_destroy(census);
	return 0;
}

static struct session_facts facts_of(enum session_kind kind, const char *context)
{
	struct session_facts facts = {.kind = kind, .context_len = (uint8_t)strlen(context)};

	memcpy(facts.context, context, facts.context_len);
	return facts;
}

static void add(uint32_t slot, enum session_kind kind, const char *context, uint8_t source)
{
	struct session_facts facts = facts_of(kind, context);
	const uint8_t ipv4[4] = {192, 0, 2, source};
	struct address address;

	address_from_ipv4(&address, ipv4);
	census_add(census, slot, &facts, source ? &address : NULL, 1000, false);
}

static struct census_counts counts(const char *context, enum session_kind kind)
{
	static struct census_row rows[CENSUS_ROWS];
	unsigned count = census_rows(census, rows);

	for (unsigned i = 0; i < count; i++)
		if (context ? !rows[i].others && rows[i].context_len == strlen(context) &&
					memcmp(rows[i].context, context, strlen(context)) == 0
			    : rows[i].others)
			return rows[i].of[kind];
	return (struct census_counts){0};
}

static uint64_t wanted_value;
static const char *wanted_name;

static void on_stat(void *ctx, const char *name, uint64_t value)
{
	(void)ctx;
	if (strcmp(name, wanted_name) == 0)
		wanted_value = value;
}

static uint64_t stat(const char *name)
{
	wanted_name = name;
	wanted_value = UINT64_MAX;
	census_stats(census, on_stat, NULL);
	return wanted_value;
}

static void by_context_and_kind(void **state)
{
	static struct census_row rows[CENSUS_ROWS];

	(void)state;
	add(1, SESSION_TLS12, "farm2", 1);
	add(2, SESSION_TLS13, "farm", 1);
	add(3, SESSION_TLS13, "farm", 1);
	add(4, SESSION_TLS12, "farm", 1);
	add(5, SESSION_SEALED, "", 1);
	assert_int_equal(counts("farm", SESSION_TLS13).sessions, 2);
	assert_int_equal(counts("farm", SESSION_TLS12).sessions, 1);
	assert_int_equal(counts("farm2", SESSION_TLS12).sessions, 1);
	assert_int_equal(counts("", SESSION_SEALED).sessions, 1);
	assert_int_equal(stat("tls13_sessions"), 2);
	assert_int_equal(stat("tls12_sessions"), 2);
	assert_int_equal(stat("sealed_sessions"), 1);
	assert_int_equal(stat("opaque_sessions"), 0);
	/* The most first. */
	assert_int_equal(census_rows(census, rows), 3);
	assert_memory_equal(rows[0].context, "farm", 5);
	census_end(census, 2);
	census_end(census, 2); /* ended already */
	assert_int_equal(counts("farm", SESSION_TLS13).sessions, 1);
	assert_int_equal(counts("farm", SESSION_TLS13).stored, 2);
	assert_int_equal(stat("tls13_sessions"), 1);
	assert_int_equal(stat("tls13_stored"), 2);
}

/* Each session counts once, whether a scan or its end sees the mark. */
static void used_once(void **state)
{
	struct session_info info;

	(void)state;
	add(1, SESSION_TLS13, "farm", 1);
	add(70, SESSION_TLS13, "farm", 1);
	add(71, SESSION_TLS13, "farm", 1);
	mark_set(marks, 1);
	mark_set(marks, 1999); /* no session is there */
	assert_int_equal(stat("tls13_used"), 0);
	census_info(census, 1, 1000, &info);
	assert_true(info.used);
	census_scan(census);
	census_scan(census);
	assert_int_equal(stat("tls13_used"), 1);
	mark_set(marks, 70);
	census_end(census, 70);
	assert_int_equal(stat("tls13_used"), 2);
	census_end(census, 1);
	census_end(census, 71);
	assert_int_equal(counts("farm", SESSION_TLS13).used, 2);
	/* The slot's next session is not used yet. */
	mark_clear(marks, 1);
	add(1, SESSION_TLS13, "farm", 1);
	census_scan(census);
	census_info(census, 1, 1000, &info);
	assert_false(info.used);
	assert_int_equal(stat("tls13_used"), 2);
}

/* A scan never counts so many sessions at once that a reply would have to wait. */
static void bounded_scan(void **state)
{
	uint64_t before, used = 0;
	unsigned scans = 0;
	bool more;

	(void)state;
	for (uint32_t slot = 0; slot < CAPACITY; slot++) {
		add(slot, SESSION_TLS13, "farm", 1);
		mark_set(marks, slot);
	}
	do {
		before = used;
		more = census_scan(census);
		used = stat("tls13_used");
		assert_in_range(used - before, 1, 2048 + 63);
		scans++;
	} while (more);
	assert_int_equal(used, CAPACITY);
	assert_true(scans > 3);
}

/* More contexts than rows: the rest is one, and nothing is lost. */
static void bounded_contexts(void **state)
{
	static struct census_row rows[CENSUS_ROWS];
	struct session_info info;
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "context%u", i);
		add(i, SESSION_TLS13, name, 1);
	}
	assert_int_equal(census_rows(census, rows), CENSUS_ROWS);
	assert_int_equal(counts(NULL, SESSION_TLS13).sessions, 100 - CENSUS_CONTEXTS);
	assert_int_equal(stat("tls13_sessions"), 100);
	census_info(census, 99, 1000, &info);
	assert_true(info.others);
	/* A context without sessions gives way, its counts go to the others. */
	census_end(census, 7);
	assert_int_equal(counts("context7", SESSION_TLS13).stored, 1);
	add(200, SESSION_TLS12, "late", 1);
	assert_int_equal(counts("context7", SESSION_TLS13).stored, 0);
	assert_int_equal(counts("late", SESSION_TLS12).sessions, 1);
	assert_int_equal(counts(NULL, SESSION_TLS13).stored, 101 - CENSUS_CONTEXTS);
	assert_int_equal(stat("tls13_stored"), 100);
	for (uint32_t i = 0; i < CAPACITY; i++)
		census_end(census, i);
	assert_int_equal(stat("tls13_sessions") + stat("tls12_sessions"), 0);
}

static unsigned named(void)
{
	static struct census_row rows[CENSUS_ROWS];
	unsigned count = census_rows(census, rows), found = 0;

	for (unsigned i = 0; i < count; i++)
		found += !rows[i].others;
	return found;
}

static uint32_t add_many(uint32_t slot, const char *context, unsigned count)
{
	while (count-- > 0)
		add(slot++, SESSION_TLS13, context, 1);
	return slot;
}

static uint32_t fill_names(unsigned each)
{
	uint32_t slot = 0;
	char name[16];

	for (unsigned i = 0; i < CENSUS_CONTEXTS; i++) {
		snprintf(name, sizeof(name), "context%u", i);
		slot = add_many(slot, name, each);
	}
	return slot;
}

/* The contexts counted by name are the frequent ones, not the first. A session of one that gave way
 * is still counted, and found again when its context comes back. */
static void frequent_contexts(void **state)
{
	struct session_info info;
	uint32_t slot;

	(void)state;
	slot = fill_names(2);
	for (unsigned i = 0; i < 100; i++) {
		slot = add_many(slot, "busy", 1);
		/* Each a new one. */
		struct session_facts rare = facts_of(SESSION_TLS13, "rare");
		rare.context[4] = (uint8_t)i;
		rare.context_len = 5;
		census_add(census, slot++, &rare, NULL, 1000, false);
	}
	assert_int_equal(named(), CENSUS_CONTEXTS);
	/* Those before it was known to be frequent are among the others. */
	assert_true(counts("busy", SESSION_TLS13).sessions > 50);
	assert_int_equal(counts("context0", SESSION_TLS13).sessions, 0);
	assert_int_equal(stat("tls13_sessions"), slot);
	assert_int_equal(stat("tls13_stored"), slot);
	census_info(census, 0, 1000, &info);
	assert_false(info.others);
	assert_memory_equal(info.context, "context0", 8);
	census_end(census, 0);
	assert_int_equal(stat("tls13_sessions"), slot - 1);
	/* The second session of context0 and its 40 new ones. */
	add_many(slot, "context0", 40);
	assert_in_range(counts("context0", SESSION_TLS13).sessions, 20, 41);
	/* What it had stored before stays with the others. */
	assert_int_equal(counts("context0", SESSION_TLS13).stored + 1,
		counts("context0", SESSION_TLS13).sessions);
	assert_int_equal(named(), CENSUS_CONTEXTS);
}

/* Contexts that are equally frequent keep their places. */
static void no_turns(void **state)
{
	uint32_t slot;
	char name[16];

	(void)state;
	slot = fill_names(20);
	for (unsigned i = 0; i < 40; i++)
		slot = add_many(slot, "as frequent", 1);
	assert_int_equal(counts("as frequent", SESSION_TLS13).stored, 0);
	for (unsigned i = 0; i < CENSUS_CONTEXTS; i++) {
		snprintf(name, sizeof(name), "context%u", i);
		assert_int_equal(counts(name, SESSION_TLS13).sessions, 20);
	}
}

/* More contexts with sessions than there are places. */
static void no_place(void **state)
{
	uint32_t slot, first;
	char name[16];

	(void)state;
	slot = first = fill_names(1);
	for (unsigned i = 0; i < CENSUS_CONTEXTS; i++) {
		snprintf(name, sizeof(name), "frequent%u", i);
		slot = add_many(slot, name, 20);
		/* The last finds no place: each context that gave way has a session. */
		assert_int_equal(counts(name, SESSION_TLS13).sessions > 0, i + 1 < CENSUS_CONTEXTS);
	}
	assert_int_equal(named(), CENSUS_CONTEXTS);
	assert_int_equal(stat("tls13_sessions"), slot);
	for (uint32_t i = 0; i < first; i++)
		census_end(census, i);
	slot = add_many(slot, "late", 20);
	assert_true(counts("late", SESSION_TLS13).sessions > 0);
	assert_int_equal(stat("tls13_sessions"), slot - first);
	for (uint32_t i = 0; i < slot; i++) {
		marks[i / 64] |= 1ULL << i % 64;
		census_end(census, i);
	}
	assert_int_equal(stat("tls13_sessions"), 0);
	assert_int_equal(stat("tls13_stored"), slot);
	assert_int_equal(stat("tls13_used"), slot - first);
}

static struct census_counts sums(struct census_counts *others)
{
	static struct census_row rows[CENSUS_ROWS];
	unsigned count = census_rows(census, rows);
	struct census_counts sum = {0};

	for (unsigned i = 0; i < count; i++) {
		const struct census_counts *of = &rows[i].of[SESSION_TLS12];

		sum.sessions += of->sessions;
		sum.stored += of->stored;
		sum.used += of->used;
		if (rows[i].others)
			*others = *of;
	}
	return sum;
}

/* Contexts come, give way and come back: no count is lost or counted twice, and those of the others
 * never fall, because a metric that does looks like a restart. */
static void changing_contexts(void **state)
{
	struct census_counts others, before = {0}, sum;
	uint64_t stored = 0, used = 0, sessions = 0, seed = 19;
	static bool held[CAPACITY];
	char name[16];

	(void)state;
	memset(held, 0, sizeof(held));
	for (unsigned i = 0; i < 60000; i++) {
		uint32_t slot, favourite = i / 500;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		slot = (uint32_t)(seed >> 33) % 400;
		if (held[slot]) {
			if (seed >> 60 & 1) {
				mark_set(marks, slot);
				used++;
			}
			census_end(census, slot);
			marks[slot / 64] &= ~(1ULL << slot % 64);
			sessions--;
		}
		/* Half of them of a few contexts, which change. */
		snprintf(name, sizeof(name), "%u",
			seed >> 61 & 1 ? (unsigned)(favourite + (seed >> 50) % 4) % 100
				       : (unsigned)(seed >> 40) % 1000);
		add(slot, SESSION_TLS12, name, 0);
		held[slot] = true;
		sessions++;
		stored++;
		others = (struct census_counts){0};
		sum = sums(&others);
		assert_int_equal(sum.sessions, sessions);
		assert_int_equal(sum.stored, stored);
		assert_int_equal(sum.used, used);
		assert_true(others.stored >= before.stored && others.used >= before.used);
		before = others;
		if (i % 64 > 0)
			continue;
		assert_int_equal(stat("tls12_sessions"), sessions);
		assert_int_equal(stat("tls12_stored"), stored);
		assert_int_equal(stat("tls12_used"), used);
	}
}

static void who_made_it(void **state)
{
	struct session_info info;
	uint8_t ipv4[4] = {192, 0, 2, 5};
	struct address address;

	(void)state;
	address_from_ipv4(&address, ipv4);
	add(1, SESSION_TLS13, "farm", 5);
	add(2, SESSION_TLS13, "farm", 0);
	census_info(census, 1, 1000 + clock_ticks(60) + 300, &info);
	assert_true(info.has_source);
	assert_memory_equal(&info.source, &address, sizeof(address));
	assert_in_range(info.age, 59, 60);
	assert_int_equal(info.kind, SESSION_TLS13);
	assert_memory_equal(info.context, "farm", 5);
	assert_int_equal(info.context_len, 4);
	census_info(census, 2, 1000, &info);
	assert_false(info.has_source);
	assert_int_equal(info.age, 0);
}

/* More sources than places: the rest is unknown, and a source without sessions gives way. */
static void bounded_sources(void **state)
{
	static struct source_list list;
	struct address address = {{0}};
	uint8_t place, places[400];

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		address.bytes[0] = (uint8_t)(i >> 8);
		address.bytes[15] = (uint8_t)i;
		places[i] = source_list_take(&list, &address);
		assert_int_equal(source_list_take(&list, &address), places[i]);
		assert_true((places[i] == SOURCE_UNKNOWN) == (i >= SOURCE_LIST_SIZE - 1));
	}
	source_list_release(&list, places[9]);
	source_list_release(&list, places[9]);
	place = source_list_take(&list, &address);
	assert_int_equal(place, places[9]);
	assert_memory_equal(&list.places[place].address, &address, sizeof(address));
	assert_int_equal(source_list_take(&list, NULL), SOURCE_UNKNOWN);
	/* What the one that gave way had counted is not lost. */
	assert_int_equal(list.places[place].stored, 1);
	assert_int_equal(list.places[SOURCE_UNKNOWN].stored, 2 * (400 - 255) + 1 + 2);
}

/* Who made sessions, and to whom they were given. */
static void sources(void **state)
{
	static struct source_place rows[SOURCE_LIST_SIZE];
	const struct session_facts facts = {.kind = SESSION_TLS13};
	const struct address one = {{[15] = 1}}, two = {{[15] = 2}}, nobody = {{0}};

	(void)state;
	census_add(census, 1, &facts, &one, 1000, false);
	census_add(census, 2, &facts, &one, 1000, false);
	census_add(census, 3, &facts, &two, 1000, false);
	census_add(census, 4, &facts, NULL, 1000, false);
	mark_set(marks, 2);
	mark_set(marks, 3);
	census_scan(census);
	census_given(census, 1, &two, 16);
	census_given(census, 2, &two, 16);
	census_given(census, 2, &one, 1);
	census_given(census, 3, &two, 2);
	census_given(census, 3, &nobody, 4);
	census_given(census, 4, &two, 8);
	census_given(census, 5, &two, 8); /* no session */
	census_end(census, 1);
	assert_int_equal(census_sources(census, rows), 3);
	assert_memory_equal(&rows[0].address, &one, sizeof(one));
	assert_int_equal(rows[0].sessions, 1);
	assert_int_equal(rows[0].stored, 2);
	assert_int_equal(rows[0].used, 1);
	assert_int_equal(rows[0].elsewhere, 32);
	assert_int_equal(rows[0].home, 1);
	assert_memory_equal(&rows[1].address, &nobody, sizeof(nobody));
	assert_int_equal(rows[1].stored, 1);
	assert_int_equal(rows[1].elsewhere + rows[1].home, 0);
	assert_memory_equal(&rows[2].address, &two, sizeof(two));
	assert_int_equal(rows[2].used, 1);
	assert_int_equal(rows[2].elsewhere, 0);
	assert_int_equal(rows[2].home, 2);
}

static void evict_at_age(unsigned count, uint32_t seconds)
{
	for (unsigned i = 0; i < count; i++) {
		add(1, SESSION_TLS13, "farm", 1);
		census_evicted(census, 1, 1000 + clock_ticks(seconds) + 300);
		census_end(census, 1);
	}
}

/* The median of the sessions evicted last, within a quarter. */
static void evicted_age(void **state)
{
	(void)state;
	assert_int_equal(stat("evicted_age_seconds"), 0);
	evict_at_age(100, 1000);
	assert_in_range(stat("evicted_age_seconds"), 750, 1000);
	evict_at_age(99, 2);
	assert_in_range(stat("evicted_age_seconds"), 750, 1000);
	evict_at_age(2, 2);
	assert_int_equal(stat("evicted_age_seconds"), 2);
	evict_at_age(20000, 60000);
	assert_in_range(stat("evicted_age_seconds"), 45000, 60000);
	evict_at_age(40000, 40);
	assert_in_range(stat("evicted_age_seconds"), 30, 40);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_context_and_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(used_once, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded_scan, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(frequent_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(no_turns, setup, teardown),
		cmocka_unit_test_setup_teardown(no_place, setup, teardown),
		cmocka_unit_test_setup_teardown(changing_contexts, setup, teardown),
		cmocka_unit_test_setup_teardown(who_made_it, setup, teardown),
		cmocka_unit_test(bounded_sources),
		cmocka_unit_test_setup_teardown(sources, setup, teardown),
		cmocka_unit_test_setup_teardown(evicted_age, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
