/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/writer.h"

#include <sessiond/checksum.h>

#include "common/clock.h"
#include "common/locked_memory.h"
#include "common/log.h"
#include "control/farm/record.h"
#include "control/sessions/writer_farm.h"
#include "control/sessions/writer_private.h"
#include "dataplane/request.h"
#include "dataplane/tls_version.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* How often an idle writer looks for ended sessions: at a quarter of the slots. */
#define IDLE_MS 250
/* How often all slots are looked at for sessions that were taken, at most: some 0.1 s. */
#define REAP_TICKS 100

uint32_t writer_find_slot(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE])
{
	uint32_t slot = table_find(writer->table, table_hash(writer->table, key), key);

	return status_has(&writer->status, slot) ? TABLE_NO_SLOT : slot;
}

bool writer_session(struct writer *writer, uint32_t slot, struct session *session)
{
	if (!table_slot(writer->table, slot, session))
		return false;
	session->expires = lifetime_end(writer->lifetime, slot);
	return true;
}

void writer_drop(struct writer *writer, uint32_t slot)
{
	struct session session;

	census_end(writer->census, slot);
	if (writer->ops->del && table_slot(writer->table, slot, &session))
		writer->ops->del(writer->engine, &session);
	table_delete(writer->table, slot);
}

void writer_drop_early(struct writer *writer, uint32_t slot)
{
	lifetime_remove(writer->lifetime, slot);
	writer_drop(writer, slot);
}

bool writer_is_taken(struct writer *writer, const struct session *session)
{
	return writer->ops->taken ? writer->ops->taken(writer->engine, session)
				  : table_taken(writer->table, session->slot);
}

void writer_drop_taken(struct writer *writer, uint32_t slot)
{
	struct session session;

	if (writer->farm && table_slot(writer->table, slot, &session))
		writer_farm_ended(writer, session.key, FARM_TAKEN);
	census_taken(writer->census, slot);
	writer_drop_early(writer, slot);
	counter_add(&writer->sessions_taken, 1);
}

uint32_t writer_free_slot(struct writer *writer, uint64_t now)
{
	uint32_t slot = table_alloc(writer->table);

	if (slot != TABLE_NO_SLOT)
		return slot;
	/* Many sessions may have ended at once: they go first. */
	slot = lifetime_expire_ahead(writer->lifetime, now);
	if (slot == LIFETIME_NO_SLOT)
		return TABLE_NO_SLOT;
	counter_add(&writer->sessions_expired, 1);
	writer_drop(writer, slot);
	return table_alloc(writer->table);
}

uint32_t writer_take_slot(struct writer *writer, uint64_t now)
{
	uint32_t slot = writer_free_slot(writer, now);

	if (slot != TABLE_NO_SLOT)
		return slot;
	slot = lifetime_evict(writer->lifetime);
	if (slot == LIFETIME_NO_SLOT)
		return TABLE_NO_SLOT;
	counter_add(&writer->sessions_evicted, 1);
	census_evicted(writer->census, slot, now);
	writer_drop(writer, slot);
	return table_alloc(writer->table);
}

uint8_t writer_store(struct writer *writer, uint64_t hash, struct session *session,
	const void *value, const struct session_facts *facts, const struct address *source,
	bool oldest)
{
	uint8_t place;
	bool once = session_is_tls13(value, session->len);

	session->sum = checksum_fold(checksum_bytes(value, session->len));
	table_insert(writer->table, hash, session, value);
	if (oldest)
		lifetime_add_oldest(writer->lifetime, session->slot, session->expires, once);
	else
		lifetime_add(writer->lifetime, session->slot, session->expires, once);
	place = census_add(writer->census, session->slot, facts, source, clock_tick(), false);
	if (writer->ops->put)
		writer->ops->put(writer->engine, session, value);
	return place;
}

/* For `sessionctl watch`. */
static void tell(struct writer *writer, enum sessd_type type, enum sessd_outcome outcome,
	const uint8_t *key, const struct address *source, const struct session_facts *facts)
{
	if (__builtin_expect(atomic_load_explicit(&writer->events.on, memory_order_relaxed), false))
		event_ring_add(&writer->events, type, outcome, key, source, facts);
}

static void refuse(
	struct writer *writer, uint64_t *counter, const uint8_t *key, const struct address *source)
{
	counter_add(counter, 1);
	if (writer->ops->lost && source)
		writer->ops->lost(writer->engine, source);
	tell(writer, SESSD_NEW, SESSD_OUTCOME_REFUSED, key, source, NULL);
}

