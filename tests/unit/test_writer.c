/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's thread between a fake engine and a main thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/writer.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/writer_figure.h"

#include "common/clock.h"

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct world {
	struct engine *engine;
	struct writer *writer;
};

static struct world start(uint32_t capacity)
{
	const struct writer_config config = {.capacity = capacity, .value_max = 512};
	struct world world = {.engine = fake_engine_create(capacity)};

	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	assert_non_null(world.writer);
	assert_int_equal(writer_start(world.writer), 0);
	return world;
}

static void stop(struct world *world)
{
	writer_stop(world->writer);
	writer_destroy(world->writer);
	fake_engine_destroy(world->engine);
}

static void send_new(struct world *world, uint32_t key, uint16_t timeout, uint8_t first)
{
	fake_engine_send(world->engine, SESSD_NEW, key, timeout, first, 144);
}

/* What OpenSSL makes of a session of TLS 1.`minor` with this context. */
static size_t make_der(uint8_t *value, uint8_t minor, const char *context)
{
	const uint8_t begin[] = {0x30, 0, 2, 1, 1, 2, 2, 3, (uint8_t)(minor + 1), 4, 2, 0x13, 1, 4,
		0, 4, 1, 7, 0xa4, (uint8_t)(strlen(context) + 2), 4, (uint8_t)strlen(context)};
	size_t len = sizeof(begin) + strlen(context);

	memcpy(value, begin, sizeof(begin));
	memcpy(value + sizeof(begin), context, strlen(context));
	value[1] = (uint8_t)(len - 2);
	return len;
}

static uint64_t stat(struct world *world, const char *name)
{
	return writer_figure(world->writer, name);
}

static uint8_t value_of(struct world *world, uint32_t key)
{
	struct fake_entry entry;

	return fake_engine_find(world->engine, key, &entry) ? entry.first : 0;
}

/* Flushes and waits. */
static uint64_t flush(struct world *world)
{
	struct writer_flush flush;
	uint64_t deleted = 0;
	int done;

	writer_flush_start(world->writer, &flush);
	while ((done = writer_flush_done(world->writer, &flush, &deleted)) == 0)
		usleep(500);
	assert_int_equal(done, 1);
	return deleted;
}

/* Each reason why a NEW is not stored has its counter; the first write wins. */
static void news(void **state)
{
	static const uint8_t long_value[513];
	const struct address source = {{[15] = 1}};
	struct world world = start(100);
	struct fake_entry entry;
	uint64_t before = clock_tick();

	(void)state;
	send_new(&world, 1, 300, 10);
	send_new(&world, 1, 60000, 11);
	send_new(&world, 2, 0, 12);
	fake_engine_send(world.engine, SESSD_NEW, 3, 300, 13, 0);
	fake_engine_send(world.engine, SESSD_NEW, 4, 300, 14, 513);
	fake_engine_send(world.engine, SESSD_NEW, 5, 300, 15, 512);
	fake_engine_send(world.engine, SESSD_NEW, 6, 65535, 16, 1);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_stored"), 3);
	assert_int_equal(stat(&world, "new_exists"), 1);
	assert_int_equal(stat(&world, "new_zero_timeout"), 1);
	assert_int_equal(stat(&world, "new_empty"), 1);
	assert_int_equal(stat(&world, "new_too_large"), 1);
	assert_int_equal(stat(&world, "sessions"), 3);
	assert_int_equal(stat(&world, "capacity"), 100);
	assert_int_equal(fake_engine_count(world.engine), 3);
	assert_true(fake_engine_find(world.engine, 1, &entry));
	assert_int_equal(entry.first, 10);
	assert_int_equal(entry.session.len, 144);
	assert_in_range(
		entry.session.expires, clock_expiry(before, 300), clock_expiry(clock_tick(), 300));
	/* The engine is told of refused ones, for its counts by source, if their source is known.
	 */
	assert_int_equal(fake_engine_lost(world.engine), 0);
	fake_engine_send_value(world.engine, 6, 300, long_value, sizeof(long_value), &source);
	fake_engine_send_value(world.engine, 6, 300, long_value, 512, &source);
	fake_engine_settle(world.engine);
	assert_int_equal(fake_engine_lost(world.engine), 1);
	/* 72 words of 0x0a0a: RFC 1071. */
	assert_int_equal(entry.session.sum, (72 * 0x0a0a) % 0xffff);
	stop(&world);
}

