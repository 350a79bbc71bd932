/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "dataplane/rate_limit.h"

#include <sessiond/rate_limit.h>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOW 1000000

static struct address source(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return addr;
}

static unsigned take(
	struct rate_limit *limit, const char *from, bool get, uint64_t tick, unsigned times)
{
	struct address addr = source(from);
	unsigned taken = 0;

	while (times--)
		taken += rate_limit_take(limit, &addr, get, tick);
	return taken;
}

static void test_bucket(void **state)
{
	struct rate_limit *limit = rate_limit_create(1000, 100);

	(void)state;
	assert_non_null(limit);
	assert_int_equal(take(limit, "10.0.0.1", true, NOW, 5000), 1000);
	assert_int_equal(take(limit, "10.0.0.1", false, NOW, 5000), 100);
	assert_int_equal(take(limit, "10.0.0.2", true, NOW, 5000), 1000);
	/* Half a second later half of it is refilled, a minute later all of it and no more. */
	assert_in_range(take(limit, "10.0.0.1", true, NOW + clock_ticks(1) / 2, 5000), 499, 501);
	assert_int_equal(take(limit, "10.0.0.1", true, NOW + clock_ticks(60), 5000), 1000);
	rate_limit_destroy(limit);
}

static void test_sources(void **state)
{
	struct rate_limit *limit = rate_limit_create(10, 0);

	(void)state;
	assert_int_equal(take(limit, "fd00::1", true, NOW, 100), 10);
	assert_int_equal(take(limit, "fd00::ffff:ffff:ffff:2", true, NOW, 100), 0);
	assert_int_equal(take(limit, "fd00:0:0:1::1", true, NOW, 100), 10);
	assert_int_equal(take(limit, "fd00::1", false, NOW, 100), 100);
	rate_limit_destroy(limit);
}

/* More sources than places: active ones are kept. */
static void test_many_sources(void **state)
{
	struct rate_limit *limit = rate_limit_create(10, 10);
	uint64_t tick = NOW;
	unsigned taken = 0;

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		uint8_t bytes[4] = {11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i};
		struct address addr;

		address_from_ipv4(&addr, bytes);
		tick += i % 100 == 0; /* 0.1 s for 10,000: two seconds in all */
		assert_true(rate_limit_take(limit, &addr, true, tick));
		if (i % 10 == 0)
			taken += take(limit, "10.0.0.1", true, tick, 1);
	}
	assert_in_range(taken, 10 + 10, 10 + 40);
	rate_limit_destroy(limit);
}

/* Each source's place is there from the start. */
static void test_memory(void **state)
{
	struct rate_limit *limit = rate_limit_create(10, 10);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = SESSD_LIMIT_SOURCES * sizeof(struct sessd_limit) / page;
	static unsigned char in[SESSD_LIMIT_SOURCES];

	(void)state;
	assert_non_null(limit);
	assert_int_equal((uintptr_t)limit % page, 0);
	assert_int_equal(mincore(limit, pages * page, in), 0);
	for (size_t i = 0; i < pages; i++)
		assert_true(in[i] & 1);
	rate_limit_destroy(limit);
}

#define THREADS 4

static uint64_t tick_of_threads;

static void *run(void *ctx)
{
	uintptr_t taken = 0;
	struct address addr = source("10.0.0.1");

	for (unsigned i = 0; i < 100000; i++)
		taken += rate_limit_take(ctx, &addr, true, tick_of_threads);
	return (void *)taken;
}

/* However they race, together they get no more than the limit, except for lost races. */
static void test_threads(void **state)
{
	struct rate_limit *limit = rate_limit_create(50000, 0);
	pthread_t threads[THREADS];
	uintptr_t sum = 0;
	void *taken;

	(void)state;
	tick_of_threads = NOW;
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, run, limit), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &taken);
		sum += (uintptr_t)taken;
	}
	print_message("%lu taken\n", (unsigned long)sum);
	assert_in_range(sum, 50000, 60000);
	rate_limit_destroy(limit);
}

static void test_word(void **state)
{
	__u64 bucket = 0;

	(void)state;
	assert_int_equal(sessd_limit_interval(0), 0);
	assert_int_equal(sessd_limit_interval(SESSD_LIMIT_MAX), 100);
	/* A clock at 0, and one at a very large value. */
	assert_true(sessd_limit_take(&bucket, 0, 1000000000));
	assert_false(sessd_limit_take(&bucket, 0, 1000000000));
	bucket = 0;
	assert_true(sessd_limit_take(&bucket, UINT64_MAX / 2, 1000000000));
	assert_false(sessd_limit_take(&bucket, UINT64_MAX / 2, 1000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
