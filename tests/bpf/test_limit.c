/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit in the program, and its samples of sources.
 */
#include <sessiond/rate_limit.h>
#include <sessiond/request_event.h>

#include "tests/bpf/fixture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <arpa/inet.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GETS 50
#define NEWS 10

static const uint8_t key[SESSD_KEY_SIZE] = "key";

/* Sends it `times` times; returns how many were within the limit. */
static unsigned offer(const struct fixture *fixture, const char *source, int type, unsigned times)
{
	const struct frame_spec spec = {
		.v6 = strchr(source, ':') != NULL, .source = source, .type = type, .key = key};
	static uint8_t frame[FRAME_MAX];
	static struct outcome outcome;
	size_t size = frame_build(&spec, frame);
	unsigned taken = 0;

	while (times--) {
		fixture_run(fixture, frame, size, &outcome);
		if (outcome.counted.drop_limit_get + outcome.counted.drop_limit_new == 0) {
			taken++;
			continue;
		}
		assert_int_equal(outcome.verdict, XDP_DROP);
		fixture_assert_counted(&outcome,
			type == 0 || type == SESSD_GET ? FIXTURE_COUNTER(drop_limit_get)
						       : FIXTURE_COUNTER(drop_limit_new),
			0);
	}
	return taken;
}

static uint64_t began; /* a test, in ns */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The bucket refills during the test, at `rate` requests per second: few, except on an emulated
 * machine. */
static void assert_about(unsigned got, unsigned wanted, unsigned rate)
{
	assert_in_range(got, wanted, wanted + (now_ns() - began) * rate / 1000000000U + 2);
}

static void limited(void **state)
{
	struct fixture fixture;

	(void)state;
	began = now_ns();
	fixture_limit_gets = GETS;
	fixture_limit_news = NEWS;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	assert_about(offer(&fixture, "10.0.0.1", SESSD_GET, 10 * GETS), GETS, GETS);
	/* NEWs and REMOVEs share another bucket. */
	assert_int_equal(offer(&fixture, "10.0.0.1", -1, NEWS / 2), NEWS / 2);
	assert_about(offer(&fixture, "10.0.0.1", SESSD_REMOVE, 10 * NEWS), NEWS / 2, NEWS);
	/* One source's excess does not affect another. */
	assert_int_equal(offer(&fixture, "10.0.0.2", SESSD_GET, GETS), GETS);
	/* A /64 is one source, and another /64 is another. */
	assert_about(offer(&fixture, "fd00:0:0:1::1", SESSD_GET, 10 * GETS), GETS, GETS);
	assert_in_range(offer(&fixture, "fd00:0:0:1:ffff::2", SESSD_GET, GETS), 0, GETS / 2);
	assert_int_equal(offer(&fixture, "fd00:0:0:2::1", SESSD_GET, GETS), GETS);
	/* It refills with time. */
	usleep(500000);
	assert_about(offer(&fixture, "10.0.0.1", SESSD_GET, 10 * GETS), GETS / 2 - GETS / 10, GETS);
	fixture_stop(&fixture);
}

static void one_kind_only(void **state)
{
	struct fixture fixture;

	(void)state;
	began = now_ns();
	fixture_limit_gets = 0;
	fixture_limit_news = NEWS;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	assert_int_equal(offer(&fixture, "10.0.0.1", SESSD_GET, 1000), 1000);
	assert_about(offer(&fixture, "10.0.0.1", -1, 10 * NEWS), NEWS, NEWS);
	fixture_stop(&fixture);
	fixture_limit_news = 0;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	assert_int_equal(offer(&fixture, "10.0.0.1", -1, 1000), 1000);
	fixture_stop(&fixture);
}

/* A reload changes the limits while the program runs. */
static void changed(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	assert_int_equal(offer(&fixture, "10.0.0.1", SESSD_GET, 1000), 1000);
	began = now_ns();
	fixture.bpf->bss->limit_get_interval = sessd_limit_interval(GETS);
	assert_about(offer(&fixture, "10.0.0.1", SESSD_GET, 10 * GETS), GETS, GETS);
	assert_int_equal(offer(&fixture, "10.0.0.1", -1, 1000), 1000);
	fixture.bpf->bss->limit_get_interval = 0;
	assert_int_equal(offer(&fixture, "10.0.0.1", SESSD_GET, 1000), 1000);
	fixture_stop(&fixture);
}

