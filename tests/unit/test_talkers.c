/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Counts by source, and when the daemon switches them on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "control/stats/watch.h"
#include "dataplane/talkers.h"

#include "common/log.h"
#include <errno.h>

struct seen {
	unsigned count;
	struct talker list[TALKERS_MAX];
};

static void keep(void *ctx, const struct talker *talker)
{
	struct seen *seen = ctx;

	seen->list[seen->count++] = *talker;
}

static struct address source(unsigned number)
{
	struct address addr;

	address_from_ipv4(&addr, (const uint8_t[4]){10, (uint8_t)(number >> 16),
					 (uint8_t)(number >> 8), (uint8_t)number});
	return addr;
}

static void count(struct talkers *talkers, unsigned *skipped, unsigned number,
	enum request_kind kind, unsigned times)
{
	struct address addr = source(number);
	uint8_t key[SESSD_KEY_SIZE] = {(uint8_t)number};

	while (times--)
		talkers_count(talkers, skipped, &addr, kind, key,
			kind != REQUEST_GET ? SESSD_OUTCOMES
			: number % 2	    ? SESSD_OUTCOME_HIT
					    : SESSD_OUTCOME_MISS);
}

static const struct talker *of(const struct seen *seen, unsigned number)
{
	struct address addr = source(number);

	for (unsigned i = 0; i < seen->count; i++)
		if (address_equal(&seen->list[i].source, &addr))
			return &seen->list[i];
	return NULL;
}

static void test_counts(void **state)
{
	struct talkers *talkers = talkers_create();
	struct seen seen = {0};
	unsigned skipped = 0;

	(void)state;
	count(talkers, &skipped, 1, REQUEST_GET, 100);
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, 0); /* not watched */

	talkers_watch(talkers, 1);
	count(talkers, &skipped, 1, REQUEST_GET, 3);
	count(talkers, &skipped, 2, REQUEST_NEW, 4);
	count(talkers, &skipped, 2, REQUEST_REMOVE, 5);
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, 2);
	assert_int_equal(of(&seen, 1)->gets, 3);
	assert_int_equal(of(&seen, 1)->news + of(&seen, 1)->removes, 0);
	assert_int_equal(of(&seen, 2)->news, 4);
	assert_int_equal(of(&seen, 2)->removes, 5);

	/* A new sampling rate keeps the counts; each sample stands for 16. */
	talkers_watch(talkers, 16);
	count(talkers, &skipped, 1, REQUEST_GET, 160);
	memset(&seen, 0, sizeof(seen));
	talkers_list(talkers, keep, &seen);
	assert_int_equal(of(&seen, 1)->gets, 3 + 160);

	talkers_watch(talkers, 0);
	memset(&seen, 0, sizeof(seen));
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, 0);
	talkers_destroy(talkers);
}

static unsigned drops;

static void on_drop(void *ctx, const struct sessd_request_event *event)
{
	(void)ctx;
	drops++;
	assert_int_equal(event->type, SESSD_EVENT_UNKNOWN);
	assert_int_equal(event->outcome, SESSD_OUTCOME_DROPPED);
	assert_int_equal(event->source[15], 1);
}

/* Drops are no requests, and a source that is only dropped is listed. Each is an event, if the
 * writer has none for it. */
static void test_drops(void **state)
{
	struct talkers *talkers = talkers_create();
	struct address addr = source(1);
	struct seen seen = {0};
	unsigned skipped = 0;

	(void)state;
	talkers_lost(talkers, &skipped, &addr, false);
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, 0); /* not watched */
	talkers_watch(talkers, 4);
	talkers_observe(talkers, true);
	for (unsigned i = 0; i < 40; i++)
		talkers_lost(talkers, &skipped, &addr, i >= 20);
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, 1);
	assert_int_equal(of(&seen, 1)->drops, 40);
	assert_int_equal(of(&seen, 1)->gets + of(&seen, 1)->news + of(&seen, 1)->removes, 0);
	talkers_events(talkers, on_drop, NULL);
	assert_int_equal(drops, 20 / 4);
	talkers_destroy(talkers);
}

static unsigned events, hits;

static void on_event(void *ctx, const struct sessd_request_event *event)
{
	(void)ctx;
	events++;
	hits += event->outcome == SESSD_OUTCOME_HIT;
	assert_int_equal(event->type, SESSD_GET);
	assert_int_equal(event->source[15], event->key[0]);
}

/* GETs are events only while they are observed, and only as many as fit. */
static void test_events(void **state)
{
	struct talkers *talkers = talkers_create();
	struct seen seen = {0};
	unsigned skipped = 0;

	(void)state;
	talkers_watch(talkers, 1);
	count(talkers, &skipped, 1, REQUEST_GET, 3);
	talkers_observe(talkers, true);
	talkers_events(talkers, on_event, NULL);
	assert_int_equal(events, 0);
	count(talkers, &skipped, 1, REQUEST_GET, 3);
	count(talkers, &skipped, 2, REQUEST_GET, 4);
	count(talkers, &skipped, 2, REQUEST_NEW, 4);
	talkers_events(talkers, on_event, NULL);
	assert_int_equal(events, 7);
	assert_int_equal(hits, 3);
	count(talkers, &skipped, 1, REQUEST_GET, 2 * TALKERS_EVENTS);
	talkers_events(talkers, on_event, NULL);
	assert_int_equal(events, 7 + TALKERS_EVENTS);
	talkers_observe(talkers, false);
	count(talkers, &skipped, 1, REQUEST_GET, 3);
	talkers_events(talkers, on_event, NULL);
	assert_int_equal(events, 7 + TALKERS_EVENTS);
	talkers_list(talkers, keep, &seen);
	assert_int_equal(of(&seen, 1)->hits, of(&seen, 1)->gets);
	assert_int_equal(of(&seen, 2)->hits, 0);
	talkers_destroy(talkers);
}

