/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A large table takes its memory as it fills, and ahead of that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/sessions/memory_ahead.h"

#include <string.h>
#include <unistd.h>

#define CAPACITY 1000000
#define VALUE	 208
#define SLOT	 256
#define MIB	 (1U << 20)

static size_t resident(void)
{
	unsigned long all, pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &all, &pages), 2);
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ThreadSanitizer's shadow memory is resident too. */
static void assert_grown(size_t before, size_t least, size_t most)
{
#ifndef __SANITIZE_THREAD__
	assert_in_range(resident() - before, least, most);
#else
	(void)before, (void)least, (void)most;
#endif
}

static void store(struct table *table, uint32_t number)
{
	static const uint8_t value[VALUE];
	struct session session = {.expires = UINT64_MAX, .len = VALUE};

	memcpy(session.key, &number, sizeof(number));
	session.slot = table_alloc(table);
	assert_int_equal(session.slot, number);
	table_insert(table, table_hash(table, session.key), &session, value);
}

static uint32_t ready(const struct memory_ahead *memory)
{
	return atomic_load(&memory->ready);
}

static void as_it_fills(void **state)
{
	const struct table_config config = {.capacity = CAPACITY, .value_max = VALUE};
	size_t before = resident();
	struct memory_ahead memory;
	struct session status = {.slot = CAPACITY, .len = 1};
	struct table *table = table_create(&config);

	(void)state;
	assert_non_null(table);
	assert_int_equal(memory_ahead_open(&memory, table, NULL), 0);
	assert_int_equal(memory_ahead_start(&memory), 0);
	/* The status entry, beyond all slots, is no use of them. */
	table_insert(table, table_hash(table, status.key), &status, "x");
	memory_ahead_look(&memory);
	usleep(50000);
	assert_grown(before, 0, 8 * MIB);
	assert_int_equal(ready(&memory), 2 * MIB / SLOT);

	for (uint32_t i = 0; i < 300000; i++) {
		store(table, i);
		memory_ahead_look(&memory);
		/* A writer has as much to do besides. */
		if (i % 1000 == 0)
			usleep(1000);
	}
	for (unsigned i = 0; i < 1000 && ready(&memory) < 300000 + MIB / SLOT; i++)
		usleep(10000);
	assert_in_range(ready(&memory), 300000 + MIB / SLOT, 300000 + 10 * MIB / SLOT);
	print_message("300000 sessions: %zu MiB\n", (resident() - before) / MIB);
	assert_grown(before, (size_t)300000 * SLOT, (size_t)300000 * SLOT + 32 * MIB);
	memory_ahead_close(&memory);
	table_destroy(table);
	assert_grown(before, 0, 4 * MIB);
}

/* A small table is populated at once, and never asks. */
static void small(void **state)
{
	const struct table_config config = {.capacity = 100, .value_max = VALUE};
	struct table *table = table_create(&config);
	struct memory_ahead memory;

	(void)state;
	assert_int_equal(memory_ahead_open(&memory, table, NULL), 0);
	assert_int_equal(memory_ahead_start(&memory), 0);
	assert_int_equal(ready(&memory), 100);
	for (uint32_t i = 0; i < 100; i++) {
		store(table, i);
		memory_ahead_look(&memory);
	}
	assert_int_equal(ready(&memory), 100);
	memory_ahead_close(&memory);
	memory_ahead_close(&memory);
	table_destroy(table);
}

/* Adopted sessions come in any order, before the thread runs. */
static void adopted(void **state)
{
	const struct table_config config = {.capacity = CAPACITY, .value_max = VALUE};
	struct table *table = table_create(&config);
	struct memory_ahead memory;

	(void)state;
	assert_int_equal(memory_ahead_open(&memory, table, NULL), 0);
	memory_ahead_at_start(&memory, 5);
	assert_int_equal(ready(&memory), 2 * MIB / SLOT);
	memory_ahead_at_start(&memory, 100000);
	assert_int_equal(ready(&memory), 100000 + 8 * MIB / SLOT);
	memory_ahead_at_start(&memory, 7);
	assert_int_equal(ready(&memory), 100000 + 8 * MIB / SLOT);
	memory_ahead_at_start(&memory, CAPACITY - 1);
	assert_int_equal(ready(&memory), CAPACITY);
	memory_ahead_close(&memory);
	table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_fills),
		cmocka_unit_test(small),
		cmocka_unit_test(adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
