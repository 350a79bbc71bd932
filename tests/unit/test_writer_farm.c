/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's part in a farm, between a fake engine and the test, which is the farm's thread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/removed_keys.h"
#include "control/sessions/writer_farm.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/writer_figure.h"

#include "common/clock.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_bool ready;
static atomic_uint wakes, losses;

bool __wrap_farm_ready(const struct farm *farm);
void __wrap_farm_wake(struct farm *farm);
void __wrap_farm_lost(struct farm *farm);

void __wrap_farm_lost(struct farm *farm)
{
	(void)farm;
	losses++;
}

bool __wrap_farm_ready(const struct farm *farm)
{
	(void)farm;
	return ready;
}

void __wrap_farm_wake(struct farm *farm)
{
	(void)farm;
	wakes++;
}

struct world {
	struct engine *engine;
	struct writer *writer;
	struct farm_side side;
};

/* Sessions that an earlier daemon left have the keys from `outlived` down to 1. */
static struct world start_with(uint32_t capacity, uint32_t outlived)
{
	const struct writer_config config = {.capacity = capacity, .value_max = 512, .farm = true};
	struct world world = {.engine = fake_engine_create(capacity)};
	static char farm;

	ready = false;
	wakes = 0;
	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	assert_non_null(world.writer);
	for (uint32_t i = 1; i <= outlived; i++) {
		struct session session = {
			.slot = i, .len = 8, .expires = clock_tick() + clock_ticks(100)};

		fake_engine_key(i, session.key);
		fake_engine_outlived(world.engine, &session);
	}
	assert_int_equal(writer_adopt(world.writer), 0);
	assert_int_equal(writer_start(world.writer), 0);
	writer_join_farm(world.writer, (struct farm *)(void *)&farm);
	world.side = writer_farm_side(world.writer);
	return world;
}

static struct world start(uint32_t capacity)
{
	return start_with(capacity, 0);
}

static void stop(struct world *world)
{
	writer_stop(world->writer);
	writer_destroy(world->writer);
	fake_engine_destroy(world->engine);
}

static void send_new(struct world *world, uint32_t key, uint8_t first)
{
	fake_engine_send(world->engine, SESSD_NEW, key, 300, first, 144);
}

static uint64_t stat(struct world *world, const char *name)
{
	return writer_figure(world->writer, name);
}

/* Waits until a counter has this value; it must not pass it. */
static void await(struct world *world, const char *name, uint64_t value)
{
	for (unsigned i = 0; i < 10000 && stat(world, name) < value; i++)
		usleep(1000);
	assert_int_equal(stat(world, name), value);
}

static uint8_t value_of(struct world *world, uint32_t key)
{
	struct fake_entry entry;

	return fake_engine_find(world->engine, key, &entry) ? entry.first : 0;
}

/* A peer's record. */
static bool peer(struct world *world, int type, uint32_t key, uint8_t first, uint16_t len,
	uint32_t seconds, enum farm_age age)
{
	uint8_t value[SESSD_VALUE_LIMIT];
	struct farm_record record = {.type = (uint8_t)type,
		.value = value,
		.value_len = type == FARM_NEW ? len : 0,
		.seconds_left = seconds};

	memset(value, first, sizeof(value));
	fake_engine_key(key, record.key);
	return world->side.incoming(world->side.ctx, &record, age);
}

static void peer_new(struct world *world, uint32_t key, uint8_t first, enum farm_age age)
{
	while (!peer(world, FARM_NEW, key, first, 144, 300, age))
		usleep(100);
}

/* What went out. */
struct outbox {
	unsigned count, news, removes, flushes, taken;
	struct farm_record last;
	uint8_t first; /* of the last value */
	uint8_t keys[64][SESSD_KEY_SIZE];
};

static void on_record(void *to, const struct farm_record *record)
{
	struct outbox *outbox = to;

	if (outbox->count < 64)
		memcpy(outbox->keys[outbox->count], record->key, SESSD_KEY_SIZE);
	outbox->count++;
	outbox->news += record->type == FARM_NEW;
	outbox->removes += record->type == FARM_REMOVE;
	outbox->flushes += record->type == FARM_FLUSH;
	outbox->taken += record->type == FARM_TAKEN;
	outbox->last = *record;
	if (record->value_len > 0)
		outbox->first = record->value[0];
	for (unsigned i = 0; i < record->value_len; i++)
		assert_int_equal(record->value[i], record->value[0]);
}