static void on_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	struct writer *writer = ctx;
	struct session_facts facts;
	struct session session;
	uint64_t hash, now;
	uint32_t slot;
	bool replaces = false;

	if (timeout == 0) {
		refuse(writer, &writer->new_zero_timeout, key, source);
		return;
	}
	if (len == 0) {
		refuse(writer, &writer->new_empty, key, source);
		return;
	}
	if (len > writer->value_max) {
		refuse(writer, &writer->new_too_large, key, source);
		return;
	}
	if (writer->inserts_waiting == 0)
		writer->inserts_began = atomic_load_explicit(&writer->measure, memory_order_relaxed)
						? latency_now()
						: 0;
	now = clock_tick();
	hash = table_hash(writer->table, key);
	slot = table_find(writer->table, hash, key);
	if (status_has(&writer->status, slot)) {
		refuse(writer, &writer->new_reserved, key, source);
		return;
	}
	if (slot != TABLE_NO_SLOT) {
		writer_session(writer, slot, &session);
		if (writer_is_taken(writer, &session)) {
			writer_drop_taken(writer, slot);
		} else if (session.expires > now) {
			counter_add(&writer->new_exists, 1);
			tell(writer, SESSD_NEW, SESSD_OUTCOME_EXISTS, key, source, NULL);
			return;
		} else {
			writer_drop_early(writer, slot);
			counter_add(&writer->sessions_expired, 1);
			replaces = true;
		}
	}
	slot = writer_take_slot(writer, now);
	if (slot == TABLE_NO_SLOT) {
		counter_add(&writer->new_failed, 1);
		return;
	}
	memcpy(session.key, key, SESSD_KEY_SIZE);
	session.expires = clock_expiry(now, timeout);
	session.slot = slot;
	session.len = (uint16_t)len;
	session_read(value, len, &facts);
	if (writer->new_ns == 0)
		writer->new_ns = latency_now();
	resumption_new(&writer->resumption, facts.kind,
		writer_store(writer, hash, &session, value, &facts, source, false), writer->new_ns);
	if (writer->farm)
		writer_farm_new(writer->farm, &session, hash, timeout, value);
	writer->inserts_waiting++;
	counter_add(replaces ? &writer->new_replaced : &writer->new_stored, 1);
	tell(writer, SESSD_NEW, SESSD_OUTCOME_STORED, key, source, &facts);
}

static void on_remove(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct writer *writer = ctx;
	struct session session;
	uint32_t slot;

	if (atomic_load_explicit(&writer->remove_policy, memory_order_relaxed) == REMOVE_IGNORE) {
		counter_add(&writer->remove_ignored, 1);
		tell(writer, SESSD_REMOVE, SESSD_OUTCOME_REFUSED, key, NULL, NULL);
		return;
	}
	/* Another cache may have it, or it is still on its way from there. */
	if (writer->farm)
		writer_farm_ended(writer, key, FARM_REMOVE);
	slot = writer_find_slot(writer, key);
	if (slot == TABLE_NO_SLOT) {
		counter_add(&writer->remove_missing, 1);
		tell(writer, SESSD_REMOVE, SESSD_OUTCOME_MISS, key, NULL, NULL);
		return;
	}
	table_slot(writer->table, slot, &session);
	if (writer_is_taken(writer, &session)) {
		writer_drop_taken(writer, slot);
		counter_add(&writer->remove_missing, 1);
		tell(writer, SESSD_REMOVE, SESSD_OUTCOME_MISS, key, NULL, NULL);
		return;
	}
	writer_drop_early(writer, slot);
	counter_add(&writer->remove_done, 1);
	tell(writer, SESSD_REMOVE, SESSD_OUTCOME_REMOVED, key, NULL, NULL);
}

/* What a reader says may be old: the slot itself tells. */
static void on_taken(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct writer *writer = ctx;
	uint32_t slot = writer_find_slot(writer, key);
	struct session session;

	if (slot == TABLE_NO_SLOT)
		return;
	table_slot(writer->table, slot, &session);
	if (writer_is_taken(writer, &session))
		writer_drop_taken(writer, slot);
}

/* The fast path's map refused a session: forget it, so that a later NEW may try again. */
static void on_failed(void *ctx, uint32_t slot)
{
	struct writer *writer = ctx;

	if (status_has(&writer->status, slot))
		return; /* it is put again */
	lifetime_remove(writer->lifetime, slot);
	census_end(writer->census, slot);
	table_delete(writer->table, slot);
	counter_add(&writer->new_failed, 1);
}

