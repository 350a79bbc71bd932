/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The queue of records: order, limits, wiping, and both sides at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/record_ring.h"

#include "tests/unit/random.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define SIZE	8192
#define RECORDS 200000

static void make(uint64_t number, struct farm_record *record, uint8_t value[SESSD_VALUE_LIMIT])
{
	*record = (struct farm_record){.type = (uint8_t)(1 + number % 4),
		.value_len =
			(uint16_t)(number % 7 == 0 ? SESSD_VALUE_LIMIT : random_mix(number) % 500),
		.value = value,
		.seconds_left = (uint32_t)number};
	memset(record->key, (int)(number % 251), sizeof(record->key));
	for (unsigned i = 0; i < record->value_len; i++)
		value[i] = (uint8_t)(number + i);
}

struct expected {
	uint64_t next, position;
};

static bool check(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at)
{
	struct expected *expected = ctx;
	uint8_t value[SESSD_VALUE_LIMIT];
	struct farm_record wanted;

	make(expected->next, &wanted, value);
	assert_int_equal(record->type, wanted.type);
	assert_int_equal(record->value_len, wanted.value_len);
	/* It may have waited a minute, on a busy machine. */
	assert_in_range(record->seconds_left,
		wanted.seconds_left > 60 ? wanted.seconds_left - 60 : 0, wanted.seconds_left);
	assert_memory_equal(record->key, wanted.key, SESSD_KEY_SIZE);
	assert_memory_equal(record->value, value, wanted.value_len);
	assert_int_equal(age, expected->next % 3);
	assert_true(expected->next == 0 || at > expected->position);
	expected->position = at;
	expected->next++;
	return true;
}

/* Fills and empties it in steps of all sizes, so that records end everywhere. */
static void in_order(void **state)
{
	uint8_t value[SESSD_VALUE_LIMIT];
	struct expected expected = {0};
	struct farm_record record;
	struct record_ring ring;
	uint64_t pushed = 0;

	(void)state;
	assert_int_equal(record_ring_open(&ring, SIZE), 0);
	for (unsigned round = 0; round < 5000; round++) {
		unsigned n = (unsigned)(random_mix(round) % 20);

		for (;; pushed++) {
			make(pushed, &record, value);
			if (!record_ring_push(&ring, &record, (enum farm_age)(pushed % 3), 0))
				break;
		}
		assert_true(record_ring_room(&ring) < 2 * (48 + SESSD_VALUE_LIMIT + 16));
		assert_true(record_ring_pull(&ring, n, check, &expected) <= n);
	}
	record_ring_pull(&ring, UINT32_MAX, check, &expected);
	assert_int_equal(expected.next, pushed);
	assert_true(pushed > 5000);
	assert_int_equal(record_ring_room(&ring), SIZE);
	/* No value is left. */
	for (unsigned i = 0; i + 64 < SIZE; i += 64) {
		unsigned run = 0;

		while (run < 64 && ring.bytes[i + run] == (uint8_t)(ring.bytes[i] + run))
			run++;
		assert_true(run < 64);
	}
	record_ring_close(&ring);
}

static void leaves_room(void **state)
{
	struct farm_record record = {.type = FARM_REMOVE};
	struct record_ring ring;
	unsigned n = 0, more = 0;

	(void)state;
	assert_int_equal(record_ring_open(&ring, SIZE), 0);
	while (record_ring_push(&ring, &record, FARM_LIVE, SIZE / 4))
		n++;
	while (record_ring_push(&ring, &record, FARM_LIVE, 0))
		more++;
	assert_int_equal(n, SIZE * 3 / 4 / 48);
	assert_in_range(more, SIZE / 4 / 48 - 1, SIZE / 4 / 48 + 1);
	record_ring_close(&ring);
}

static void *produce(void *arg)
{
	struct record_ring *ring = arg;
	uint8_t value[SESSD_VALUE_LIMIT];
	struct farm_record record;

	for (uint64_t i = 0; i < RECORDS; i++) {
		make(i, &record, value);
		while (!record_ring_push(ring, &record, (enum farm_age)(i % 3), 0))
			sched_yield();
	}
	return NULL;
}

static void both_sides(void **state)
{
	struct expected expected = {0};
	struct record_ring ring;
	pthread_t thread;

	(void)state;
	assert_int_equal(record_ring_open(&ring, SIZE), 0);
	assert_int_equal(pthread_create(&thread, NULL, produce, &ring), 0);
	while (expected.next < RECORDS)
		if (record_ring_pull(&ring, 64, check, &expected) == 0)
			sched_yield();
	pthread_join(thread, NULL);
	record_ring_close(&ring);
}

static bool note_left(void *ctx, const struct farm_record *record, enum farm_age age, uint64_t at)
{
	uint32_t *left = ctx;

	(void)age;
	(void)at;
	*left = record->seconds_left;
	return false;
}

static void time_in_the_queue_counts(void **state)
{
	struct farm_record record = {.type = FARM_NEW, .seconds_left = 300};
	struct record_ring ring;
	uint32_t left = 1000;

	(void)state;
	assert_int_equal(record_ring_open(&ring, SIZE), 0);
	assert_true(record_ring_push(&ring, &record, FARM_LIVE, 0));
	record.seconds_left = 1;
	assert_true(record_ring_push(&ring, &record, FARM_LIVE, 0));
	sleep(3);
	assert_int_equal(record_ring_pull(&ring, 10, note_left, &left), 1);
	assert_in_range(left, 200, 298);
	assert_int_equal(record_ring_pull(&ring, 10, note_left, &left), 1);
	assert_int_equal(left, 0);
	record_ring_close(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(leaves_room),
		cmocka_unit_test(both_sides),
		cmocka_unit_test(time_in_the_queue_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