/* What a value says is known of its session, and sessions can be selected by it. */
static void selected(void **state)
{
	const struct address one = {{[15] = 1}}, two = {{[15] = 2}};
	struct census_row rows[CENSUS_ROWS];
	struct session_filter filter = {0};
	struct world world = start(100);
	struct session_info infos[100];
	struct session page[100];
	uint8_t key[SESSD_KEY_SIZE], values[2][64];
	uint32_t next = 0;
	size_t len;

	(void)state;
	len = make_der(values[0], 3, "farm");
	for (uint32_t i = 0; i < 10; i++)
		fake_engine_send_value(world.engine, i, 300, values[0], len, i % 2 ? &one : &two);
	len = make_der(values[1], 2, "farm2");
	fake_engine_send_value(world.engine, 10, 300, values[1], len, &one);
	send_new(&world, 11, 300, 1);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "tls13_sessions"), 10);
	assert_int_equal(stat(&world, "tls12_stored"), 1);
	assert_int_equal(stat(&world, "opaque_sessions"), 1);
	assert_int_equal(writer_contexts(world.writer, rows), 3);
	assert_memory_equal(rows[0].context, "farm", 5);
	fake_engine_key(10, key);
	assert_true(writer_find(world.writer, key, page, infos));
	assert_int_equal(infos[0].kind, SESSION_TLS12);
	assert_memory_equal(&infos[0].source, &one, sizeof(one));
	assert_int_equal(session_filter_add(&filter, "source=::2"), 0);
	assert_int_equal(writer_list(world.writer, &filter, &next, page, infos, 100), 5);
	assert_int_equal(next, 100);
	next = 0;
	assert_int_equal(writer_remove(world.writer, &filter, &next), 5);
	assert_int_equal(next, 100);
	assert_int_equal(stat(&world, "sessions"), 7);
	assert_int_equal(stat(&world, "sessions_flushed"), 5);
	assert_int_equal(fake_engine_count(world.engine), 7);
	assert_int_equal(stat(&world, "tls13_sessions"), 5);
	stop(&world);
}

/* Sessions whose context is not counted by name: their values have it. */
static void selected_of_others(void **state)
{
	const struct address one = {{[15] = 1}};
	struct session_filter filter = {0};
	struct world world = start(2000);
	struct session_info infos[100];
	struct session page[100];
	struct session_event event = {.kind = SESSION_KINDS};
	uint8_t value[64], key[SESSD_KEY_SIZE];
	unsigned found = 0, removed = 0;
	char name[16];
	size_t len;

	(void)state;
	for (uint32_t i = 0; i < 100 * 12; i++) {
		snprintf(name, sizeof(name), "context%u", i / 12);
		len = make_der(value, 3, name);
		fake_engine_send_value(world.engine, i, 300, value, len, &one);
		fake_engine_settle(world.engine);
	}
	assert_int_equal(session_filter_add(&filter, "context=context99"), 0);
	for (uint32_t next = 0; next < 2000;)
		found += writer_list(world.writer, &filter, &next, page, infos, 100);
	assert_int_equal(found, 12);
	assert_false(infos[0].others);
	assert_memory_equal(infos[0].context, "context99", 10);
	fake_engine_key(99 * 12, key);
	assert_true(writer_find(world.writer, key, page, infos));
	assert_memory_equal(infos[0].context, "context99", 10);
	memcpy(event.request.key, key, sizeof(key));
	writer_describe(world.writer, &event, 1, 1);
	assert_memory_equal(event.context, "context99", 10);
	for (uint32_t next = 0; next < 2000;)
		removed += writer_remove(world.writer, &filter, &next);
	assert_int_equal(removed, 12);
	assert_int_equal(stat(&world, "sessions"), 99 * 12);
	stop(&world);
}