/* When an adopted session was stored: its value may say it. */
static uint64_t birth(const struct session_facts *facts, uint64_t now)
{
	uint64_t today = (uint64_t)time(NULL), age;

	if (facts->time == 0 || facts->time > today)
		return now;
	age = today - facts->time;
	return age <= UINT16_MAX && clock_ticks((uint32_t)age) < now
		       ? now - clock_ticks((uint32_t)age)
		       : now;
}

void writer_take_in(
	struct writer *writer, const struct session *session, const void *value, bool visited)
{
	const struct session_facts unread = {.kind = SESSION_OPAQUE};
	const struct session_facts *facts = session->facts ? session->facts : &unread;

	memory_ahead_at_start(&writer->memory, session->slot);
	/* This clears the mark. */
	table_insert(writer->table, table_hash(writer->table, session->key), session, value);
	if (visited)
		mark_set(table_marks(writer->table), session->slot);
	lifetime_add(writer->lifetime, session->slot, session->expires, session->tls13);
	census_add(writer->census, session->slot, facts, NULL, birth(facts, clock_tick()), visited);
	if (writer->farm)
		writer_farm_adopted(writer->farm, session->slot);
	counter_add(&writer->sessions_adopted, 1);
}

static bool on_found(void *ctx, const struct session *session)
{
	struct writer *writer = ctx;
	uint64_t hash = table_hash(writer->table, session->key);

	if (session->expires <= clock_tick() ||
		table_find(writer->table, hash, session->key) != TABLE_NO_SLOT ||
		!table_alloc_at(writer->table, session->slot))
		return false;
	writer_take_in(writer, session, NULL, mark_test(table_marks(writer->table), session->slot));
	return true;
}

static void on_soon(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint32_t slot)
{
	struct writer *writer = ctx;

	table_prefetch_new(writer->table, table_hash(writer->table, key), slot);
	lifetime_prefetch(writer->lifetime, slot);
	census_prefetch(writer->census, slot);
}

struct writer *writer_create(
	const struct engine_ops *ops, struct engine *engine, const struct writer_config *config)
{
	struct table_config table = {.capacity = config->capacity};
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	writer->ops = ops;
	writer->engine = engine;
	writer->value_max = config->value_max;
	atomic_init(&writer->measure, config->measure);
	writer->on_thread = config->on_thread;
	atomic_store(&writer->remove_policy, (int)config->remove);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->done, NULL);
	writer->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ops->table_config(engine, &table);
	writer->reserved_bytes = table_reserved_bytes(&table) +
				 lifetime_reserved_bytes(table.capacity) +
				 census_reserved_bytes(table.capacity);
	writer->table = table_create(&table);
	if (writer->table) {
		writer->lifetime =
			lifetime_create(table.capacity, table_marks(writer->table), clock_tick());
		writer->census = census_create(table.capacity, table_marks(writer->table));
	}
	writer->flush_next = table.capacity;
	if (config->farm) {
		writer->reserved_bytes += writer_farm_bytes(table.capacity);
		writer->farm = writer_farm_create(table.capacity);
	}
	if (writer->failure_fd < 0 || !writer->lifetime || !writer->census ||
		memory_ahead_open(&writer->memory, writer->table, config->on_thread) < 0 ||
		(config->farm && !writer->farm)) {
		error_set(ENOMEM,
			"no memory for %u sessions (%zu MiB at the most): choose a smaller "
			"capacity or max-session",
			table.capacity, writer->reserved_bytes >> 20);
		writer_destroy(writer);
		return NULL;
	}
	status_open(&writer->status, ops, engine, writer->table, config->value_max, config->take,
		writer->farm ? SESSD_STATUS_WARMING_UP : SESSD_STATUS_READY);
	return writer;
}

int writer_adopt(struct writer *writer)
{
	const struct adoption adoption = {.found = on_found, .soon = on_soon, .ctx = writer};
	int err;

	if (!writer->ops->adopt)
		return 0;
	err = writer->ops->adopt(writer->engine, &adoption);
	if (!err)
		lifetime_order(writer->lifetime);
	resumption_begin(&writer->resumption, writer->census);
	return err;
}

void writer_commit(struct writer *writer)
{
	if (writer->ops->commit)
		writer->ops->commit(writer->engine, on_failed, writer);
}

