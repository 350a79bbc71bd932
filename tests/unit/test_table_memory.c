/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table's memory: its source, its size, and no remaining secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/table_check.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define REGIONS_MAX 16

struct arena {
	unsigned allocs, live;
	unsigned fail_at; /* the n-th allocation fails; 0: none */
	size_t bytes;
	struct {
		void *memory;
		size_t bytes;
	} regions[REGIONS_MAX];
};

static bool holds_secret(const uint8_t *memory, size_t bytes)
{
	static const uint8_t secret[16] = "SSSSSSSSSSSSSSSS";

	return memmem(memory, bytes, secret, sizeof(secret)) != NULL;
}

static bool arena_holds_secret(const struct arena *arena)
{
	bool found = false;

	for (unsigned i = 0; i < arena->allocs; i++)
		found |= holds_secret(arena->regions[i].memory, arena->regions[i].bytes);
	return found;
}

static void *arena_alloc(size_t bytes, const char *what, void *ctx)
{
	struct arena *arena = ctx;
	void *memory;

	assert_non_null(what);
	assert_int_equal(bytes % 64, 0);
	if (arena->allocs + 1 == arena->fail_at)
		return NULL;
	memory = aligned_alloc(64, bytes);
	assert_non_null(memory);
	memset(memory, 0, bytes);
	assert_true(arena->allocs < REGIONS_MAX);
	arena->regions[arena->allocs].memory = memory;
	arena->regions[arena->allocs++].bytes = bytes;
	arena->live++;
	arena->bytes += bytes;
	return memory;
}

static void arena_free(void *memory, size_t bytes, void *ctx)
{
	struct arena *arena = ctx;
	unsigned i = 0;

	while (i < arena->allocs && arena->regions[i].memory != memory)
		i++;
	assert_true(i < arena->allocs && arena->regions[i].bytes == bytes);
	assert_false(holds_secret(memory, bytes));
	arena->live--;
	free(memory);
}

static void put_secret(struct table *table, uint64_t number, unsigned len)
{
	struct session session = {.expires = 1, .len = len, .slot = table_alloc(table)};
	uint8_t value[SESSD_VALUE_LIMIT];

	memset(session.key, 'S', sizeof(session.key) - 8);
	memcpy(session.key + sizeof(session.key) - 8, &number, 8);
	memset(value, 'S', len);
	table_insert(table, table_hash(table, session.key), &session, value);
}

/* The reserved size is as announced, and no secret outlives its session or the table. */
static void reserved_and_wiped(void **state)
{
	static const uint16_t value_max[] = {0, 64, 208, 512, 1400};

	(void)state;
	for (size_t m = 0; m < sizeof(value_max) / sizeof(*value_max); m++) {
		struct arena arena = {0};
		struct table_memory memory = {arena_alloc, arena_free, &arena};
		struct table_config config = {
			.capacity = 333, .value_max = value_max[m], .memory = &memory};
		struct table *table = table_create(&config);

		assert_non_null(table);
		assert_int_equal(arena.bytes + sizeof(struct table), table_reserved_bytes(&config));
		for (unsigned i = 0; i < 333; i++)
			put_secret(table, i, 1 + i * 31 % (value_max[m] ? value_max[m] : 512));
		assert_true(arena_holds_secret(&arena));
		for (uint32_t i = 0; i < 333; i++)
			table_delete(table, i);
		assert_false(arena_holds_secret(&arena));
		for (unsigned i = 0; i < 100; i++)
			put_secret(table, i, value_max[m] ? value_max[m] : 512);
		assert_true(arena_holds_secret(&arena));
		table_destroy(table); /* arena_free looks */
		assert_int_equal(arena.live, 0);
	}
}

/* Adopted sessions are wiped too, in any slot. */
static void adopted_wiped(void **state)
{
	struct arena arena = {0};
	struct table_memory memory = {arena_alloc, arena_free, &arena};
	struct table_config config = {.capacity = 333, .value_max = 512, .memory = &memory};
	struct table *table = table_create(&config);
	struct session session = {.expires = 1, .len = 300, .slot = 332};
	uint8_t value[300];

	(void)state;
	memset(session.key, 'S', sizeof(session.key));
	memset(value, 'S', sizeof(value));
	assert_true(table_alloc_at(table, session.slot));
	table_insert(table, table_hash(table, session.key), &session, value);
	assert_true(arena_holds_secret(&arena));
	table_destroy(table);
	assert_int_equal(arena.live, 0);
}

static void no_memory(void **state)
{
	unsigned needed = 0;

	(void)state;
	for (unsigned fail_at = 1; fail_at <= REGIONS_MAX; fail_at++) {
		struct arena arena = {.fail_at = fail_at};
		struct table_memory memory = {arena_alloc, arena_free, &arena};
		struct table_config config = {.capacity = 10, .value_max = 512, .memory = &memory};
		struct table *table;

		errno = 0;
		table = table_create(&config);
		if (table) {
			needed = arena.allocs;
			table_destroy(table);
			break;
		}
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(arena.live, 0);
	}
	assert_true(needed > 3);
}

/* More memory than any machine has: an error, without leaks. */
static void too_large(void **state)
{
	struct table_config config = {
		.capacity = SESSD_SLOT_LIMIT - 1, .value_max = SESSD_VALUE_LIMIT};
	long long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	struct table *table;

	(void)state;
	assert_true(table_reserved_bytes(&config) > 90ULL << 30);
	if (pages * page > 80LL << 30) {
		print_message("skipped: this machine is too large to run out of memory\n");
		skip();
	}
	errno = 0;
	table = table_create(&config);
	if (table) {
		table_destroy(table);
		print_message("skipped: this kernel promises more memory than there is\n");
		skip();
	}
	assert_int_equal(errno, ENOMEM);
}