/* GETs that found a session are told of it, and counted where it was made. */
static void described(void **state)
{
	static struct source_place rows[SOURCE_LIST_SIZE];
	const struct address one = {{[15] = 1}}, two = {{[15] = 2}};
	struct world world = start(100);
	struct session_event events[4] = {0};
	uint8_t value[64];
	size_t len;

	(void)state;
	len = make_der(value, 3, "farm");
	fake_engine_send_value(world.engine, 1, 300, value, len, &one);
	fake_engine_settle(world.engine);
	for (unsigned i = 0; i < 4; i++) {
		events[i].kind = SESSION_KINDS;
		fake_engine_key(i == 3 ? 2 : 1, events[i].request.key);
		memcpy(events[i].request.source, i == 1 ? &one : &two, sizeof(one));
	}
	events[2].request.outcome = SESSD_OUTCOME_EXPIRED;
	writer_describe(world.writer, events, 4, 16);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(events[i].kind, i < 2 ? SESSION_TLS13 : SESSION_KINDS);
	assert_memory_equal(events[0].context, "farm", 5);
	assert_int_equal(writer_sources(world.writer, rows), 1);
	assert_memory_equal(&rows[0].address, &one, sizeof(one));
	assert_int_equal(rows[0].elsewhere, 16);
	assert_int_equal(rows[0].home, 16);
	stop(&world);
}

static void removes(void **state)
{
	struct world world = start(100);

	(void)state;
	send_new(&world, 1, 300, 10);
	send_new(&world, 2, 300, 20);
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_send(world.engine, SESSD_REMOVE, 3, 0, 0, 0);
	/* Put, deleted and put again in one batch. */
	send_new(&world, 1, 300, 11);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 1), 11);
	assert_int_equal(stat(&world, "remove_done"), 1);
	assert_int_equal(stat(&world, "remove_missing"), 1);
	writer_set_remove(world.writer, REMOVE_IGNORE);
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "remove_ignored"), 1);
	assert_int_equal(value_of(&world, 1), 11);
	writer_set_remove(world.writer, REMOVE_HONOUR);
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 1), 0);
	assert_int_equal(fake_engine_count(world.engine), 1);
	stop(&world);
}

/* The smallest cache: each NEW replaces the one before. */
static void capacity_of_one(void **state)
{
	struct world world = start(1);

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		send_new(&world, i, 300, (uint8_t)(i % 200 + 1));
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_stored"), 1000);
	assert_int_equal(stat(&world, "sessions_evicted"), 999);
	assert_int_equal(stat(&world, "sessions"), 1);
	assert_int_equal(fake_engine_count(world.engine), 1);
	assert_int_equal(value_of(&world, 999), 999 % 200 + 1);
	fake_engine_send(world.engine, SESSD_REMOVE, 999, 0, 0, 0);
	send_new(&world, 7, 300, 8);
	send_new(&world, 7, 300, 9);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 7), 8);
	assert_int_equal(stat(&world, "sessions_evicted"), 999);
	stop(&world);
}

/* Refused by the fast path: forgotten, so that the next NEW is stored. */
static void refused(void **state)
{
	struct world world = start(10);

	(void)state;
	for (uint32_t i = 0; i < 30; i++)
		send_new(&world, i, 300, i % 2 ? FAKE_REFUSED : 5);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "sessions"), fake_engine_count(world.engine));
	assert_in_range(stat(&world, "new_failed"), 1, 15);
	flush(&world);
	assert_int_equal(fake_engine_count(world.engine), 0);
	send_new(&world, 1, 300, FAKE_REFUSED);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "sessions"), 0);
	send_new(&world, 1, 300, 6);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 1), 6);
	assert_int_equal(stat(&world, "new_exists"), 0);
	stop(&world);
}

/* A NEW replaces an expired session that was not swept yet; another one is swept without it. */
static void expires(void **state)
{
	struct world world = start(10);
	uint64_t end;

	(void)state;
	/* These slots are looked at 0.94 s after the start, and a second later. The sessions end
	 * just after the first time. */
	send_new(&world, 1, 1, 10);
	send_new(&world, 2, 1, 20);
	send_new(&world, 3, 300, 30);
	fake_engine_settle(world.engine);
	end = clock_expiry(clock_tick(), 1);
	send_new(&world, 1, 300, 11);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_exists"), 1);
	while (clock_tick() <= end)
		usleep(2000);
	assert_int_equal(stat(&world, "sessions_expired"), 0);
	send_new(&world, 1, 300, 12);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_replaced"), 1);
	assert_int_equal(stat(&world, "new_stored"), 3);
	assert_int_equal(value_of(&world, 1), 12);
	for (unsigned i = 0; i < 200 && value_of(&world, 2); i++)
		usleep(10000);
	/* At most one round and one idle interval after its end. */
	assert_in_range(clock_tick() - end, 0, 1024 + 400);
	assert_int_equal(value_of(&world, 2), 0);
	assert_int_equal(stat(&world, "sessions_expired"), 2);
	assert_int_equal(fake_engine_count(world.engine), 2);
	stop(&world);
}