static void collect(struct world *world, struct outbox *outbox)
{
	while (world->side.outgoing(world->side.ctx, 100, on_record, outbox) > 0)
		;
}

static void flush(struct world *world)
{
	struct writer_flush flush;
	uint64_t deleted;

	writer_flush_start(world->writer, &flush);
	while (writer_flush_done(world->writer, &flush, &deleted) == 0)
		usleep(500);
}

/* What clients and operators change is passed on, in order; what changes nothing is not. */
static void goes_out(void **state)
{
	struct world world = start(100);
	struct outbox outbox = {0};
	uint8_t key[SESSD_KEY_SIZE];

	(void)state;
	send_new(&world, 1, 10);
	send_new(&world, 1, 11);
	fake_engine_send(world.engine, SESSD_NEW, 2, 0, 12, 144);
	fake_engine_settle(world.engine);
	await(&world, "farm_passed", 1);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, 1);
	assert_int_equal(outbox.last.type, FARM_NEW);
	assert_int_equal(outbox.last.seconds_left, 300);
	assert_int_equal(outbox.last.value_len, 144);
	assert_int_equal(outbox.first, 10);
	fake_engine_key(1, key);
	assert_memory_equal(outbox.last.key, key, SESSD_KEY_SIZE);
	for (unsigned i = 0; i < 2000 && wakes == 0; i++)
		usleep(1000);
	assert_true(wakes > 0);

	/* A REMOVE of a session that is not here: another cache has it. */
	fake_engine_send(world.engine, SESSD_REMOVE, 3, 0, 0, 0);
	fake_engine_settle(world.engine);
	writer_set_remove(world.writer, REMOVE_IGNORE);
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_settle(world.engine);
	assert_true(writer_delete(world.writer, key));
	assert_false(writer_delete(world.writer, key));
	flush(&world);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, 4);
	assert_int_equal(outbox.removes, 2);
	assert_int_equal(outbox.flushes, 1);
	assert_int_equal(outbox.last.type, FARM_FLUSH);
	stop(&world);
}

/* Peers' sessions are served, the first NEW wins, and nothing of it goes out again. */
static void comes_in(void **state)
{
	struct world world = start(100);
	struct outbox outbox = {0};
	struct fake_entry entry;
	uint64_t before = clock_tick();

	(void)state;
	send_new(&world, 1, 10);
	fake_engine_settle(world.engine);
	peer_new(&world, 1, 11, FARM_LIVE);
	assert_true(peer(&world, FARM_NEW, 2, 20, 512, 77, FARM_LIVE));
	peer_new(&world, 2, 21, FARM_LIVE);
	assert_true(peer(&world, FARM_NEW, 3, 30, 513, 77, FARM_LIVE));
	assert_true(peer(&world, FARM_NEW, 3, 30, 0, 77, FARM_LIVE));
	assert_true(peer(&world, FARM_NEW, 3, 30, 10, 0, FARM_LIVE));
	assert_true(peer(&world, 99, 3, 0, 0, 0, FARM_LIVE));
	await(&world, "farm_invalid", 3);
	await(&world, "farm_exists", 2);
	assert_int_equal(value_of(&world, 1), 10);
	assert_int_equal(value_of(&world, 3), 0);
	assert_true(fake_engine_find(world.engine, 2, &entry));
	assert_int_equal(entry.first, 20);
	assert_int_equal(entry.session.len, 512);
	assert_in_range(
		entry.session.expires, clock_expiry(before, 77), clock_expiry(clock_tick(), 77));
	assert_int_equal(stat(&world, "farm_stored"), 1);
	/* A client's NEW of a peer's session does not replace it, and is not passed on. */
	send_new(&world, 2, 22);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 2), 20);
	peer(&world, FARM_REMOVE, 1, 0, 0, 0, FARM_LIVE);
	peer(&world, FARM_TAKEN, 2, 0, 0, 0, FARM_LIVE);
	peer(&world, FARM_REMOVE, 3, 0, 0, 0, FARM_LIVE);
	await(&world, "farm_taken", 1);
	await(&world, "farm_removed", 1);
	assert_int_equal(fake_engine_count(world.engine), 0);
	peer_new(&world, 5, 1, FARM_LIVE);
	await(&world, "farm_stored", 2);
	peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_LIVE);
	await(&world, "farm_flushes", 1);
	await(&world, "sessions_flushed", 1);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, 1); /* session 1 */
	stop(&world);
}

