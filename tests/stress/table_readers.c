/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * table_readers get|burst right|wrong: the table's two readers, for socket mode and for dpdk mode's
 * bursts, while a writer on another CPU stores and deletes as fast as possible in a few slots. A
 * value is computed from its key and the number of its store; every byte of every hit is checked.
 * `right`: exits 0 if nothing was wrong. `wrong`: exits 0 if something was wrong, for a build whose
 * readers do not check again after the copy.
 *
 * SESSIOND_LONG in the environment: ten times as many lookups.
 */
#include "dataplane/table/table_burst.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define KEYS	  32
#define CAPACITY  16
#define VALUE_MAX 144
#define LOOKUPS	  10000000ULL
#define BURST	  32
#define NOW	  1000

/* A few wrong replies are proof enough. */
#define WRONG_ENOUGH 10

static struct table *table;
static uint8_t keys[KEYS][SESSD_KEY_SIZE];
static bool stop;
static uint64_t changes;

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static unsigned value_len(unsigned key, uint64_t store)
{
	return 16 + (unsigned)(mix(store << 8 | key) % (VALUE_MAX - 15));
}

static uint64_t value_word(unsigned key, uint64_t store, unsigned i)
{
	return i == 0 ? store : mix((store << 8 | key) + i * 0x9e3779b97f4a7c15);
}

static void make_value(uint8_t *value, unsigned len, unsigned key, uint64_t store)
{
	for (unsigned at = 0; at < len; at += 8) {
		uint64_t word = value_word(key, store, at / 8);

		memcpy(value + at, &word, len - at < 8 ? len - at : 8);
	}
}

static bool right(unsigned key, const uint8_t *value, unsigned len, uint16_t sum)
{
	uint8_t expected[VALUE_MAX];
	uint64_t store;

	memcpy(&store, value, 8);
	if (len != value_len(key, store) || sum != (uint16_t)store)
		return false;
	make_value(expected, len, key, store);
	return memcmp(value, expected, len) == 0;
}

static void bind_to(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* If it may not, both share a CPU: then only preemption lets the other thread run. */
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *write_all(void *arg)
{
	uint32_t slots[KEYS];
	uint64_t random = 7;
	uint8_t value[VALUE_MAX];

	(void)arg;
	bind_to(1);
	for (unsigned i = 0; i < KEYS; i++)
		slots[i] = TABLE_NO_SLOT;
	while (!load_relaxed(&stop)) {
		unsigned key = (unsigned)(mix(random++) % KEYS);
		struct session session = {.expires = NOW + 1};

		if (slots[key] != TABLE_NO_SLOT) {
			table_delete(table, slots[key]);
			slots[key] = TABLE_NO_SLOT;
		} else {
			session.slot = table_alloc(table);
			if (session.slot == TABLE_NO_SLOT)
				continue;
			slots[key] = session.slot;
			session.len = (uint16_t)value_len(key, changes);
			session.sum = (uint16_t)changes;
			memcpy(session.key, keys[key], SESSD_KEY_SIZE);
			make_value(value, session.len, key, changes);
			table_insert(table, table_hash(table, keys[key]), &session, value);
		}
		store_relaxed(&changes, changes + 1);
	}
	return NULL;
}

struct tally {
	uint64_t lookups, hits, wrong;
	unsigned retries;
};

static void tally_hit(
	struct tally *tally, unsigned key, const uint8_t *value, unsigned len, uint16_t sum)
{
	tally->hits++;
	if (len < 16 || len > VALUE_MAX || !right(key, value, len, sum))
		tally->wrong++;
}

static void by_get(struct tally *tally, uint64_t random)
{
	uint8_t value[VALUE_MAX];
	uint16_t len, sum;

	for (unsigned i = 0; i < BURST; i++) {
		unsigned key = (unsigned)(mix(random + i) % KEYS);

		if (table_get(table, table_hash(table, keys[key]), keys[key], NOW, value, &len,
			    &sum, &tally->retries) == TABLE_HIT)
			tally_hit(tally, key, value, len, sum);
	}
}

/* As in dpdk mode's lcores: each stage for the whole burst. What the third stage leaves to
 * table_get is not tested here, but by the other test. */
static void by_burst(struct tally *tally, uint64_t random)
{
	uint8_t value[VALUE_MAX + TABLE_BURST_SLACK];
	struct table_burst_key started[BURST];
	uint32_t slot[BURST];
	const struct table_view view = table_view(table);

	for (unsigned i = 0; i < BURST; i++)
		started[i] = table_burst_start(&view, keys[mix(random + i) % KEYS]);
	for (unsigned i = 0; i < BURST; i++)
		slot[i] = table_burst_find(&view, &started[i]);
	for (unsigned i = 0; i < BURST; i++) {
		unsigned key = (unsigned)(mix(random + i) % KEYS);

		struct table_burst_value found;

		if (slot[i] == TABLE_NO_SLOT)
			continue;
		found = table_burst_get(&view, slot[i], keys[key], NOW, value);
		if (found.found)
			tally_hit(tally, key, value, found.len, found.sum);
	}
}

static int judge(const struct tally *tally, bool expect_wrong)
{
	printf("%" PRIu64 " lookups, %" PRIu64 " hits, %u retries, %" PRIu64 " changes, %" PRIu64
	       " wrong\n",
		tally->lookups, tally->hits, tally->retries, changes, tally->wrong);
	if (tally->hits == 0 || changes == 0) {
		printf("FAIL: nothing was tested\n");
		return 1;
	}
	if (expect_wrong && tally->wrong == 0)
		printf("FAIL: a reader that does not look again was not noticed\n");
	if (!expect_wrong && tally->wrong > 0)
		printf("FAIL: wrong bytes\n");
	return expect_wrong != (tally->wrong > 0);
}

int main(int argc, char **argv)
{
	struct table_config config = {.capacity = CAPACITY, .value_max = VALUE_MAX};
	uint64_t lookups = LOOKUPS * (getenv("SESSIOND_LONG") ? 10 : 1);
	bool burst = argc == 3 && strcmp(argv[1], "burst") == 0;
	bool expect_wrong = argc == 3 && strcmp(argv[2], "wrong") == 0;
	struct tally tally = {0};
	pthread_t writer;

	if (argc != 3)
		return 2;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("skipped: two CPUs are needed, one for the reader and one for the writer\n");
		return 77;
	}
#ifdef __SANITIZE_THREAD__
	if (burst) {
		printf("skipped: bursts leave lookups to table_get under the thread sanitizer\n");
		return 77;
	}
#endif
	table = table_create(&config);
	if (!table)
		return 1;
	for (unsigned i = 0; i < KEYS; i++)
		for (unsigned word = 0; word < SESSD_KEY_SIZE / 8; word++)
			((uint64_t *)(void *)keys[i])[word] = mix(4 * i + word + 1);
	if (pthread_create(&writer, NULL, write_all, NULL) != 0)
		return 1;
	bind_to(0);
	while (tally.lookups < lookups && !(expect_wrong && tally.wrong >= WRONG_ENOUGH)) {
		(burst ? by_burst : by_get)(&tally, tally.lookups);
		tally.lookups += BURST;
	}
	store_relaxed(&stop, true);
	pthread_join(writer, NULL);
	table_destroy(table);
	return judge(&tally, expect_wrong);
}