/* During a sweep, a NEW into a full cache replaces a session that has ended, not a live one. */
static void ended_go_first(void **state)
{
	enum {
		CAPACITY = 20000,
		LIVING = 1000,
		LATER = 4000
	};
	struct world world = start(CAPACITY);

	(void)state;
	for (uint32_t i = 1; i <= CAPACITY;
		i++) /* the live session is the oldest, so first to be evicted */
		send_new(&world, i, i <= LIVING ? 300 : 2, 1);
	fake_engine_settle(world.engine);
	for (unsigned i = 0; i < 4000 && stat(&world, "sessions_expired") == 0; i++)
		usleep(1000);
	for (uint32_t i = 1; i <= LATER; i++)
		send_new(&world, CAPACITY + i, 300, 2);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "sessions_evicted"), 0);
	for (uint32_t i = 1; i <= LIVING; i++)
		assert_int_equal(value_of(&world, i), 1);
	for (uint32_t i = 1; i <= LATER; i++)
		assert_int_equal(value_of(&world, CAPACITY + i), 2);
	for (unsigned i = 0; i < 4000 && stat(&world, "sessions") > LIVING + LATER; i++)
		usleep(1000);
	assert_int_equal(stat(&world, "sessions"), LIVING + LATER);
	assert_int_equal(stat(&world, "sessions_expired"), CAPACITY - LIVING);
	stop(&world);
}

/* The main thread's commands, each in several steps. */
static void commands(void **state)
{
	enum {
		SESSIONS = 20000,
		ROOM = 77
	};
	struct world world = start(SESSIONS + 10000);
	static bool seen[SESSIONS + 10000];
	struct session session, page[ROOM];
	struct session_info infos[ROOM];
	uint8_t key[SESSD_KEY_SIZE];
	uint32_t next = 0, listed = 0;

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++)
		send_new(&world, i, 300, 1);
	fake_engine_settle(world.engine);
	fake_engine_key(1234, key);
	assert_true(writer_find(world.writer, key, &session, NULL));
	assert_memory_equal(session.key, key, SESSD_KEY_SIZE);
	assert_int_equal(session.len, 144);
	assert_true(writer_delete(world.writer, key));
	assert_false(writer_delete(world.writer, key));
	assert_false(writer_find(world.writer, key, &session, NULL));
	assert_int_equal(value_of(&world, 1234), 0);
	while (next < SESSIONS + 10000) {
		unsigned n = writer_list(world.writer, NULL, &next, page, infos, ROOM);

		assert_in_range(n, 0, ROOM);
		for (unsigned i = 0; i < n; i++) {
			assert_false(seen[page[i].slot]);
			assert_int_equal(page[i].len, 144);
			seen[page[i].slot] = true;
			listed++;
		}
	}
	assert_int_equal(listed, SESSIONS - 1);
	assert_int_equal(flush(&world), SESSIONS - 1);
	assert_int_equal(flush(&world), 0);
	assert_int_equal(fake_engine_count(world.engine), 0);
	assert_int_equal(stat(&world, "sessions_flushed"), SESSIONS);
	stop(&world);
}

/* The main thread waits for a page of a list, so a page is one step, even if all slots are free. */
static void list_of_free_slots(void **state)
{
	enum {
		SESSIONS = 50000
	};
	struct world world = start(SESSIONS * 2);
	struct session page[256];
	struct session_info infos[256];
	uint32_t next = 0, listed = 0, pages = 0;

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++)
		send_new(&world, i, 300, 1);
	fake_engine_settle(world.engine);
	for (uint32_t i = 0; i < SESSIONS - 1; i++)
		fake_engine_send(world.engine, SESSD_REMOVE, i, 0, 0, 0);
	fake_engine_settle(world.engine);
	while (next < 2 * SESSIONS) {
		uint32_t from = next;

		listed += writer_list(world.writer, NULL, &next, page, infos, 256);
		/* Slots that were never used are skipped at once. */
		assert_true(next - from <= 4096 || next == 2 * SESSIONS);
		pages++;
	}
	assert_int_equal(listed, 1);
	assert_in_range(pages, SESSIONS / 4096, SESSIONS / 4096 + 2);
	stop(&world);
}