/* A peer stores sessions right after its flush: they stay. */
static void stored_after_a_flush(void **state)
{
	const struct writer_config config = {.capacity = 100, .value_max = 512, .farm = true};
	struct world world = {.engine = fake_engine_create(100)};

	(void)state;
	world.writer = writer_create(&fake_engine_ops, world.engine, &config);
	assert_non_null(world.writer);
	world.side = writer_farm_side(world.writer);
	/* All of it is there when the writer first looks. */
	peer_new(&world, 1, 10, FARM_LIVE);
	assert_true(peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_LIVE));
	for (uint32_t i = 2; i <= 20; i++)
		peer_new(&world, i, 20, FARM_LIVE);
	assert_int_equal(writer_start(world.writer), 0);
	await(&world, "farm_stored", 20);
	await(&world, "sessions_flushed", 1);
	assert_int_equal(value_of(&world, 1), 0);
	for (uint32_t i = 2; i <= 20; i++)
		assert_int_equal(value_of(&world, i), 20);
	stop(&world);
}

static bool has(struct world *world, uint32_t key)
{
	uint8_t bytes[SESSD_KEY_SIZE];
	struct session session;

	fake_engine_key(key, bytes);
	return writer_find(world->writer, bytes, &session, NULL);
}

/* What an earlier daemon left ends with a flush that happened meanwhile, what is newer stays. */
static void a_flush_in_the_history(void **state)
{
	struct world world = start_with(1000, 9);

	(void)state;
	assert_true(world.side.taken_over);
	/* A client stores one, peers others; and of one that was left there is a newer record. */
	send_new(&world, 100, 1);
	fake_engine_settle(world.engine);
	peer_new(&world, 101, 2, FARM_LIVE);
	peer_new(&world, 102, 2, FARM_HISTORY);
	peer_new(&world, 3, 2, FARM_HISTORY);
	peer_new(&world, 4, 2, FARM_LIVE);
	assert_true(peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_HISTORY));
	peer_new(&world, 5, 2, FARM_HISTORY);
	await(&world, "farm_stored", 3);
	for (uint32_t i = 1; i <= 9; i++)
		assert_int_equal(has(&world, i), i >= 3 && i <= 5);
	for (uint32_t i = 100; i <= 102; i++)
		assert_true(has(&world, i));
	assert_int_equal(stat(&world, "sessions_flushed"), 7);
	assert_int_equal(stat(&world, "farm_flushes"), 1);
	stop(&world);
}

/* The same in the order of the streams: what came before the flush ends, too. */
static void a_flush_that_was_missed(void **state)
{
	struct world world = start_with(1000, 9);

	(void)state;
	send_new(&world, 100, 1);
	fake_engine_settle(world.engine);
	peer_new(&world, 101, 2, FARM_LIVE);
	peer_new(&world, 102, 2, FARM_MISSED);
	peer_new(&world, 3, 2, FARM_MISSED);
	assert_true(peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_MISSED));
	peer_new(&world, 103, 2, FARM_MISSED);
	assert_true(peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_MISSED));
	peer_new(&world, 104, 2, FARM_MISSED);
	await(&world, "farm_stored", 4);
	for (uint32_t i = 1; i <= 9; i++)
		assert_false(has(&world, i));
	assert_true(has(&world, 100) && has(&world, 101) && has(&world, 104));
	assert_false(has(&world, 102) || has(&world, 103));
	stop(&world);
}

/* A cache that is full learns of newer records all the same; and what a flush ends does not go out
 * again. */
static void a_flush_in_a_full_cache(void **state)
{
	struct world world = start_with(20, 9);
	struct outbox outbox = {0};

	(void)state;
	peer_new(&world, 3, 2, FARM_HISTORY);
	for (uint32_t i = 0; i < 20; i++)
		peer_new(&world, 100 + i, 2, FARM_HISTORY);
	peer_new(&world, 4, 2, FARM_HISTORY);
	assert_true(peer(&world, FARM_FLUSH, 0, 0, 0, 0, FARM_HISTORY));
	world.side.resend(world.side.ctx);
	await(&world, "farm_passed_again", 2);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, 2);
	assert_int_equal(stat(&world, "sessions_flushed"), 7);
	assert_true(has(&world, 3) && has(&world, 4));
	assert_true(stat(&world, "farm_no_room") > 0);
	stop(&world);
}