bool writer_pace_due(struct pace *pace)
{
	struct timespec ts;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
	if (now < pace->next)
		return false;
	pace->next = now + STEP_PAUSE_NS;
	return true;
}

/* Deletes ended sessions, one step of them; true if there may be more. */
static bool sweep(struct writer *writer)
{
	unsigned budget = STEP_DELETES;
	uint64_t now = clock_tick();
	uint32_t slot;

	if (writer->sweeping && !writer_pace_due(&writer->sweep_pace))
		return true;
	while ((slot = lifetime_expire(writer->lifetime, now, &budget)) != LIFETIME_NO_SLOT) {
		writer_drop(writer, slot);
		counter_add(&writer->sessions_expired, 1);
	}
	writer_commit(writer);
	writer->sweeping = budget == 0;
	return writer->sweeping;
}

static bool on_held(void *ctx, uint32_t slot, struct session *session)
{
	const struct writer *writer = ctx;

	return table_slot(writer->table, slot, session);
}

/* Frees slots whose sessions were taken in a fast path with a table of its own, a step's worth.
 * Returns how long the writer may rest: TAKEs may come faster than it frees them. */
static int reap(struct writer *writer)
{
	uint32_t slots[STEP_DELETES];
	unsigned count;

	if (!writer->ops->find_taken || (!writer->reaping && clock_tick() < writer->reap_next))
		return IDLE_MS;
	count = writer->ops->find_taken(
		writer->engine, on_held, writer, slots, STEP_DELETES, &writer->reaping);
	for (unsigned i = 0; i < count; i++)
		writer_drop_taken(writer, slots[i]);
	writer_commit(writer);
	if (!writer->reaping)
		writer->reap_next = clock_tick() + REAP_TICKS;
	return !writer->reaping ? IDLE_MS : count == STEP_DELETES ? 0 : STEP_PAUSE_MS;
}

/* GETs find the sessions of this batch from now on. */
static void measure_inserts(struct writer *writer)
{
	if (writer->inserts_began && writer->inserts_waiting > 0)
		latency_add(&writer->inserts, latency_now() - writer->inserts_began,
			writer->inserts_waiting);
	writer->inserts_waiting = 0;
}

void writer_latency(const struct writer *writer, struct latency *into)
{
	latency_sum(into, &writer->inserts);
}

/* Once a second, and a scan that has more to count goes on in a millisecond. */
static void take_census(struct writer *writer)
{
	uint64_t now = clock_tick();

	if (now >= writer->scan_next)
		writer->scan_next = now + (census_scan(writer->census) ? 1 : clock_ticks(1));
	if (now < writer->judge_next)
		return;
	writer->judge_next = now + clock_ticks(1);
	if (run_delay_mean(&writer->delay) > RESUMPTION_HELD_NS)
		resumption_pause(&writer->resumption);
	resumption_tick(&writer->resumption, writer->census);
}

static void *writer_run(void *arg)
{
	struct writer *writer = arg;
	uint64_t one = 1;
	int n = 0, rest = 0;
	bool more;

	/* Held until the engine has started. */
	pthread_mutex_lock(&writer->lock);
	pthread_mutex_unlock(&writer->lock);
	if (writer->on_thread)
		writer->on_thread();
	run_delay_open(&writer->delay);
	while (n >= 0 && !atomic_load_explicit(&writer->stop, memory_order_acquire)) {
		writer->new_ns = 0;
		n = writer->ops->poll(writer->engine, rest);
		if (writer->farm && !writer->ready && writer_farm_warm(writer->farm)) {
			writer->ready = true;
			status_set(&writer->status, SESSD_STATUS_READY);
		}
		status_renew(&writer->status);
		writer_commit(writer);
		measure_inserts(writer);
		memory_ahead_look(&writer->memory);
		more = sweep(writer);
		more |= writer_obey(writer);
		more |= writer_flush_step(writer);
		rest = reap(writer);
		take_census(writer);
		if (more && rest > STEP_PAUSE_MS)
			rest = STEP_PAUSE_MS;
		if (writer->farm)
			rest = writer_farm_step(writer, rest);
		atomic_fetch_add_explicit(&writer->passes, 1, memory_order_relaxed);
	}
	run_delay_close(&writer->delay);
	pthread_mutex_lock(&writer->lock);
	if (n < 0)
		snprintf(writer->failure, sizeof(writer->failure), "%s", error_message());
	writer->ended = true;
	pthread_cond_signal(&writer->done);
	pthread_mutex_unlock(&writer->lock);
	if (n < 0) {
		/* An eventfd of count 0 takes a 1. */
		if (write(writer->failure_fd, &one, sizeof(one)) < 0)
			log_error("%s", writer->failure);
	}
	return NULL;
}