static void fill(struct world *world, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		send_new(world, first + i, 300, 1);
	fake_engine_settle(world->engine);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* A flush keeps its pace, the main thread may do something else meanwhile, and it ends when all
 * sessions that it found are gone, not earlier. */
static void flush_pace(void **state)
{
	enum {
		SESSIONS = 60000,
		PER_MS = 256
	};
	struct world world = start(SESSIONS + 100);
	struct writer_flush flush, other;
	uint64_t began, deleted = 0, left = SESSIONS, before;
	unsigned looks = 0, partly = 0;
	struct session session;
	uint8_t key[SESSD_KEY_SIZE];

	(void)state;
	fill(&world, 0, SESSIONS);
	fake_engine_key(SESSIONS - 1, key);
	began = now_ns();
	writer_flush_start(world.writer, &flush);
	for (;;) {
		uint64_t ms;
		int done = writer_flush_done(world.writer, &flush, &deleted);

		before = left;
		left = stat(&world, "sessions");
		ms = (now_ns() - began) / 1000000;
		assert_true(left <= before);
		/* The first step runs at once, and a pause may begin late and end on time. */
		assert_true(SESSIONS - left <= (ms + 2) * PER_MS);
		if (done)
			break;
		partly += left > 0 && left < SESSIONS;
		/* A command of the main thread runs between two steps. */
		writer_find(world.writer, key, &session, NULL);
		looks++;
		usleep(200);
	}
	assert_int_equal(left, 0);
	assert_int_equal(deleted, SESSIONS);
	assert_int_equal(fake_engine_count(world.engine), 0);
	assert_int_equal(stat(&world, "sessions_flushed"), SESSIONS);
	assert_true(now_ns() - began >= (SESSIONS / PER_MS - 1) * 1000000ULL);
	assert_true(partly > 2);
	print_message("%u looks in %u ms\n", looks, (unsigned)((now_ns() - began) / 1000000));
	/* Checking an ended flush again is harmless; so is a flush that finds nothing. */
	assert_int_equal(writer_flush_done(world.writer, &flush, &deleted), 1);
	writer_flush_start(world.writer, &other);
	began = now_ns();
	while (writer_flush_done(world.writer, &other, &deleted) == 0)
		usleep(200);
	assert_int_equal(deleted, 0);
	stop(&world);
}

/* Sessions stored after a flush began stay, in slots that it has passed and in others, even with a
 * key that it deleted. A second flush begins when the first has ended, and deletes what was stored
 * between the two. */
static void flush_spares_later(void **state)
{
	enum {
		SESSIONS = 40000,
		LATER = 10000,
		GAP = 500
	};
	struct world world = start(SESSIONS + LATER);
	struct writer_flush first, second, third;
	uint64_t deleted, flushed;
	struct fake_entry entry;
	int done = 0;

	(void)state;
	fill(&world, 0, SESSIONS);
	/* Free slots before sessions that will be deleted: the first NEWs take them. */
	for (uint32_t i = SESSIONS - 2 * GAP; i < SESSIONS - GAP; i++)
		fake_engine_send(world.engine, SESSD_REMOVE, i, 0, 0, 0);
	fake_engine_settle(world.engine);
	writer_flush_start(world.writer, &first);
	/* Later slots, which the flush has not reached yet, then those that it has freed. */
	fill(&world, SESSIONS, LATER);
	while ((done = writer_flush_done(world.writer, &first, &deleted)) == 0) {
		if (!fake_engine_find(world.engine, 0, &entry))
			send_new(&world, 0, 300, 77);
		usleep(1000);
	}
	assert_int_equal(done, 1);
	fake_engine_settle(world.engine);
	assert_int_equal(deleted, SESSIONS - GAP);
	assert_int_equal(value_of(&world, 0), 77);
	assert_int_equal(fake_engine_count(world.engine), LATER + 1);
	for (uint32_t i = 0; i < 20; i++)
		assert_int_equal(value_of(&world, SESSIONS + i * (LATER / 20)), 1);

	writer_flush_start(world.writer, &first);
	fill(&world, 1, 500);
	writer_flush_start(world.writer, &second);
	writer_flush_start(world.writer, &third);
	assert_int_equal(second.pass, first.pass + 1);
	if (writer_flush_done(world.writer, &first, &deleted) == 0)
		assert_int_equal(third.pass, second.pass);
	else
		print_message("too slow to see flushes joined\n");
	flushed = stat(&world, "sessions_flushed");
	while (writer_flush_done(world.writer, &second, &deleted) == 0)
		usleep(200);
	assert_int_equal(writer_flush_done(world.writer, &first, &deleted), 1);
	assert_int_equal(writer_flush_done(world.writer, &third, &deleted), 1);
	assert_true(deleted >= 500);
	assert_true(deleted <= LATER + 501);
	assert_true(stat(&world, "sessions_flushed") >= flushed);
	assert_int_equal(stat(&world, "sessions_flushed"), SESSIONS - GAP + LATER + 501);
	assert_int_equal(fake_engine_count(world.engine), 0);
	/* Afterwards evictions and expiry find their lists in order. */
	fill(&world, 0, SESSIONS + LATER + 50);
	assert_int_equal(stat(&world, "sessions_evicted"), 50);
	assert_int_equal(flush(&world), SESSIONS + LATER);
	stop(&world);
}

struct sender {
	struct world *world;
	atomic_bool stop;
};

static void *send_mix(void *arg)
{
	struct sender *sender = arg;
	uint64_t seed = 9;

	while (!atomic_load(&sender->stop)) {
		for (int i = 0; i < 200; i++) {
			uint32_t key = (uint32_t)(seed = seed * 6364136223846793005 + 1) >> 22;

			if (seed >> 40 & 1)
				send_new(sender->world, key, 2, seed >> 41 & 15 ? 1 : FAKE_REFUSED);
			else
				fake_engine_send(sender->world->engine, SESSD_REMOVE, key, 0, 0, 0);
		}
		fake_engine_settle(sender->world->engine);
	}
	return NULL;
}

/* All at once: changes that come and go, refusals, evictions, expiry, commands. The fake engine
 * checks each put and delete. */
static void under_load(void **state)
{
	struct world world = start(300);
	struct sender sender = {.world = &world};
	uint64_t until = clock_tick() + 2500;
	struct session page[50];
	struct session_info infos[50];
	uint8_t key[SESSD_KEY_SIZE];
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, send_mix, &sender), 0);
	for (uint32_t i = 0; clock_tick() < until; i++) {
		uint32_t next = 0;

		fake_engine_key(i % 1024, key);
		writer_delete(world.writer, key);
		writer_find(world.writer, key, page, NULL);
		while (next < 300)
			writer_list(world.writer, NULL, &next, page, infos, 50);
		if (i % 50 == 0)
			flush(&world);
		writer_set_remove(world.writer, i % 20 ? REMOVE_HONOUR : REMOVE_IGNORE);
	}
	atomic_store(&sender.stop, true);
	pthread_join(thread, NULL);
	assert_true(stat(&world, "new_failed") > 0);
	assert_true(stat(&world, "sessions_evicted") > 0);
	assert_int_equal(stat(&world, "new_stored") + stat(&world, "new_replaced"),
		stat(&world, "sessions") + stat(&world, "new_failed") +
			stat(&world, "remove_done") + stat(&world, "sessions_evicted") +
			stat(&world, "sessions_expired") + stat(&world, "sessions_flushed"));
	assert_int_equal(stat(&world, "sessions"), fake_engine_count(world.engine));
	stop(&world);
}

