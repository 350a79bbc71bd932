/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_engine.h"

#include "common/log.h"

#include "tests/unit/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE	 65536
#define OUTLIVED 64
/* Changes of one poll. */
#define POLL_MAX 100

struct change {
	int type;
	uint32_t key;
	uint16_t timeout;
	uint8_t first;
	size_t len;
	const void *value; /* NULL: `len` times `first` */
	bool has_source;
	struct address source;
};

/* What happens to a slot between two commits. */
struct pending {
	bool deleted, put;
	struct fake_entry entry;
};

struct engine {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* something was queued, or the writer must wake */
	pthread_cond_t settled;
	struct change queue[QUEUE];
	unsigned head, tail, committed;
	bool woken, fails;
	uint32_t capacity;
	struct update_sink sink;
	struct fake_entry *map; /* by slot; under the lock */
	struct pending *pending;
	uint32_t *touched; /* slots with something pending */
	uint32_t touched_count;
	struct session status; /* as it was put last */
	struct session outlived[OUTLIVED];
	unsigned outlived_count, forgotten;
	unsigned lost; /* atomic */
};

void fake_engine_key(uint32_t number, uint8_t key[SESSD_KEY_SIZE])
{
	for (uint64_t i = 0; i < 4; i++) {
		uint64_t word = random_mix(4ULL * number + i);

		memcpy(key + 8 * i, &word, 8);
	}
}

struct engine *fake_engine_create(uint32_t capacity)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	assert_non_null(engine);
	pthread_mutex_init(&engine->lock, NULL);
	pthread_cond_init(&engine->changed, NULL);
	pthread_cond_init(&engine->settled, NULL);
	engine->capacity = capacity;
	engine->map = calloc(capacity, sizeof(*engine->map));
	engine->pending = calloc(capacity, sizeof(*engine->pending));
	engine->touched = calloc(capacity, sizeof(*engine->touched));
	assert_true(engine->map && engine->pending && engine->touched);
	return engine;
}

void fake_engine_destroy(struct engine *engine)
{
	free(engine->map);
	free(engine->pending);
	free(engine->touched);
	free(engine);
}

void fake_engine_outlived(struct engine *engine, const struct session *session)
{
	assert_true(engine->outlived_count < OUTLIVED);
	engine->outlived[engine->outlived_count++] = *session;
}

unsigned fake_engine_forgotten(struct engine *engine)
{
	return engine->forgotten;
}

