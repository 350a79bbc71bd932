/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table's index and its hash: full tables, colliding keys, chosen keys.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/table_check.h"

static void check_value(struct table *table, uint64_t number)
{
	uint8_t value[208], expected[208];
	unsigned retries = 0;
	uint16_t len = 0;

	assert_int_equal(get(table, number, 0, value, &len, &retries), TABLE_HIT);
	assert_int_equal(len, 1 + number % 208);
	make_value(expected, len, number);
	assert_memory_equal(value, expected, len);
}

static void fill_up_table(uint32_t capacity, enum secrets secrets, uint16_t value_max)
{
	struct table *table = table_new(capacity, value_max);

	set_secrets(table, secrets, capacity);
	for (unsigned round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < capacity; i++)
			put(table, i, 1 + i % 208, 1);
		assert_int_equal(table_alloc(table), TABLE_NO_SLOT);
		assert_int_equal(table_count(table), capacity);
		check_table(table);
		for (uint64_t i = 0; i < capacity; i++) {
			if (value_max)
				check_value(table, i);
			else
				assert_int_not_equal(find(table, i), TABLE_NO_SLOT);
			assert_int_equal(find(table, capacity + i), TABLE_NO_SLOT);
		}
		for (uint64_t i = 0; i < capacity; i++)
			table_delete(table, find(table, i));
		assert_int_equal(table_count(table), 0);
		check_table(table); /* no bucket has passing keys any more */
	}
	table_destroy(table);
}

/* A table with values, and an index, whose buckets are fuller. */
static void fill_up(uint32_t capacity, enum secrets secrets)
{
	fill_up_table(capacity, secrets, 208);
	fill_up_table(capacity, secrets, 0);
}

static void full(void **state)
{
	(void)state;
	for (uint32_t capacity = 1; capacity <= 40; capacity++)
		fill_up(capacity, SECRETS_RANDOM);
	fill_up(100000, SECRETS_RANDOM);
}

/* All keys in one chain of buckets. */
static void collisions(void **state)
{
	(void)state;
	for (uint32_t capacity = 1; capacity <= 100; capacity++)
		fill_up(capacity, SECRETS_ZERO);
	fill_up(1000, SECRETS_ZERO);
	fill_up(1000, SECRETS_WEAK);
}

/* Keys that differ only where a sum of products modulo 2^64 is weak: in the top byte of each word.
 * Their hashes all differ, and no bucket gets more than its share. */
static void hash_of_chosen_keys(void **state)
{
	enum {
		KEYS = 65536,
		BUCKETS = 8192
	};
	struct table *table = table_new(BUCKETS * TABLE_INDEX_LOAD, 0);
	struct table *other = table_new(10, 0);
	static uint32_t load[BUCKETS], tags[65536];
	uint8_t key[SESSD_KEY_SIZE] = {0};

	(void)state;
	memset(load, 0, sizeof(load));
	memset(tags, 0, sizeof(tags));
	assert_int_equal(table->bucket_count, BUCKETS);
	assert_int_not_equal(table_hash(table, key), table_hash(other, key));
	for (unsigned i = 0; i < KEYS; i++) {
		uint64_t hash;

		for (unsigned word = 0; word < 4; word++)
			key[8 * word + 7] = (i >> 4 * word & 15) << 4;
		hash = table_hash(table, key);
		load[table_home(table, hash)]++;
		tags[table_tag(hash)]++;
	}
	/* 8 on average; a Poisson variable of that mean exceeds 40 once in 10^16. */
	for (unsigned i = 0; i < BUCKETS; i++)
		assert_true(load[i] <= 40);
	/* 2 on average, as tags are odd. */
	for (unsigned i = 0; i < 65536; i++)
		assert_true(tags[i] <= 24);
	table_destroy(table);
	table_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full),
		cmocka_unit_test(collisions),
		cmocka_unit_test(hash_of_chosen_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