/* All 0 for a source that has none. */
static struct sessd_talker_counts counts_of(const struct fixture *fixture, const char *source)
{
	struct sessd_talker_counts counts = {0};
	uint8_t from[16] = {[10] = 0xff, [11] = 0xff};

	if (strchr(source, ':'))
		assert_int_equal(inet_pton(AF_INET6, source, from), 1);
	else
		assert_int_equal(inet_pton(AF_INET, source, from + 12), 1);
	bpf_map_lookup_elem(bpf_map__fd(fixture->bpf->maps.talkers), from, &counts);
	return counts;
}

static uint64_t counted(const struct fixture *fixture, const char *source, int type)
{
	return counts_of(fixture, source).of[type];
}

static uint64_t dropped(const struct fixture *fixture, const char *source)
{
	return counts_of(fixture, source).drops;
}

static void talkers(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	offer(&fixture, "10.0.0.1", SESSD_GET, 100);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_GET), 0); /* not watched */
	fixture.bpf->bss->talkers_one_in = 1;
	offer(&fixture, "10.0.0.1", SESSD_GET, 100);
	offer(&fixture, "fd00::7", -1, 30);
	offer(&fixture, "fd00::7", SESSD_REMOVE, 20);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_GET), 100);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_NEW), 0);
	assert_int_equal(counted(&fixture, "fd00::7", SESSD_NEW), 30);
	assert_int_equal(counted(&fixture, "fd00::7", SESSD_REMOVE), 20);
	/* A sample stands for sixteen; skipping is per CPU, and the test may move to another
	 * CPU. */
	fixture.bpf->bss->talkers_one_in = 16;
	offer(&fixture, "10.0.0.1", SESSD_GET, 1600);
	assert_in_range(counted(&fixture, "10.0.0.1", SESSD_GET), 1700 - 16 * 16, 1700 + 16);
	fixture_stop(&fixture);
}

static unsigned seen[SESSD_OUTCOMES];

static int on_event(void *ctx, void *data, size_t size)
{
	const struct sessd_request_event *event = data;

	(void)ctx;
	assert_int_equal(size, sizeof(*event));
	assert_int_equal(event->source[15], 1);
	assert_int_equal(event->type, SESSD_GET);
	assert_true(event->outcome < SESSD_OUTCOMES);
	seen[event->outcome]++;
	return 0;
}

static void run(const struct fixture *fixture, struct frame_spec spec, uint32_t verdict)
{
	static uint8_t frame[FRAME_MAX];
	static struct outcome outcome;

	spec.source = "10.0.0.1";
	if (!spec.key)
		spec.key = key;
	fixture_run(fixture, frame, frame_build(&spec, frame), &outcome);
	assert_int_equal(outcome.verdict, verdict);
}

static int on_malformed(void *ctx, void *data, size_t size)
{
	const struct sessd_request_event *event = data;

	(void)ctx;
	assert_int_equal(size, sizeof(*event));
	assert_int_equal(event->source[15], 1);
	assert_int_equal(event->type, SESSD_EVENT_UNKNOWN);
	assert_int_equal(event->outcome, SESSD_OUTCOME_DROPPED);
	return 0;
}

/* What is dropped as no request is counted by source, too, but not of a source that may not ask. */
static void malformed_by_source(void **state)
{
	static const struct frame_spec wrong[] = {
		{.message_version = 9}, {.type = SESSD_OK}, {.type = 77}, {.message_length = 10}};
	struct ring_buffer *ring;
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	run(&fixture, wrong[0], XDP_DROP);
	assert_int_equal(dropped(&fixture, "10.0.0.1"), 0); /* nobody watches */
	fixture.bpf->bss->talkers_one_in = 1;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		run(&fixture, wrong[i], XDP_DROP);
	assert_int_equal(dropped(&fixture, "10.0.0.1"), 4);
	/* And an event, while they are watched. */
	ring = ring_buffer__new(bpf_map__fd(fixture.bpf->maps.watched), on_malformed, NULL, NULL);
	assert_non_null(ring);
	fixture.bpf->bss->talkers_watched = 1;
	run(&fixture, wrong[1], XDP_DROP);
	assert_int_equal(ring_buffer__consume(ring), 1);
	ring_buffer__free(ring);
	for (unsigned type = SESSD_NEW; type <= SESSD_TAKE; type++)
		assert_int_equal(counted(&fixture, "10.0.0.1", (int)type), 0);
	fixture_stop(&fixture);
}