/* A flood of new sources does not hide one that sends much. */
static void test_many_sources(void **state)
{
	struct talkers *talkers = talkers_create();
	struct seen seen = {0};
	unsigned skipped = 0;

	(void)state;
	talkers_watch(talkers, 1);
	for (unsigned i = 0; i < 100; i++) {
		count(talkers, &skipped, 7, REQUEST_GET, 100);
		for (unsigned k = 0; k < 100; k++)
			count(talkers, &skipped, 1000 + 100 * i + k, REQUEST_NEW, 1);
	}
	talkers_list(talkers, keep, &seen);
	assert_int_equal(seen.count, TALKERS_MAX);
	assert_non_null(of(&seen, 7));
	assert_int_equal(of(&seen, 7)->gets, 10000);
	talkers_destroy(talkers);
}

/* An engine with given counts. */
struct engine {
	unsigned one_in, changes;
	struct talker list[1280];
	unsigned count;
};

static void engine_watch(struct engine *engine, unsigned one_in)
{
	engine->one_in = one_in;
	engine->changes++;
	if (one_in == 0)
		engine->count = 0;
}

static void engine_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	for (unsigned i = 0; i < engine->count; i++)
		found(ctx, &engine->list[i]);
}

static void test_watch(void **state)
{
	const struct engine_ops ops = {
		.name = "test", .watch = engine_watch, .talkers = engine_talkers};
	const struct engine_ops none = {.name = "dpdk"};
	struct engine engine = {0};
	struct watch watch = {0};
	struct talker got[4];
	uint64_t now = 5000;

	(void)state;
	assert_int_equal(watch_talkers(&watch, &none, &engine, now, got, 4), -ENOTSUP);
	assert_string_equal(error_message(), "mode dpdk keeps no counts by source");
	watch_second(&watch, &ops, &engine, now);
	assert_int_equal(engine.changes, 0);

	assert_int_equal(watch_talkers(&watch, &ops, &engine, now, got, 4), 0);
	assert_int_equal(engine.one_in, 256); /* until the rate is known to be low */

	/* Counts of the same source are added; most first. */
	engine.list[0] = (struct talker){.source = source(1), .gets = 10, .drops = 2};
	engine.list[1] = (struct talker){.source = source(2), .gets = 11, .removes = 1};
	engine.list[2] = (struct talker){.source = source(1), .news = 5, .drops = 3};
	engine.count = 3;
	assert_int_equal(watch_talkers(&watch, &ops, &engine, now, got, 4), 2);
	assert_true(address_equal(&got[0].source, &engine.list[0].source));
	assert_int_equal(got[0].gets, 10);
	assert_int_equal(got[0].news, 5);
	assert_int_equal(got[0].drops, 5);
	assert_int_equal(got[1].removes, 1);
	assert_int_equal(watch_talkers(&watch, &ops, &engine, now, got, 1), 1);

	/* The sampling rate follows the request rate. */
	watch_second(&watch, &ops, &engine, now += clock_ticks(1));
	assert_int_equal(engine.one_in, 1);
	engine.list[0].gets += 50000;
	watch_second(&watch, &ops, &engine, now += clock_ticks(1));
	assert_int_equal(engine.one_in, 16);
	engine.list[0].gets += 1000000;
	watch_second(&watch, &ops, &engine, now += clock_ticks(1));
	assert_int_equal(engine.one_in, 256);
	assert_int_equal(engine.changes, 4);

	/* Without requests for that long counting ends, and restarts with the next request. */
	watch_second(&watch, &ops, &engine, now + clock_ticks(WATCH_SECONDS));
	assert_int_equal(engine.one_in, 0);
	assert_int_equal(engine.count, 0);
	assert_int_equal(watch_talkers(&watch, &ops, &engine, now, got, 4), 0);
	assert_int_equal(engine.one_in, 256);
}

/* The top sender is found among more sources than both parts keep. */
static void test_most_of_many(void **state)
{
	const struct engine_ops ops = {
		.name = "test", .watch = engine_watch, .talkers = engine_talkers};
	static struct engine engine;
	struct watch watch = {0};
	struct talker got[4];

	(void)state;
	engine.count = sizeof(engine.list) / sizeof(engine.list[0]);
	for (unsigned i = 0; i < engine.count; i++)
		engine.list[i] = (struct talker){.source = source(i / 2), .gets = i / 2};
	assert_int_equal(watch_talkers(&watch, &ops, &engine, 5000, got, 4), 4);
	for (unsigned i = 0; i < 4; i++) {
		struct address addr = source(engine.count / 2 - 1 - i);

		assert_true(address_equal(&got[i].source, &addr));
		assert_int_equal(got[i].gets, 2 * (engine.count / 2 - 1 - i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_drops),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_most_of_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