static void adopts(void **state)
{
	const struct writer_config config = {.capacity = 4, .value_max = 512};
	struct world world = {.engine = fake_engine_create(4)};
	uint64_t now = clock_tick();
	struct session session = {.expires = now + 100000, .len = 20};

	(void)state;
	fake_engine_key(1, session.key);
	session.slot = 2;
	fake_engine_outlived(world.engine, &session);
	session.slot = 3; /* the same key again */
	fake_engine_outlived(world.engine, &session);
	fake_engine_key(2, session.key);
	session.slot = 2; /* the same slot again */
	fake_engine_outlived(world.engine, &session);
	session.slot = 4; /* beyond */
	fake_engine_outlived(world.engine, &session);
	session.slot = 0;
	session.expires = now; /* over */
	fake_engine_outlived(world.engine, &session);
	session.slot = 1;
	session.expires = now + 100000;
	fake_engine_outlived(world.engine, &session);
	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	assert_non_null(world.writer);
	assert_int_equal(writer_adopt(world.writer), 0);
	assert_int_equal(writer_start(world.writer), 0);
	assert_int_equal(fake_engine_forgotten(world.engine), 4);
	assert_int_equal(stat(&world, "sessions_adopted"), 2);
	/* They behave like new ones: the first write wins, no slot is used twice. */
	send_new(&world, 1, 300, 9);
	send_new(&world, 3, 300, 3);
	send_new(&world, 4, 300, 4);
	send_new(&world, 5, 300, 5);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_exists"), 1);
	assert_int_equal(stat(&world, "sessions"), 4);
	assert_int_equal(stat(&world, "sessions_evicted"), 1);
	assert_int_equal(fake_engine_count(world.engine), 4);
	stop(&world);
}

