/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --xdp-histogram: it counts every answer and nothing else, and the answers are the same.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include <sessiond/answer_times.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMES 50

static const uint8_t key[SESSD_KEY_SIZE] = "key", other_key[SESSD_KEY_SIZE] = "other";
static const uint8_t value[144] = "value";

static void read_times(const struct fixture *fixture, struct sessd_answer_times *sum)
{
	size_t words = sizeof(*sum) / sizeof(uint64_t);
	int cpus = libbpf_num_possible_cpus();
	struct sessd_answer_times *each;
	uint32_t zero = 0;

	assert_true(cpus > 0);
	each = calloc((size_t)cpus, sizeof(*each));
	assert_non_null(each);
	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(fixture->bpf->maps.answer_times), &zero, each), 0);
	memset(sum, 0, sizeof(*sum));
	for (int cpu = 0; cpu < cpus; cpu++)
		for (size_t i = 0; i < words; i++)
			((uint64_t *)sum)[i] += ((const uint64_t *)&each[cpu])[i];
	free(each);
}

static uint64_t count(const struct sessd_answer_times *times)
{
	uint64_t n = 0;

	for (size_t i = 0; i <= SESSD_ANSWER_BOUND_COUNT; i++)
		n += times->counts[i];
	return n;
}

static void ask(const struct fixture *fixture, const struct frame_spec *spec, uint32_t verdict)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size = frame_build(spec, frame);
	bool hit = spec->key == key;

	fixture_run(fixture, frame, size, &outcome);
	assert_int_equal(outcome.verdict, verdict);
	if (verdict == XDP_TX)
		assert_null(verify_reply(frame, size, outcome.frame, outcome.size,
			hit ? SESSD_OK : SESSD_ERR, value, hit ? sizeof(value) : 0));
}

/* Answers to `TIMES` hits and as many misses; passed or dropped packets are no answers. */
static void ask_all(const struct fixture *fixture)
{
	fixture_put(fixture, key, 3, FIXTURE_LIFE, value, sizeof(value));
	for (int i = 0; i < TIMES; i++) {
		ask(fixture, &(struct frame_spec){.key = key, .v6 = i % 2}, XDP_TX);
		ask(fixture, &(struct frame_spec){.key = other_key}, XDP_TX);
		ask(fixture, &(struct frame_spec){.key = key, .type = SESSD_REMOVE}, XDP_PASS);
		ask(fixture, &(struct frame_spec){.key = key, .source = "172.30.0.1"}, XDP_DROP);
		ask(fixture, &(struct frame_spec){.key = key, .dest_port = 53}, XDP_PASS);
	}
}

static void timed(void **state)
{
	struct sessd_answer_times times;
	struct timespec begin, end;
	struct fixture fixture;
	uint64_t least = 0, ns;

	(void)state;
	fixture_timed = true;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture_timed = false;
	clock_gettime(CLOCK_MONOTONIC, &begin);
	ask_all(&fixture);
	clock_gettime(CLOCK_MONOTONIC, &end);
	read_times(&fixture, &times);
	ns = (uint64_t)(end.tv_sec - begin.tv_sec) * 1000000000U + (uint64_t)end.tv_nsec -
	     (uint64_t)begin.tv_nsec;
	print_message("%d answers: %llu ns of %llu\n", 2 * TIMES, (unsigned long long)times.sum_ns,
		(unsigned long long)ns);
	assert_int_equal(count(&times), 2 * TIMES);
	/* The sum is consistent with the buckets, and less than the elapsed time. */
	for (size_t i = 0; i < SESSD_ANSWER_BOUND_COUNT; i++)
		least += times.counts[i + 1] * sessd_answer_bounds_ns[i];
	assert_true(times.sum_ns > 0);
	assert_true(times.sum_ns >= least);
	assert_true(times.sum_ns < ns);
	fixture_stop(&fixture);
}

static void not_timed(void **state)
{
	struct sessd_answer_times times;
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	ask_all(&fixture);
	read_times(&fixture, &times);
	assert_int_equal(count(&times), 0);
	assert_int_equal(times.sum_ns, 0);
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timed),
		cmocka_unit_test(not_timed),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