int writer_start(struct writer *writer)
{
	struct update_sink sink = {
		.on_new = on_new, .on_remove = on_remove, .on_taken = on_taken, .ctx = writer};
	int err;

	/* Sessions are in the table and pass through receive buffers, queues and the mirror. */
	if (!table_locked(writer->table) || memory_lock_failed())
		log_warning("sessions may be swapped to disk: raise the limit of locked memory "
			    "(LimitMEMLOCK=, ulimit -l), or grant CAP_IPC_LOCK");
	/* Create the thread first, and let it wait: if that fails, the engine has not yet taken
	 * over anything that would be lost. */
	pthread_mutex_lock(&writer->lock);
	err = pthread_create(&writer->thread, NULL, writer_run, writer);
	if (err) {
		pthread_mutex_unlock(&writer->lock);
		return error_set(err, "cannot start the writer thread: %s", strerror(err));
	}
	writer->started = true;
	err = memory_ahead_start(&writer->memory);
	if (!err)
		err = writer->ops->start(writer->engine, writer->table, &sink);
	if (err)
		atomic_store_explicit(&writer->stop, true, memory_order_release);
	pthread_mutex_unlock(&writer->lock);
	return err;
}

void writer_stop(struct writer *writer)
{
	if (!writer->started)
		return;
	atomic_store_explicit(&writer->stop, true, memory_order_release);
	writer->ops->wake(writer->engine);
	pthread_join(writer->thread, NULL);
	writer->started = false;
}

void writer_destroy(struct writer *writer)
{
	if (!writer)
		return;
	memory_ahead_close(&writer->memory);
	writer_farm_destroy(writer->farm);
	lifetime_destroy(writer->lifetime);
	census_destroy(writer->census);
	table_destroy(writer->table);
	if (writer->failure_fd >= 0)
		close(writer->failure_fd);
	pthread_cond_destroy(&writer->done);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

void writer_set_remove(struct writer *writer, enum remove_policy policy)
{
	atomic_store_explicit(&writer->remove_policy, (int)policy, memory_order_relaxed);
}

void writer_set_measure(struct writer *writer, bool measure)
{
	atomic_store_explicit(&writer->measure, measure, memory_order_relaxed);
}

void writer_stats(struct writer *writer, stats_emit emit, void *ctx)
{
	struct resumption_counts resumed;

	emit(ctx, "sessions", table_count(writer->table));
	emit(ctx, "capacity", table_capacity(writer->table));
	emit(ctx, "memory_reserved_bytes", writer->reserved_bytes);
#define X(name, ...) emit(ctx, #name, __atomic_load_n(&writer->name, __ATOMIC_RELAXED));
	WRITER_COUNTERS(X)
#undef X
	census_stats(writer->census, emit, ctx);
	resumed = resumption_counts(&writer->resumption);
	emit(ctx, "resumed_estimate", resumed.resumed);
	emit(ctx, "not_resumed_estimate", resumed.refused);
	emit(ctx, "resumption_paused", resumed.pausing);
	if (writer->farm)
		writer_farm_stats(writer->farm, emit, ctx);
}

void writer_observe(struct writer *writer, bool on)
{
	struct session_event event;

	atomic_store_explicit(&writer->events.on, on, memory_order_relaxed);
	while (!on && event_ring_take(&writer->events, &event))
		;
}

bool writer_event(struct writer *writer, struct session_event *event)
{
	return event_ring_take(&writer->events, event);
}

struct resumption_counts writer_resumed(const struct writer *writer)
{
	return resumption_counts(&writer->resumption);
}

uint64_t writer_passes(const struct writer *writer)
{
	return atomic_load_explicit(&writer->passes, memory_order_relaxed);
}

int writer_failure_fd(const struct writer *writer)
{
	return writer->failure_fd;
}

const char *writer_failure(const struct writer *writer)
{
	pthread_mutex_t *lock = (pthread_mutex_t *)&writer->lock;

	/* Written once, before failure_fd was signalled: the lock only orders the memory
	 * accesses. */
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return writer->failure;
}
