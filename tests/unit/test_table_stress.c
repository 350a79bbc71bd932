/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One writer that stores and deletes as fast as possible in very few slots, and readers that check
 * every byte of every hit: a value is computed from its key and its version, and names both.
 * Bounded in time and in operations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/table_check.h"

#include <inttypes.h>
#include <pthread.h>

#define READERS	       2
#define SECONDS	       1.5
#define OPERATIONS_MAX 20000000U
#define KEYS_MAX       64
#define NOW	       1000

struct stress {
	struct table *table;
	unsigned keys;	 /* requested and changed, after: */
	unsigned stable; /* never changed */
	uint16_t value_max;
	bool stop;
};

struct reader {
	struct stress *stress;
	pthread_t thread;
	uint64_t seed;
	uint64_t hits, misses;
	unsigned torn, retries;
	/* Faults */
	uint64_t wrong_bytes, wrong_head, expired, lost;
};

static uint64_t value_word(uint64_t key, uint64_t version, unsigned i)
{
	return (version << 8 | key) * (2 * i + 0x9e3779b97f4a7c15);
}

static uint16_t version_len(uint64_t key, uint64_t version, uint16_t value_max)
{
	return 16 + random_mix(version << 8 | key) % (value_max - 15);
}

static uint16_t version_sum(uint64_t key, uint64_t version)
{
	return random_mix(version << 8 | key) >> 48;
}

/* Two words name the version and the key, the rest is computed from them. */
static void fill_value(uint8_t *value, unsigned len, uint64_t key, uint64_t version)
{
	for (unsigned at = 0; at < len; at += 8) {
		uint64_t word = at == 0	  ? version
				: at == 8 ? key
					  : value_word(key, version, at / 8);

		memcpy(value + at, &word, len - at < 8 ? len - at : 8);
	}
}

static uint32_t store(struct stress *stress, uint64_t key, uint64_t version)
{
	struct session session = {
		.expires = NOW + 1 + version % 1000,
		.len = version_len(key, version, stress->value_max),
		.sum = version_sum(key, version),
		.slot = table_alloc(stress->table),
	};
	uint8_t value[SESSD_VALUE_LIMIT];

	if (session.slot == TABLE_NO_SLOT)
		return TABLE_NO_SLOT;
	make_key(session.key, key);
	fill_value(value, session.len, key, version);
	table_insert(stress->table, table_hash(stress->table, session.key), &session, value);
	return session.slot;
}

static void check_hit(
	struct reader *reader, uint64_t key, const uint8_t *value, uint16_t len, uint16_t sum)
{
	uint8_t expected[SESSD_VALUE_LIMIT];
	uint64_t version;

	memcpy(&version, value, 8);
	if (len < 16 || len != version_len(key, version, reader->stress->value_max) ||
		sum != version_sum(key, version)) {
		reader->wrong_head++;
		return;
	}
	fill_value(expected, len, key, version);
	if (memcmp(value, expected, len) != 0)
		reader->wrong_bytes++;
}

static void *read_all(void *arg)
{
	struct reader *reader = arg;
	struct stress *stress = reader->stress;
	uint8_t keys[KEYS_MAX][SESSD_KEY_SIZE];
	uint64_t hashes[KEYS_MAX];

	for (unsigned i = 0; i < stress->stable + stress->keys; i++) {
		make_key(keys[i], i);
		hashes[i] = table_hash(stress->table, keys[i]);
	}
	while (!load_relaxed(&stress->stop)) {
		uint32_t key = random_below(&reader->seed, stress->stable + stress->keys);
		uint8_t value[SESSD_VALUE_LIMIT];
		uint16_t len = 0, sum = 0;

		table_prefetch_slot(stress->table, hashes[key]);
		switch (table_get(stress->table, hashes[key], keys[key], NOW, value, &len, &sum,
			&reader->retries)) {
		case TABLE_HIT:
			reader->hits++;
			check_hit(reader, key, value, len, sum);
			continue;
		case TABLE_EXPIRED: /* no session ever ends; a deleted slot's content would have */
			reader->expired++;
			break;
		case TABLE_TORN:
			reader->torn++;
			break;
		case TABLE_MISS:
		case TABLE_LOST:
			reader->misses++;
			break;
		}
		/* A session that is not deleted is always found, whatever happens around it. */
		if (key < stress->stable)
			reader->lost++;
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static uint64_t write_all(struct stress *stress, uint64_t seed)
{
	uint32_t slots[KEYS_MAX]; /* of each key */
	double end = seconds() + SECONDS;
	uint64_t done = 0;

	for (unsigned i = 0; i < KEYS_MAX; i++)
		slots[i] = TABLE_NO_SLOT;
	while (done < OPERATIONS_MAX && (done % 1024 || seconds() < end)) {
		uint32_t key = stress->stable + random_below(&seed, stress->keys);

		done++;
		if (slots[key] == TABLE_NO_SLOT) {
			slots[key] = store(stress, key, done);
		} else {
			table_delete(stress->table, slots[key]);
			slots[key] = TABLE_NO_SLOT;
		}
	}
	return done;
}

static void run(
	uint32_t capacity, unsigned stable, unsigned keys, uint16_t value_max, enum secrets secrets)
{
	struct table_config config = {.capacity = capacity, .value_max = value_max};
	struct stress stress = {.stable = stable, .keys = keys, .value_max = value_max};
	struct reader readers[READERS] = {0}, sum = {0};
	uint64_t seeds[4], done;

	assert_true(stable + keys <= KEYS_MAX);
	random_seeds(seeds);
	stress.table = table_create(&config);
	assert_non_null(stress.table);
	set_secrets(stress.table, secrets, seeds[0]);
	for (unsigned i = 0; i < stable; i++)
		assert_int_not_equal(store(&stress, i, i), TABLE_NO_SLOT);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i].stress = &stress;
		readers[i].seed = seeds[0] + 100 + i;
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, read_all, &readers[i]), 0);
	}
	done = write_all(&stress, seeds[0]);
	store_relaxed(&stress.stop, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		sum.hits += readers[i].hits;
		sum.misses += readers[i].misses;
		sum.torn += readers[i].torn;
		sum.retries += readers[i].retries;
		sum.wrong_bytes += readers[i].wrong_bytes;
		sum.wrong_head += readers[i].wrong_head;
		sum.expired += readers[i].expired;
		sum.lost += readers[i].lost;
	}
	check_table(stress.table);
	table_destroy(stress.table);
	print_message("capacity %" PRIu32 ": %" PRIu64 " changes, %" PRIu64 " hits, %" PRIu64
		      " misses, %u retries, %u given up\n",
		capacity, done, sum.hits, sum.misses, sum.retries, sum.torn);
	assert_int_equal(sum.wrong_bytes, 0);
	assert_int_equal(sum.wrong_head, 0);
	assert_int_equal(sum.expired, 0);
	assert_int_equal(sum.lost, 0);
	assert_true(done > 0 && sum.hits > 0 && sum.misses > 0);
}

/* Every slot is reused at once, mostly by another key. */
static void one_slot(void **state)
{
	(void)state;
	run(1, 0, 2, 512, SECRETS_RANDOM);
}

static void few_slots(void **state)
{
	(void)state;
	run(8, 3, 12, SESSD_VALUE_LIMIT, SECRETS_RANDOM);
}

/* Sessions pass full buckets all the time. */
static void one_chain(void **state)
{
	(void)state;
	run(40, 20, 40, 300, SECRETS_ZERO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_slot),
		cmocka_unit_test(few_slots),
		cmocka_unit_test(one_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
