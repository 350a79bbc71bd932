/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table's guarantees, one per test. Random operations are in test_table_model.c, threads in
 * test_table_stress.c, memory in test_table_memory.c, the index in test_table_index.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/table_check.h"

#include <errno.h>

static void ranges(void **state)
{
	static const struct table_config bad[] = {
		{.capacity = 0, .value_max = 512},
		{.capacity = SESSD_SLOT_LIMIT, .value_max = 0},
		{.capacity = UINT32_MAX, .value_max = 0},
		{.capacity = 1, .value_max = SESSD_VALUE_LIMIT + 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		errno = 0;
		assert_null(table_create(&bad[i]));
		assert_int_equal(errno, EINVAL);
	}
	table_destroy(NULL);
}

/* Every length, in tables of different shapes; and nothing is left after the delete. */
static void lengths(void **state)
{
	static const uint16_t value_max[] = {1, 16, 17, 144, 207, 208, 209, 512, 1393, 1400};
	uint8_t value[SESSD_VALUE_LIMIT + 8], expected[SESSD_VALUE_LIMIT];

	(void)state;
	for (size_t m = 0; m < sizeof(value_max) / sizeof(*value_max); m++) {
		struct table *table = table_new(2, value_max[m]);

		put(table, 7000, 1, 1);
		for (unsigned len = 1; len <= value_max[m]; len++) {
			unsigned retries = 0;
			uint16_t got = 0;

			put(table, len, len, 1);
			memset(value, 0xee, sizeof(value));
			assert_int_equal(get(table, len, 0, value, &got, &retries), TABLE_HIT);
			assert_int_equal(got, len);
			make_value(expected, len, len);
			assert_memory_equal(value, expected, len);
			for (unsigned i = len; i < sizeof(value); i++)
				assert_int_equal(value[i], 0xee); /* and not a byte more */
			table_delete(table, find(table, len));
			assert_int_equal(find(table, len), TABLE_NO_SLOT);
			check_table(table); /* it was wiped */
		}
		table_destroy(table);
	}
}

static void expiry_and_marks(void **state)
{
	struct table *table = table_new(10, 512);
	uint64_t *marks = table_marks(table);
	uint8_t value[512];
	uint32_t slot = put(table, 1, 100, 1000);
	unsigned retries = 0;
	uint16_t len;

	(void)state;
	assert_int_equal(get(table, 2, 0, value, &len, &retries), TABLE_MISS);
	assert_int_equal(get(table, 1, 1000, value, &len, &retries), TABLE_EXPIRED);
	assert_int_equal(get(table, 1, UINT64_MAX, value, &len, &retries), TABLE_EXPIRED);
	assert_int_equal(find(table, 1), slot); /* also an expired one */
	assert_int_equal(marks[slot / 64], 0);
	assert_int_equal(get(table, 1, 999, value, &len, &retries), TABLE_HIT);
	assert_int_equal(marks[slot / 64], mark_bit(slot));
	table_delete(table, slot);
	assert_int_equal(put(table, 3, 100, 1000), slot); /* warm memory first */
	assert_int_equal(marks[slot / 64], 0);
	assert_int_equal(retries, 0);
	table_destroy(table);
}

/* A slot that is being written, as a reader on another core sees it. */
static void torn(void **state)
{
	struct table *table = table_new(10, 512);
	uint32_t slot = put(table, 1, 100, 1000);
	uint64_t *head = &table_slot_at(table, slot)->head;
	uint8_t value[512];
	unsigned retries = 5;
	uint16_t len;

	(void)state;
	*head |= SLOT_WRITING;
	assert_int_equal(get(table, 1, 0, value, &len, &retries), TABLE_TORN);
	assert_true(retries > 5 && retries < 100);
	assert_false(mark_test(table_marks(table), slot));
	*head &= ~(uint64_t)SLOT_WRITING;
	retries = 0;
	assert_int_equal(get(table, 1, 0, value, &len, &retries), TABLE_HIT);
	assert_int_equal(retries, 0);
	table_destroy(table);
}

static enum table_result take(struct table *table, uint64_t number, uint64_t now, uint8_t *value)
{
	uint8_t key[SESSD_KEY_SIZE];
	unsigned retries = 0;
	uint16_t len, sum;

	make_key(key, number);
	return table_take(table, table_hash(table, key), key, now, value, &len, &sum, &retries);
}

/* Taken once, by a reader or by the writer; a miss from then on, and wiped when it is deleted. */
static void takes(void **state)
{
	static const uint16_t lengths[] = {1, 8, 144, 145, 208, 209, 512, 1400};
	uint8_t value[SESSD_VALUE_LIMIT], expected[SESSD_VALUE_LIMIT];
	struct table *table = table_new(10, SESSD_VALUE_LIMIT);
	struct session session;
	unsigned retries = 0;
	uint16_t len;

	(void)state;
	for (uint64_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		uint32_t slot = put(table, i, lengths[i], 1000);

		assert_int_equal(take(table, i, 1000, value), TABLE_EXPIRED);
		assert_false(table_taken(table, slot));
		if (i % 2) {
			assert_true(table_claim(table, slot));
		} else {
			assert_int_equal(take(table, i, 999, value), TABLE_HIT);
			make_value(expected, lengths[i], i);
			assert_memory_equal(value, expected, lengths[i]);
		}
		assert_true(table_taken(table, slot));
		assert_false(table_claim(table, slot));
		assert_int_equal(take(table, i, 999, value), TABLE_MISS);
		assert_int_equal(get(table, i, 999, value, &len, &retries), TABLE_MISS);
		/* The writer still knows it, whole. */
		assert_int_equal(find(table, i), slot);
		assert_true(table_slot(table, slot, &session));
		assert_int_equal(session.len, lengths[i]);
		table_delete(table, slot);
		check_table(table);
		assert_int_equal(put(table, 100 + i, 100, 1000), slot);
		assert_false(table_taken(table, slot));
		table_delete(table, slot);
	}
	assert_int_equal(retries, 0);
	table_destroy(table);
}

/* The slot beyond the capacity: found, renewed, and neither counted, given out nor taken. */
static void extra_slot(void **state)
{
	struct table *table = table_new(1, 512);
	struct session session = {
		.expires = 10, .len = 8, .sum = 77, .slot = table_extra_slot(table)};
	uint8_t value[SESSD_VALUE_LIMIT];
	unsigned retries = 0;
	uint16_t len;

	(void)state;
	make_key(session.key, 77);
	table_insert(table, table_hash(table, session.key), &session, "8 bytes");
	assert_int_equal(table_count(table), 0);
	assert_int_equal(table_used_end(table), 0);
	assert_int_equal(get(table, 77, 9, value, &len, &retries), TABLE_HIT);
	assert_string_equal((char *)value, "8 bytes");
	assert_int_equal(get(table, 77, 10, value, &len, &retries), TABLE_EXPIRED);
	table_renew(table, session.slot, 20);
	assert_int_equal(get(table, 77, 19, value, &len, &retries), TABLE_HIT);
	assert_int_equal(take(table, 77, 19, value), TABLE_MISS);
	assert_int_equal(get(table, 77, 19, value, &len, &retries), TABLE_HIT);
	assert_int_equal(put(table, 1, 100, 1000), 0);
	assert_int_equal(table_alloc(table), TABLE_NO_SLOT);
	assert_int_equal(table_count(table), 1);
	assert_int_equal(find(table, 77), 1);
	table_destroy(table);
}

/* A key of zeros is valid: wiped slots do not answer for it. */
static void zero_key(void **state)
{
	struct table *table = table_new(10, 512);
	struct session session = {.expires = 9, .len = 8, .slot = table_alloc(table)};
	uint64_t hash = table_hash(table, session.key);
	unsigned retries = 0;
	uint8_t value[512];
	uint16_t len, sum;

	(void)state;
	assert_int_equal(
		table_get(table, hash, session.key, 0, value, &len, &sum, &retries), TABLE_MISS);
	table_insert(table, hash, &session, "8 bytes");
	assert_int_equal(
		table_get(table, hash, session.key, 0, value, &len, &sum, &retries), TABLE_HIT);
	assert_string_equal((char *)value, "8 bytes");
	table_delete(table, session.slot);
	assert_int_equal(
		table_get(table, hash, session.key, 0, value, &len, &sum, &retries), TABLE_MISS);
	assert_int_equal(retries, 0);
	table_destroy(table);
}

/* The sequence number wraps around at 2^32. */
static void sequence_wraps(void **state)
{
	struct table *table = table_new(1, 512);
	unsigned retries = 0;
	uint8_t value[512];
	uint16_t len;

	(void)state;
	table_slot_at(table, 0)->head = UINT32_MAX - 11;
	for (uint64_t i = 0; i < 10; i++) {
		uint32_t slot = put(table, i, 50 + i, 1);

		assert_int_equal(get(table, i, 0, value, &len, &retries), TABLE_HIT);
		assert_int_equal(len, 50 + i);
		table_delete(table, slot);
		check_table(table);
	}
	assert_true((uint32_t)table_slot_at(table, 0)->head < 100);
	table_destroy(table);
}

/* After adoption every other slot is still handed out, once. */
static void adoption(void **state)
{
	enum {
		CAPACITY = 1000
	};
	uint64_t seed = 5;

	(void)state;
	for (unsigned adopted = 0; adopted <= CAPACITY; adopted += 125) {
		struct table *table = table_new(CAPACITY, 0);
		uint8_t taken[CAPACITY] = {0};

		for (unsigned i = 0; i < adopted; i++) {
			uint32_t slot = random_below(&seed, CAPACITY);

			if (adopted == CAPACITY)
				slot = i;
			assert_int_equal(table_alloc_at(table, slot), !taken[slot]);
			taken[slot] = 1;
		}
		assert_false(table_alloc_at(table, CAPACITY));
		assert_false(table_alloc_at(table, TABLE_NO_SLOT));
		for (uint32_t i = 0; i < CAPACITY; i += 3) { /* some were not wanted */
			if (taken[i]) {
				table_unalloc(table, i);
				taken[i] = 0;
			}
		}
		for (unsigned round = 0; round < 2; round++) {
			uint32_t slot;

			while ((slot = table_alloc(table)) != TABLE_NO_SLOT)
				assert_int_equal(taken[slot]++, 0);
			for (uint32_t i = 0; i < CAPACITY; i++)
				assert_int_equal(taken[i], 1);
			for (uint32_t i = 0; i < CAPACITY; i += 1 + i % 7) {
				table_unalloc(table, i);
				taken[i] = 0;
			}
		}
		table_destroy(table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(lengths),
		cmocka_unit_test(expiry_and_marks),
		cmocka_unit_test(torn),
		cmocka_unit_test(takes),
		cmocka_unit_test(extra_slot),
		cmocka_unit_test(zero_key),
		cmocka_unit_test(sequence_wraps),
		cmocka_unit_test(adoption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
