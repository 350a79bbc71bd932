/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Samples of refused packets for the daemon: the first of each reason, and at most one per second.
 */
#include "tests/bpf/fixture.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <arpa/inet.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOPBACK_IFINDEX 1

static const uint8_t key[SESSD_KEY_SIZE] = "key";

static const struct {
	const char *name;
	struct frame_spec spec;
	const char *source; /* v4-mapped */
	uint8_t reason, detail;
} cases[] = {
	{"short", {.message_length = 36, .source_port = 7}, "::ffff:10.1.2.3", SESSD_DROP_SHORT, 0},
	{"version", {.message_version = 9, .source_port = 8}, "::ffff:10.1.2.3", SESSD_DROP_VERSION,
		9},
	{"type", {.v6 = true, .type = SESSD_OK, .source_port = 9}, "fd00::1:3", SESSD_DROP_TYPE,
		SESSD_OK},
	{"not allowed", {.v6 = true, .source = "2001:db8:ffff::9", .source_port = 10},
		"2001:db8:ffff::9", SESSD_DROP_NOT_ALLOWED, 0},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

struct seen {
	struct sessd_drop_sample events[64];
	size_t count;
};

static int collect(void *ctx, void *data, size_t size)
{
	struct seen *seen = ctx;

	assert_int_equal(size, sizeof(struct sessd_drop_sample));
	assert_true(seen->count < sizeof(seen->events) / sizeof(seen->events[0]));
	memcpy(&seen->events[seen->count++], data, sizeof(struct sessd_drop_sample));
	return 0;
}

static void offer(const struct fixture *fixture, const struct frame_spec *from)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	struct frame_spec spec = *from;
	size_t size;

	spec.key = key;
	size = frame_build(&spec, frame);
	fixture_run(fixture, frame, size, &outcome);
}

/* The limit is per CPU. */
static void stay_on_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	assert_int_equal(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

static void events(void **state)
{
	struct fixture fixture;
	struct ring_buffer *ring;
	struct seen seen = {0};

	(void)state;
	stay_on_one_cpu();
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	ring = ring_buffer__new(bpf_map__fd(fixture.bpf->maps.events), collect, &seen, NULL);
	assert_non_null(ring);

	/* no samples of answered or passed packets */
	offer(&fixture, &(struct frame_spec){});
	offer(&fixture, &(struct frame_spec){.type = -1});
	offer(&fixture, &(struct frame_spec){.source = "127.0.0.1"});
	assert_int_equal(ring_buffer__consume(ring), 0);

	for (int second = 0; second < 2; second++) {
		seen.count = 0;
		for (int n = 0; n < 10; n++)
			for (size_t i = 0; i < CASES; i++)
				offer(&fixture, &cases[i].spec);
		assert_int_equal(ring_buffer__consume(ring), CASES);
		for (size_t i = 0; i < CASES; i++) {
			struct sessd_drop_sample expected = {
				.port = htons(cases[i].spec.source_port),
				.reason = cases[i].reason,
				.detail = cases[i].detail,
				.ifindex = LOOPBACK_IFINDEX,
			};

			print_message("%s\n", cases[i].name);
			assert_int_equal(inet_pton(AF_INET6, cases[i].source, expected.source), 1);
			assert_memory_equal(&seen.events[i], &expected, sizeof(expected));
		}
		usleep(1050000);
	}
	ring_buffer__free(ring);
	fixture_stop(&fixture);
}

/* A ring that is not read fills up, and packets are still dropped and counted. */
static void full(void **state)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	struct fixture fixture;
	size_t size;
	uint32_t zero = 0;
	size_t blank_size;
	void *blank;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	blank_size = libbpf_num_possible_cpus() * bpf_map__value_size(fixture.bpf->maps.percpu);
	blank = calloc(1, blank_size);
	assert_non_null(blank);
	size = frame_build(&(struct frame_spec){.key = key, .type = 5}, frame);
	for (int n = 0; n < 64 * 1024 / 32 + 10; n++) {
		/* as if a second had passed */
		assert_int_equal(bpf_map__update_elem(fixture.bpf->maps.percpu, &zero, sizeof(zero),
					 blank, blank_size, BPF_ANY),
			0);
		fixture_run(&fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, XDP_DROP);
		fixture_assert_counted(&outcome, FIXTURE_COUNTER(drop_type), 0);
	}
	free(blank);
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events),
		cmocka_unit_test(full),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
