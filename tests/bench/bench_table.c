/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Nanoseconds of one lookup in the table: `bench_table [sessions...]`. Keys are looked up in random
 * order, one after the other, or in staged bursts of 32.
 */
#include "dataplane/table/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VALUE_SIZE 144
#define BURST	   32
#define LOOKUPS	   (4U << 20)

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static void make_key(uint8_t key[SESSD_KEY_SIZE], uint64_t number)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = mix(4 * number + i);

		memcpy(key + 8 * i, &word, 8);
	}
}

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

/* Looks up `sessions` numbers from `first` on; returns the hits. */
static unsigned run(struct table *table, uint32_t sessions, uint64_t first, bool staged)
{
	static uint8_t keys[BURST][SESSD_KEY_SIZE], value[VALUE_SIZE];
	unsigned hits = 0, retries = 0;
	uint64_t hash[BURST], random = 1;
	uint16_t len, sum;

	for (unsigned done = 0; done < LOOKUPS; done += BURST) {
		for (unsigned i = 0; i < BURST; i++) {
			random = mix(random);
			make_key(keys[i], first + (random >> 32) * sessions / (1ULL << 32));
		}
		if (staged) {
			for (unsigned i = 0; i < BURST; i++) {
				hash[i] = table_hash(table, keys[i]);
				table_prefetch_bucket(table, hash[i]);
			}
			for (unsigned i = 0; i < BURST; i++)
				table_prefetch_slot(table, hash[i]);
		}
		for (unsigned i = 0; i < BURST; i++) {
			if (!staged)
				hash[i] = table_hash(table, keys[i]);
			hits += table_get(table, hash[i], keys[i], 0, value, &len, &sum,
					&retries) == TABLE_HIT;
		}
	}
	return hits;
}

/* The cost of the loop without the table. */
static double overhead(uint32_t sessions)
{
	volatile uint8_t sink;
	double start = seconds();
	uint64_t random = 1;
	uint8_t key[SESSD_KEY_SIZE];

	for (unsigned done = 0; done < LOOKUPS; done++) {
		random = mix(random);
		make_key(key, (random >> 32) * sessions / (1ULL << 32));
		sink = key[random % SESSD_KEY_SIZE];
	}
	(void)sink;
	return (seconds() - start) * 1e9 / LOOKUPS;
}

static int bench(uint32_t sessions)
{
	struct table_config config = {.capacity = sessions, .value_max = SESSD_VALUE_DEFAULT_MAX};
	struct table *table = table_create(&config);
	uint8_t value[VALUE_SIZE];
	double start;

	if (!table) {
		perror("table_create");
		return 1;
	}
	memset(value, 0x5a, sizeof(value));
	start = seconds();
	for (uint32_t i = 0; i < sessions; i++) {
		struct session session = {.expires = 1, .len = VALUE_SIZE};

		make_key(session.key, i);
		session.slot = table_alloc(table);
		table_insert(table, table_hash(table, session.key), &session, value);
	}
	printf("%" PRIu32 " sessions: insert %.0f ns, loop %.0f ns, get", sessions,
		(seconds() - start) * 1e9 / sessions, overhead(sessions));
	for (int miss = 0; miss < 2; miss++) {
		for (int staged = 0; staged < 2; staged++) {
			unsigned hits;

			run(table, sessions, miss ? sessions : 0, staged);
			start = seconds();
			hits = run(table, sessions, miss ? sessions : 0, staged);
			printf("%s %s%s %.1f ns", miss || staged ? "," : "", miss ? "miss" : "hit",
				staged ? " in bursts" : "", (seconds() - start) * 1e9 / LOOKUPS);
			if (hits != (miss ? 0 : LOOKUPS)) {
				fprintf(stderr, "%u hits of %u\n", hits, LOOKUPS);
				return 1;
			}
		}
	}
	printf("\n");
	table_destroy(table);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return bench(1000) || bench(1000000);
	for (int i = 1; i < argc; i++) {
		if (bench(strtoul(argv[i], NULL, 10)))
			return 1;
	}
	return 0;
}