/* What peers stored since an earlier daemon left its sessions replaces them in a full cache, as if
 * it had come live. What is older does not. */
static void newer_than_what_was_left(void **state)
{
	struct world world = start_with(20, 18);

	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		peer_new(&world, 100 + i, 2, FARM_HISTORY);
	await(&world, "farm_stored", 10);
	for (uint32_t i = 18; i >= 1; i--)
		peer_new(&world, i, 2, FARM_HISTORY);
	await(&world, "farm_no_room", stat(&world, "sessions_evicted"));
	for (uint32_t i = 0; i < 10; i++)
		assert_true(has(&world, 100 + i));
	assert_int_equal(stat(&world, "sessions"), 20);
	stop(&world);
}

/* A REMOVE here of a session that the farm is just passing on holds. */
static void remove_overtakes(void **state)
{
	struct world world = start(100);

	(void)state;
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_settle(world.engine);
	peer_new(&world, 1, 10, FARM_LIVE);
	await(&world, "farm_outdated", 1);
	fake_engine_send(world.engine, SESSD_REMOVE, 2, 0, 0, 0);
	fake_engine_settle(world.engine);
	peer_new(&world, 2, 10, FARM_LIVE);
	await(&world, "farm_outdated", 2);
	assert_int_equal(fake_engine_count(world.engine), 0);
	/* A client that stores it anew means it. */
	send_new(&world, 1, 11);
	fake_engine_settle(world.engine);
	assert_int_equal(value_of(&world, 1), 11);
	stop(&world);
}

/* In a full cache the history replaces nothing, a live session the oldest. */
static void full_cache(void **state)
{
	enum {
		CAPACITY = 100
	};
	struct world world = start(CAPACITY);

	(void)state;
	for (uint32_t i = 1; i <= CAPACITY / 2; i++)
		send_new(&world, i, 1);
	fake_engine_settle(world.engine);
	/* From the newest to the oldest. */
	for (uint32_t i = 1; i <= CAPACITY; i++)
		peer_new(&world, 1000 + i, 2, FARM_HISTORY);
	await(&world, "farm_no_room", CAPACITY / 2);
	assert_int_equal(stat(&world, "sessions_evicted"), 0);
	assert_int_equal(stat(&world, "sessions"), CAPACITY);
	for (uint32_t i = 1; i <= CAPACITY / 2; i++) {
		assert_int_equal(value_of(&world, i), 1);
		assert_int_equal(value_of(&world, 1000 + i), 2);
	}
	/* The oldest of the history go first, then what clients stored. */
	for (uint32_t i = 1; i <= CAPACITY / 2 - 1; i++)
		peer_new(&world, 2000 + i, 3, FARM_LIVE);
	await(&world, "farm_stored", CAPACITY - 1);
	assert_int_equal(value_of(&world, 1001), 2);
	for (uint32_t i = 2; i <= CAPACITY / 2; i++)
		assert_int_equal(value_of(&world, 1000 + i), 0);
	for (uint32_t i = 1; i <= CAPACITY / 2; i++)
		assert_int_equal(value_of(&world, i), 1);
	stop(&world);
}

/* Nobody takes what goes out: it is dropped and counted, but for REMOVEs and flushes. */
static void farm_stuck(void **state)
{
	enum {
		NEWS = 60000 /* of 192 bytes in the queue each: more than its 8 MiB */
	};
	struct world world = start(NEWS);
	struct outbox outbox = {0};

	(void)state;
	losses = 0;
	for (uint32_t i = 0; i < NEWS; i++)
		send_new(&world, i, 1);
	fake_engine_settle(world.engine);
	assert_int_equal(stat(&world, "new_stored"), NEWS);
	fake_engine_send(world.engine, SESSD_REMOVE, 1, 0, 0, 0);
	fake_engine_settle(world.engine);
	flush(&world);
	assert_int_equal(
		stat(&world, "farm_passed") + stat(&world, "farm_drop_queue_full"), NEWS + 2);
	assert_in_range(stat(&world, "farm_drop_queue_full"), NEWS / 10, NEWS / 2);
	/* So that the farm asks for them again. */
	assert_int_equal(losses, stat(&world, "farm_drop_queue_full"));
	collect(&world, &outbox);
	assert_int_equal(outbox.count, stat(&world, "farm_passed"));
	assert_int_equal(outbox.removes, 1);
	assert_int_equal(outbox.flushes, 1);
	stop(&world);
}