void fake_engine_send(
	struct engine *engine, int type, uint32_t key, uint16_t timeout, uint8_t first, size_t len)
{
	pthread_mutex_lock(&engine->lock);
	assert_true(engine->tail - engine->committed < QUEUE);
	engine->queue[engine->tail++ % QUEUE] = (struct change){
		.type = type, .key = key, .timeout = timeout, .first = first, .len = len};
	pthread_cond_signal(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

void fake_engine_send_value(struct engine *engine, uint32_t key, uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	pthread_mutex_lock(&engine->lock);
	assert_true(engine->tail - engine->committed < QUEUE);
	engine->queue[engine->tail++ % QUEUE] = (struct change){.type = SESSD_NEW,
		.key = key,
		.timeout = timeout,
		.len = len,
		.value = value,
		.has_source = source != NULL,
		.source = source ? *source : (struct address){{0}}};
	pthread_cond_signal(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

void fake_engine_settle(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	while (engine->committed != engine->tail)
		pthread_cond_wait(&engine->settled, &engine->lock);
	pthread_mutex_unlock(&engine->lock);
}

void fake_engine_fail(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->fails = true;
	pthread_cond_signal(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

bool fake_engine_find(struct engine *engine, uint32_t number, struct fake_entry *entry)
{
	uint8_t key[SESSD_KEY_SIZE];
	unsigned found = 0;

	fake_engine_key(number, key);
	pthread_mutex_lock(&engine->lock);
	for (uint32_t i = 0; i < engine->capacity; i++) {
		if (engine->map[i].present && memcmp(engine->map[i].session.key, key, 32) == 0) {
			*entry = engine->map[i];
			found++;
		}
	}
	pthread_mutex_unlock(&engine->lock);
	assert_in_range(found, 0, 1);
	return found;
}

struct session fake_engine_status(struct engine *engine)
{
	struct session status;

	pthread_mutex_lock(&engine->lock);
	status = engine->status;
	pthread_mutex_unlock(&engine->lock);
	return status;
}

unsigned fake_engine_count(struct engine *engine)
{
	unsigned count = 0;

	pthread_mutex_lock(&engine->lock);
	for (uint32_t i = 0; i < engine->capacity; i++)
		count += engine->map[i].present;
	pthread_mutex_unlock(&engine->lock);
	return count;
}

static void fake_table_config(struct engine *engine, struct table_config *config)
{
	(void)engine;
	config->value_max = 0;
}

static int fake_adopt(struct engine *engine, const struct adoption *adoption)
{
	for (unsigned i = 0; i < engine->outlived_count; i++) {
		const struct session *session = &engine->outlived[i];

		if (adoption->found(adoption->ctx, session))
			engine->map[session->slot] = (struct fake_entry){true, *session, 1};
		else
			engine->forgotten++;
	}
	return 0;
}

static int fake_start(struct engine *engine, struct table *table, const struct update_sink *sink)
{
	(void)table;
	engine->sink = *sink;
	return engine->fails ? error_set(EIO, "the fake engine does not start") : 0;
}

static void deliver(struct engine *engine, const struct change *change)
{
	uint8_t value[2048], key[SESSD_KEY_SIZE];

	fake_engine_key(change->key, key);
	memset(value, change->first, sizeof(value));
	if (change->type == SESSD_REMOVE)
		engine->sink.on_remove(engine->sink.ctx, key);
	else
		engine->sink.on_new(engine->sink.ctx, key, change->timeout,
			change->value ? change->value : value, change->len,
			change->has_source ? &change->source : NULL);
}

static int fake_poll(struct engine *engine, int timeout_ms)
{
	struct timespec until;
	unsigned end;
	int n = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += timeout_ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&engine->lock);
	while (timeout_ms && engine->head == engine->tail && !engine->woken && !engine->fails) {
		if (pthread_cond_timedwait(&engine->changed, &engine->lock, &until))
			break;
	}
	engine->woken = false;
	end = engine->tail;
	if (engine->fails) {
		pthread_mutex_unlock(&engine->lock);
		return error_set(EIO, "the fake engine fails as requested");
	}
	pthread_mutex_unlock(&engine->lock);
	for (; engine->head != end && n < POLL_MAX; n++)
		deliver(engine, &engine->queue[engine->head++ % QUEUE]);
	return n;
}

static void fake_wake(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->woken = true;
	pthread_cond_signal(&engine->changed);
	pthread_mutex_unlock(&engine->lock);
}

static struct pending *touch(struct engine *engine, uint32_t slot)
{
	struct pending *pending = &engine->pending[slot];

	assert_true(slot < engine->capacity);
	if (!pending->put && !pending->deleted)
		engine->touched[engine->touched_count++] = slot;
	return pending;
}

static void fake_put(struct engine *engine, const struct session *session, const void *value)
{
	struct pending *pending;

	if (session->slot == engine->capacity) { /* the status entry */
		assert_memory_equal(session->key, SESSD_STATUS_KEY, sizeof(SESSD_STATUS_KEY));
		pthread_mutex_lock(&engine->lock);
		engine->status = *session;
		pthread_mutex_unlock(&engine->lock);
		return;
	}
	pending = touch(engine, session->slot);
	assert_false(pending->put);
	/* The slot was free, or will be at the commit. */
	assert_true(pending->deleted || !engine->map[session->slot].present);
	pending->put = true;
	pending->entry = (struct fake_entry){
		.present = true, .session = *session, .first = *(const uint8_t *)value};
	memcpy(pending->entry.begin, value,
		session->len < sizeof(pending->entry.begin) ? session->len
							    : sizeof(pending->entry.begin));
}

static void fake_del(struct engine *engine, const struct session *session)
{
	struct pending *pending = touch(engine, session->slot);
	const struct fake_entry *known =
		pending->put ? &pending->entry : &engine->map[session->slot];

	assert_true(known->present);
	assert_memory_equal(known->session.key, session->key, SESSD_KEY_SIZE);
	assert_int_equal(session->len, 0); /* the table is an index */
	pending->put = false;
	pending->deleted = true;
}

static void fake_commit(struct engine *engine, void (*failed)(void *ctx, uint32_t slot), void *ctx)
{
	pthread_mutex_lock(&engine->lock);
	for (uint32_t i = 0; i < engine->touched_count; i++) {
		uint32_t slot = engine->touched[i];
		struct pending *pending = &engine->pending[slot];

		if (pending->deleted)
			engine->map[slot].present = false;
		if (pending->put && pending->entry.first == FAKE_REFUSED)
			failed(ctx, slot);
		else if (pending->put)
			engine->map[slot] = pending->entry;
		*pending = (struct pending){0};
	}
	engine->touched_count = 0;
	engine->committed = engine->head;
	pthread_cond_signal(&engine->settled);
	pthread_mutex_unlock(&engine->lock);
}

static uint16_t fake_length(struct engine *engine, const struct session *session)
{
	const struct fake_entry *entry = &engine->map[session->slot];

	return entry->present ? entry->session.len : 0;
}

static uint16_t fake_value(struct engine *engine, const struct session *session, void *value)
{
	const struct fake_entry *entry = &engine->map[session->slot];
	uint16_t len = fake_length(engine, session);

	memset(value, entry->first, len);
	memcpy(value, entry->begin, len < sizeof(entry->begin) ? len : sizeof(entry->begin));
	return len;
}

static void fake_lost(struct engine *engine, const struct address *source)
{
	(void)source;
	__atomic_fetch_add(&engine->lost, 1, __ATOMIC_RELAXED);
}

unsigned fake_engine_lost(struct engine *engine)
{
	return __atomic_load_n(&engine->lost, __ATOMIC_RELAXED);
}

const struct engine_ops fake_engine_ops = {
	.name = "fake",
	.table_config = fake_table_config,
	.adopt = fake_adopt,
	.start = fake_start,
	.poll = fake_poll,
	.wake = fake_wake,
	.lost = fake_lost,
	.put = fake_put,
	.del = fake_del,
	.commit = fake_commit,
	.value = fake_value,
	.length = fake_length,
};