/* A failure of the engine ends the thread, is reported, and leaves no command waiting. */
static void failure(void **state)
{
	struct world world = start(10);
	struct pollfd poller = {.fd = writer_failure_fd(world.writer), .events = POLLIN};
	uint8_t key[SESSD_KEY_SIZE] = {0};
	struct writer_flush flush;
	uint64_t deleted;

	(void)state;
	assert_int_equal(poll(&poller, 1, 0), 0);
	fake_engine_fail(world.engine);
	assert_int_equal(poll(&poller, 1, 2000), 1);
	assert_non_null(strstr(writer_failure(world.writer), "fails as requested"));
	assert_false(writer_delete(world.writer, key));
	writer_flush_start(world.writer, &flush);
	assert_int_equal(writer_flush_done(world.writer, &flush, &deleted), -ESHUTDOWN);
	assert_non_null(strstr(error_message(), "not all sessions were deleted"));
	stop(&world);
}

static atomic_uint announced;

static void announce(void)
{
	atomic_fetch_add(&announced, 1);
}

/* on_thread is called once, before anything else on the writer's thread. */
static void own_thread(void **state)
{
	const struct writer_config config = {
		.capacity = 4, .value_max = 512, .on_thread = announce};
	struct world world = {.engine = fake_engine_create(4)};

	(void)state;
	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	assert_non_null(world.writer);
	assert_int_equal(announced, 0);
	assert_int_equal(writer_start(world.writer), 0);
	send_new(&world, 1, 300, 1);
	fake_engine_settle(world.engine);
	assert_int_equal(announced, 1);
	stop(&world);
}

static void failed_start(void **state)
{
	const struct writer_config config = {.capacity = 4, .value_max = 512};
	struct world world = {.engine = fake_engine_create(4)};
	struct pollfd poller = {.events = POLLIN};

	(void)state;
	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	fake_engine_fail(world.engine);
	assert_int_equal(writer_start(world.writer), -EIO);
	assert_non_null(strstr(error_message(), "does not start"));
	writer_stop(world.writer);
	/* It has not even polled. */
	poller.fd = writer_failure_fd(world.writer);
	assert_int_equal(poll(&poller, 1, 0), 0);
	stop(&world);
}

/* Put at once, and renewed for as long as the writer lives; no session. */
static void status(void **state)
{
	static const uint8_t key[SESSD_KEY_SIZE] = SESSD_STATUS_KEY;
	struct world world = start(5);
	struct session first, later, listed[8];
	struct session_info infos[8];
	uint32_t next = 0;

	(void)state;
	do
		first = fake_engine_status(world.engine);
	while (first.expires == 0);
	assert_memory_equal(first.key, key, sizeof(key));
	assert_true(first.len > 0 && first.len <= SESSD_STATUS_MAX);
	do
		later = fake_engine_status(world.engine);
	while (later.expires == first.expires);
	assert_true(later.expires > first.expires);
	assert_int_equal(stat(&world, "sessions"), 0);
	assert_false(writer_find(world.writer, key, &later, NULL));
	assert_false(writer_delete(world.writer, key));
	assert_false(writer_take(world.writer, key));
	assert_int_equal(writer_list(world.writer, NULL, &next, listed, infos, 8), 0);
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news),
		cmocka_unit_test(status),
		cmocka_unit_test(selected),
		cmocka_unit_test(selected_of_others),
		cmocka_unit_test(described),
		cmocka_unit_test(removes),
		cmocka_unit_test(capacity_of_one),
		cmocka_unit_test(refused),
		cmocka_unit_test(expires),
		cmocka_unit_test(ended_go_first),
		cmocka_unit_test(commands),
		cmocka_unit_test(list_of_free_slots),
		cmocka_unit_test(flush_pace),
		cmocka_unit_test(flush_spares_later),
		cmocka_unit_test(under_load),
		cmocka_unit_test(adopts),
		cmocka_unit_test(failure),
		cmocka_unit_test(own_thread),
		cmocka_unit_test(failed_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