/* The writer is stuck: a peer's record is refused for now, nothing grows. */
static void writer_stuck(void **state)
{
	struct world world = start(100000);
	unsigned refused = 0;

	(void)state;
	writer_stop(world.writer);
	for (uint32_t i = 0; i < 40000; i++)
		refused += !peer(&world, FARM_NEW, i, 1, 144, 300, FARM_LIVE);
	assert_in_range(refused, 10000, 30000);
	stop(&world);
}

/* All sessions that clients stored here go out again, with their values, and no others. */
static void again(void **state)
{
	enum {
		OWN = 20000,
		OUTLIVED = 9
	};
	struct world world = start_with(2 * OWN + 100, OUTLIVED);
	struct outbox outbox = {0};
	uint8_t key[SESSD_KEY_SIZE];
	unsigned found = 0;

	(void)state;
	for (uint32_t i = 0; i < OWN; i++) {
		send_new(&world, 1000000 + i, 7);
		peer_new(&world, 2000000 + i, 8, FARM_LIVE);
	}
	fake_engine_settle(world.engine);
	await(&world, "farm_stored", OWN);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, OWN);
	memset(&outbox, 0, sizeof(outbox));
	world.side.resend(world.side.ctx);
	for (unsigned i = 0; i < 5000 && stat(&world, "farm_passed_again") < OWN + OUTLIVED; i++) {
		usleep(1000);
		collect(&world, &outbox);
	}
	usleep(10000);
	collect(&world, &outbox);
	assert_int_equal(outbox.count, OWN + OUTLIVED);
	assert_int_equal(outbox.news, OWN + OUTLIVED);
	assert_int_equal(outbox.first, 7);
	assert_in_range(outbox.last.seconds_left, 280, 300);
	/* They are in the first slots. */
	for (unsigned i = 0; i < 64 * OUTLIVED; i++) {
		fake_engine_key(i % OUTLIVED + 1, key);
		found += memcmp(outbox.keys[i / OUTLIVED], key, SESSD_KEY_SIZE) == 0;
	}
	assert_int_equal(found, OUTLIVED);
	stop(&world);
}

static void await_status(struct world *world, const char *status)
{
	for (unsigned i = 0; i < 5000 && fake_engine_status(world->engine).len != strlen(status);
		i++)
		usleep(1000);
	assert_int_equal(fake_engine_status(world->engine).len, strlen(status));
}

static void status(void **state)
{
	struct world world = start(10);

	(void)state;
	await_status(&world, "sessiond/1 take=no state=warming-up");
	ready = true;
	await_status(&world, "sessiond/1 take=no state=ready");
	stop(&world);
}

static void removed_keys(void **state)
{
	struct removed_keys *keys = removed_keys_create();
	uint64_t now = clock_tick(), later = now + clock_ticks(60);

	(void)state;
	assert_false(removed_keys_has(keys, 5, now));
	removed_keys_add(keys, 5, now, 60);
	removed_keys_add(keys, 5 + REMOVED_KEYS, now, 60);
	assert_true(removed_keys_has(keys, 5, later - 1));
	assert_false(removed_keys_has(keys, 5, later));
	removed_keys_clear(keys, 5);
	assert_false(removed_keys_has(keys, 5, now));
	assert_true(removed_keys_has(keys, 5 + REMOVED_KEYS, now));
	/* The oldest goes. */
	for (uint64_t i = 0; i < 5; i++)
		removed_keys_add(keys, 7 + i * REMOVED_KEYS, now + i, 60);
	assert_false(removed_keys_has(keys, 7, now));
	for (uint64_t i = 1; i < 5; i++)
		assert_true(removed_keys_has(keys, 7 + i * REMOVED_KEYS, now));
	removed_keys_destroy(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_out),
		cmocka_unit_test(comes_in),
		cmocka_unit_test(stored_after_a_flush),
		cmocka_unit_test(a_flush_in_the_history),
		cmocka_unit_test(a_flush_that_was_missed),
		cmocka_unit_test(a_flush_in_a_full_cache),
		cmocka_unit_test(newer_than_what_was_left),
		cmocka_unit_test(remove_overtakes),
		cmocka_unit_test(full_cache),
		cmocka_unit_test(farm_stuck),
		cmocka_unit_test(writer_stuck),
		cmocka_unit_test(again),
		cmocka_unit_test(status),
		cmocka_unit_test(removed_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