/* Keys and lengths, and nothing of what is kept elsewhere. */
static void index_only(void **state)
{
	struct table_config config = {.capacity = 1000};
	struct table *table;
	uint64_t *marks = mmap(NULL, MARKS_WORDS(1000) * sizeof(*marks), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t marks_bytes = MARKS_WORDS(1000) * sizeof(*marks);

	(void)state;
	assert_ptr_not_equal(marks, MAP_FAILED);
	memset(marks, 0xff, marks_bytes);
	config.marks = marks;
	/* 32 bytes per slot, 64 bytes of index per 8 sessions, a number and a bit; without marks.
	 */
	assert_in_range(table_reserved_bytes(&config), 1000 * 44, 1000 * 45);
	table = table_create(&config);
	assert_ptr_equal(table_marks(table), marks);
	for (uint64_t i = 0; i < 1000; i++) {
		struct session session = {
			.expires = 5 + i, .len = 1 + i, .sum = ~i, .slot = table_alloc(table)};

		make_key(session.key, i);
		table_insert(table, table_hash(table, session.key), &session, NULL);
		assert_false(mark_test(marks, session.slot));
	}
	check_table(table);
	for (uint64_t i = 0; i < 1000; i++) {
		uint8_t key[SESSD_KEY_SIZE];
		struct session session;
		uint32_t slot;

		make_key(key, i);
		slot = table_find(table, table_hash(table, key), key);
		assert_true(table_slot(table, slot, &session));
		assert_memory_equal(session.key, key, sizeof(key));
		assert_int_equal(session.expires, 0);
		assert_int_equal(session.len, 0);
		assert_int_equal(session.sum, 0);
		assert_false(table_claim(table, slot));
		assert_false(table_taken(table, slot));
		table_delete(table, slot);
		assert_false(table_slot(table, slot, &session));
	}
	check_table(table);
	table_destroy(table);
	munmap(marks, marks_bytes);
}

/* The status entry is no session: it gives way to none, and none to it. */
static void extra_slot_of_an_index(void **state)
{
	struct table *table = table_new(2, 0);
	struct session session = {.slot = table_extra_slot(table), .len = 3};

	(void)state;
	table_insert(table, table_hash(table, session.key), &session, NULL);
	put(table, 1, 7, 100);
	put(table, 2, 8, 100);
	table_renew(table, session.slot, 77);
	session.len = 4;
	table_rewrite_extra(table, &session, NULL);
	assert_int_equal(table_find(table, table_hash(table, session.key), session.key), 2);
	assert_false(table_slot(table, 2, &session));
	assert_true(table_slot(table, find(table, 1), &session));
	assert_int_equal(session.slot, 0);
	assert_true(table_slot(table, find(table, 2), &session));
	assert_int_equal(session.slot, 1);
	assert_int_equal(table_count(table), 2);
	table_destroy(table);
}

/* A set mark is not written again. */
static void marks_of_the_caller(void **state)
{
	struct table_config config = {.capacity = 1000, .value_max = 64};
	size_t bytes = MARKS_WORDS(1001) * sizeof(uint64_t);
	struct table *table;

	(void)state;
	config.marks =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(config.marks, MAP_FAILED);
	table = table_create(&config);
	for (unsigned i = 0; i < 2; i++) {
		uint32_t slot = i ? find(table, 7) : put(table, 7, 10, 5);
		uint8_t value[64];
		unsigned retries = 0;
		uint16_t len;

		assert_int_equal(mark_test(config.marks, slot), i);
		assert_int_equal(get(table, 7, 0, value, &len, &retries), TABLE_HIT);
		assert_true(mark_test(config.marks, slot));
		assert_int_equal(mprotect(config.marks, bytes, PROT_READ), 0);
	}
	table_destroy(table);
	munmap(config.marks, bytes);
}

static size_t resident(const struct table *table)
{
	size_t page = sysconf(_SC_PAGESIZE), total = 0;

	for (unsigned i = 0; i < TABLE_REGIONS; i++) {
		size_t pages = (table->region_bytes[i] + page - 1) / page;
		unsigned char *in = malloc(pages + 1);

		if (pages)
			assert_int_equal(mincore(table->region[i], pages * page, in), 0);
		for (size_t p = 0; p < pages; p++)
			total += (in[p] & 1) * page;
		free(in);
	}
	return total;
}

/* Unused slots take no resident memory, reserved or not. */
static void residency(void **state)
{
	struct table_config config = {.capacity = 1000000, .value_max = 512};
	struct table *table = table_create(&config);
	size_t few, many;

	(void)state;
	assert_non_null(table);
	assert_int_equal(resident(table), 0);
	for (uint64_t i = 0; i < 1000; i++)
		put_secret(table, i, 144);
	few = resident(table);
	for (uint64_t i = 1000; i < 100000; i++)
		put_secret(table, i, 144);
	many = resident(table);
	print_message("%zu MiB reserved; resident with 1,000 sessions %zu KiB, with 100,000 %zu\n",
		table_reserved_bytes(&config) >> 20, few >> 10, many >> 10);
	/* The whole index, which is accessed at random, and some huge pages. */
	assert_true(few < 24 << 20);
	assert_true(many < 48 << 20);
	assert_true(table_reserved_bytes(&config) > 500 << 20);
	table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reserved_and_wiped),
		cmocka_unit_test(adopted_wiped),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(too_large),
		cmocka_unit_test(index_only),
		cmocka_unit_test(extra_slot_of_an_index),
		cmocka_unit_test(marks_of_the_caller),
		cmocka_unit_test(residency),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
