/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The histogram against sorted samples, Zipf against its formula, keys against their numbers, and
 * replies with one error each.
 */
#include "bench/held.h"
#include "bench/histogram.h"
#include "bench/message.h"
#include "bench/zipf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 100000

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void test_histogram(void **state)
{
	static const double percents[] = {0.01, 1, 50, 90, 99, 99.9, 99.99, 100};
	uint64_t *samples = calloc(SAMPLES, sizeof(*samples)), random = 7;
	struct histogram *h = calloc(2, sizeof(*h));

	(void)state;
	for (unsigned i = 0; i < SAMPLES; i++) {
		/* From 1 ns to about a minute, all powers of two alike. */
		samples[i] = random_next(&random) >> (28 + random_next(&random) % 36);
		histogram_record(&h[i % 2], samples[i]);
	}
	histogram_add(&h[0], &h[1]);
	assert_int_equal(h[0].count, SAMPLES);
	qsort(samples, SAMPLES, sizeof(*samples), compare);
	for (unsigned i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		size_t at = (size_t)ceil(percents[i] / 100 * SAMPLES) - 1;
		uint64_t got = histogram_percentile(&h[0], percents[i]);

		assert_true(got >= samples[at]);
		assert_true((double)got <= (double)samples[at] * (1 + 1.0 / 128));
	}
	assert_int_equal(histogram_percentile(&h[0], 100), samples[SAMPLES - 1]);
	free(samples);
	free(h);
}

static void test_histogram_limits(void **state)
{
	struct histogram *h = calloc(1, sizeof(*h));

	(void)state;
	assert_int_equal(histogram_percentile(h, 50), 0);
	histogram_record(h, 0);
	histogram_record(h, UINT64_MAX);
	assert_int_equal(histogram_percentile(h, 50), 0);
	assert_true(histogram_percentile(h, 100) >= (1ULL << HISTOGRAM_TOP_BITS) - 1);
	assert_true(h->max == UINT64_MAX);
	free(h);
}

static void test_zipf(void **state)
{
	static const double exponents[] = {0.5, 0.99, 1, 1.5};
	static const unsigned ranks[] = {0, 1, 2, 9, 99};

	(void)state;
	for (unsigned e = 0; e < 4; e++) {
		unsigned counts[1000] = {0};
		uint64_t random = 1;
		struct zipf zipf;
		double sum = 0;

		zipf_init(&zipf, 1000, exponents[e]);
		for (unsigned i = 0; i < 1000000; i++) {
			uint64_t rank = zipf_next(&zipf, &random);

			assert_true(rank < 1000);
			counts[rank]++;
		}
		for (unsigned k = 1; k <= 1000; k++)
			sum += pow(k, -exponents[e]);
		for (unsigned i = 0; i < 5; i++) {
			double expected = 1e6 * pow(ranks[i] + 1, -exponents[e]) / sum;

			/* Five standard deviations of a Poisson count. */
			assert_true(fabs(counts[ranks[i]] - expected) < 5 * sqrt(expected));
		}
	}
}

static void test_numbers(void **state)
{
	const struct population p = {.seed = 42, .value_min = 10, .value_max = 300};
	uint64_t random = 3;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t number = random_next(&random) >> random_next(&random) % 64;
		__u64 key[POPULATION_KEY_WORDS];
		uint32_t len;

		population_key(&p, number, key);
		assert_true(population_number(&p, key[0]) == number);
		len = population_value_len(&p, key);
		assert_in_range(len, 10, 300);
	}
}

static void test_verdicts(void **state)
{
	const struct population p = {.seed = 1, .value_min = 145, .value_max = 145};
	uint8_t reply[MESSAGE_MAX + 1], spoiled[MESSAGE_MAX + 1];
	size_t len;

	(void)state;
	len = message_build(&p, SESSD_OK, 5, 77, reply);
	assert_int_equal(len, SESSD_HEADER_SIZE + 145);
	assert_int_equal(message_verify(&p, 5, 77, reply, len), VERDICT_HIT);
	assert_int_equal(message_verify(&p, 6, 77, reply, len), VERDICT_KEY);
	assert_int_equal(message_verify(&p, 5, 78, reply, len), VERDICT_TIMEOUT);
	assert_int_equal(message_verify(&p, 5, 77, reply, len - 1), VERDICT_LENGTH);
	assert_int_equal(message_verify(&p, 5, 77, reply, len + 1), VERDICT_LENGTH);
	assert_int_equal(message_verify(&p, 5, 77, reply, 35), VERDICT_LENGTH);
	/* Every flipped bit is noticed. */
	for (size_t bit = 0; bit < 8 * len; bit++) {
		memcpy(spoiled, reply, len);
		spoiled[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(message_verify(&p, 5, 77, spoiled, len) > VERDICT_MISS);
	}
	len = message_build(&p, SESSD_ERR, 5, 77, reply);
	assert_int_equal(message_verify(&p, 5, 77, reply, len), VERDICT_MISS);
	assert_int_equal(message_verify(&p, 5, 77, reply, len + 1), VERDICT_LENGTH);
	len = message_build(&p, SESSD_OK, 5 | POPULATION_NEVER, 77, reply);
	assert_int_equal(message_verify(&p, 5 | POPULATION_NEVER, 77, reply, len), VERDICT_NEVER);
}

/* The cause of a gap between two looks at the clock: sleep, work, or other processes. */
static void test_held_share(void **state)
{
	const struct held_times before = {5000000, 700000};
	struct held_times after = before;

	(void)state;
	/* Woken too late, for any reason; and by no more than the normal delay. */
	assert_int_equal(held_share(3000000, true, &before, &after), 3000000);
	assert_int_equal(held_share(HELD_MIN_NS - 1, true, &before, &after), 0);
	/* Its own work. */
	after = (struct held_times){before.ran + 3000000, before.waited};
	assert_int_equal(held_share(3000000, false, &before, &after), 0);
	/* It waited for its CPU; its run and wait times since the last read exceed the gap. */
	after = (struct held_times){before.ran + 900000, before.waited + 2500000};
	assert_int_equal(held_share(3000000, false, &before, &after), 2500000);
	after = (struct held_times){before.ran + 900000, before.waited + 4000000};
	assert_int_equal(held_share(3000000, false, &before, &after), 3000000);
	/* Stopped. */
	after = (struct held_times){before.ran + 100000, before.waited};
	assert_int_equal(held_share(3000000, false, &before, &after), 2900000);
}

static void test_held_look(void **state)
{
	struct held_result result, sum = {0};
	struct held held;

	(void)state;
	held_begin(&held, &result, 1000000000);
	assert_true(result.measured);
	held_look(&held, 1000050000, 0);
	held_look(&held, 1004000000, 1004000100); /* woken in time, and just before */
	assert_int_equal(result.times, 0);
	assert_int_equal(result.longest_gap, 50000);
	held_look(&held, 1006000000, 1005000000);
	held_look(&held, 1008000000, 1007500000);
	held_end(&held);
	assert_int_equal(result.times, 2);
	assert_int_equal(result.total, 1500000);
	assert_int_equal(result.longest, 1000000);
	assert_int_equal(result.longest_gap, 1000000);
	held_add(&sum, &result);
	held_add(&sum, &result);
	assert_true(sum.measured);
	assert_int_equal(sum.total, 3000000);
	assert_int_equal(sum.longest, 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_histogram_limits),
		cmocka_unit_test(test_zipf),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_held_share),
		cmocka_unit_test(test_held_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
