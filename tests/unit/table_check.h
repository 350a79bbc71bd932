/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Shared by tests of the table: keys and values made from numbers, known secrets, and a check of
 * the table's whole internal state.
 */
#ifndef SESSIOND_TESTS_TABLE_CHECK_H
#define SESSIOND_TESTS_TABLE_CHECK_H

#include "dataplane/table/table_private.h"
#include "tests/unit/random.h"

/* The second word of each pair is the same in all keys: see set_secrets. */
#define KEY_CONSTANT 0xd6e8feb86659fd93

static inline void make_key(uint8_t key[SESSD_KEY_SIZE], uint64_t number)
{
	for (unsigned i = 0; i < TABLE_KEY_WORDS; i++) {
		uint64_t word = i % 2 ? KEY_CONSTANT : random_mix(4 * number + i);

		memcpy(key + 8 * i, &word, 8);
	}
}

/* No byte is 0, so that a wiped byte is noticed. */
static inline void make_value(uint8_t *value, unsigned len, uint64_t number)
{
	for (unsigned i = 0; i < len; i++)
		value[i] = random_mix(number << 16 ^ i) % 255 + 1;
}

enum secrets {
	SECRETS_RANDOM, /* like the table's, but known */
	SECRETS_ZERO,	/* every key has the same hash: one home bucket, one tag */
	SECRETS_WEAK,	/* every 16th key has the same hash */
};

static inline void set_secrets(struct table *table, enum secrets kind, uint64_t seed)
{
	memset(table->secret, 0, sizeof(table->secret));
	if (kind == SECRETS_RANDOM) {
		for (unsigned i = 0; i < TABLE_KEY_WORDS; i++)
			table->secret[i] = random_next(&seed);
		return;
	}
	/* A pair's product has one factor of 0 or 16, which leaves an upper half of 4 bits. */
	table->secret[1] = (kind == SECRETS_WEAK ? 16 : 0) - KEY_CONSTANT;
	table->secret[3] = -KEY_CONSTANT;
}

static inline void check_wiped(const void *memory, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(((const uint8_t *)memory)[i], 0);
}

/* Every cell is in its place, passed counts are exact, and free slots are wiped. */
static inline void check_table(const struct table *table)
{
	uint32_t *passed = calloc(table->bucket_count, sizeof(*passed));
	uint8_t *seen = calloc(table->capacity, 1);
	uint32_t count = 0;

	for (uint32_t at = 0; at < table->bucket_count; at++) {
		const struct bucket *bucket = &table->buckets[at];

		for (unsigned cell = 0; cell < TABLE_CELLS; cell++) {
			uint16_t tag = bucket->words[cell / 4] >> cell % 4 * 16;
			struct session session;
			uint64_t hash;

			if (!tag)
				continue;
			assert_true(table_slot(table, bucket->slots[cell], &session));
			assert_int_equal(seen[session.slot]++, 0);
			hash = table_hash(table, session.key);
			assert_int_equal(tag, table_tag(hash));
			for (uint32_t b = table_home(table, hash); b != at;
				b = table_next_bucket(table, b))
				passed[b]++;
			count++;
		}
	}
	assert_int_equal(count, table_count(table));
	for (uint32_t at = 0; at < table->bucket_count; at++)
		assert_int_equal(table->buckets[at].words[2] >> 32, passed[at]);
	for (uint32_t i = 0; i < table->capacity; i++) {
		const struct table_slot *slot = table_slot_at(table, i);

		if (seen[i])
			continue;
		if (table_is_index(table)) {
			assert_false(table_holds(table, i));
			check_wiped(table_key_at(table, i), SESSD_KEY_SIZE);
			continue;
		}
		assert_int_equal(slot->head & SLOT_STATE, 0);
		assert_int_equal(slot->head >> 32, 0);
		check_wiped(&slot->expires, table->slot_bytes - sizeof(slot->head));
	}
	for (uint32_t i = 0; table->blocks && i < table->free_blocks.returned_count; i++)
		check_wiped(
			table_block_at(table, table->free_blocks.returned[i]), table->block_bytes);
	free(passed);
	free(seen);
}

/* Sessions by number: the key is make_key's, the value make_value's, the sum the number itself. */

static inline struct table *table_new(uint32_t capacity, uint16_t value_max)
{
	struct table_config config = {.capacity = capacity, .value_max = value_max};
	struct table *table = table_create(&config);

	assert_non_null(table);
	assert_int_equal(table_capacity(table), capacity);
	assert_int_equal(table_count(table), 0);
	return table;
}

static inline uint32_t put(struct table *table, uint64_t number, unsigned len, uint64_t expires)
{
	struct session session = {
		.expires = expires, .len = len, .sum = number, .slot = table_alloc(table)};
	uint8_t value[SESSD_VALUE_LIMIT];

	assert_int_not_equal(session.slot, TABLE_NO_SLOT);
	make_key(session.key, number);
	make_value(value, len, number);
	table_insert(table, table_hash(table, session.key), &session, value);
	return session.slot;
}

static inline uint32_t find(struct table *table, uint64_t number)
{
	uint8_t key[SESSD_KEY_SIZE];

	make_key(key, number);
	return table_find(table, table_hash(table, key), key);
}

static inline enum table_result get(struct table *table, uint64_t number, uint64_t now,
	uint8_t *value, uint16_t *len, unsigned *retries)
{
	uint8_t key[SESSD_KEY_SIZE];
	uint16_t sum = 0;
	enum table_result result;

	make_key(key, number);
	result = table_get(table, table_hash(table, key), key, now, value, len, &sum, retries);
	if (result == TABLE_HIT)
		assert_int_equal(sum, (uint16_t)number);
	return result;
}

#endif