/* A GET that is passed on is counted by the daemon, which does not count NEWs and REMOVEs. */
static void talkers_are_counted_once(void **state)
{
	static const uint8_t ended[SESSD_KEY_SIZE] = "ended", absent[SESSD_KEY_SIZE] = "absent";
	struct ring_buffer *ring;
	struct fixture fixture;

	(void)state;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture.bpf->bss->talkers_one_in = 1;
	run(&fixture, (struct frame_spec){.trailing = 2000}, XDP_PASS);
	run(&fixture, (struct frame_spec){.check = CHECK_WRONG}, XDP_PASS);
	fixture_generic = true;
	run(&fixture, (struct frame_spec){.check = CHECK_PARTIAL}, XDP_PASS);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_GET), 0);
	run(&fixture, (struct frame_spec){.check = CHECK_PARTIAL, .type = -1}, XDP_PASS);
	run(&fixture, (struct frame_spec){.check = CHECK_PARTIAL, .type = SESSD_REMOVE}, XDP_PASS);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_NEW), 1);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_REMOVE), 1);
	fixture_generic = false;
	/* A miss, a hit, one that has ended. */
	run(&fixture, (struct frame_spec){0}, XDP_TX);
	fixture_put(&fixture, key, 1, FIXTURE_LIFE, "value", 5);
	run(&fixture, (struct frame_spec){0}, XDP_TX);
	fixture_put(&fixture, ended, 2, -20, "value", 5);
	run(&fixture, (struct frame_spec){.key = ended}, XDP_TX);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_GET), 3);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_TAKE), 1); /* hits */
	/* The same as events, while they are watched, with the id. */
	ring = ring_buffer__new(bpf_map__fd(fixture.bpf->maps.watched), on_event, NULL, NULL);
	assert_non_null(ring);
	assert_int_equal(ring_buffer__consume(ring), 0);
	fixture.bpf->bss->talkers_watched = 1;
	run(&fixture, (struct frame_spec){.key = ended}, XDP_TX);
	run(&fixture, (struct frame_spec){0}, XDP_TX);
	run(&fixture, (struct frame_spec){.key = absent}, XDP_TX);
	run(&fixture, (struct frame_spec){.type = SESSD_REMOVE}, XDP_PASS);
	assert_int_equal(ring_buffer__consume(ring), 3);
	assert_int_equal(seen[SESSD_OUTCOME_HIT], 1);
	assert_int_equal(seen[SESSD_OUTCOME_MISS], 1);
	assert_int_equal(seen[SESSD_OUTCOME_EXPIRED], 1);
	fixture.bpf->bss->talkers_watched = 0;
	run(&fixture, (struct frame_spec){0}, XDP_TX);
	assert_int_equal(ring_buffer__consume(ring), 0);
	ring_buffer__free(ring);
	fixture_stop(&fixture);
	/* Over the limit. */
	fixture_limit_gets = GETS;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture.bpf->bss->talkers_one_in = 1;
	offer(&fixture, "10.0.0.1", SESSD_GET, 2 * GETS);
	assert_int_equal(counted(&fixture, "10.0.0.1", SESSD_GET), 2 * GETS);
	fixture_stop(&fixture);
	fixture_limit_gets = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limited),
		cmocka_unit_test(one_kind_only),
		cmocka_unit_test(changed),
		cmocka_unit_test(talkers),
		cmocka_unit_test(malformed_by_source),
		cmocka_unit_test(talkers_are_counted_once),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
