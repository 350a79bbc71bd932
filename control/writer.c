/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "writer.h"

#include <sessiond/log.h>

#include "clock.h"
#include "lifetime.h"
#include "privileges.h"
#include "request.h"
#include "session_version.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* What bounds one step, and with it how long a NEW may wait behind a sweep or a flush. */
#define STEP_DELETES 256
#define STEP_SLOTS   4096
/* What bounds their pace. In the pauses readers get the CPU where they share the writer's; and the
 * kernel, which gives the memory of deleted map elements back in one go for each of its grace
 * periods, with the network of a CPU at rest meanwhile, finds little to do at a time. */
#define STEP_PAUSE_NS 1000000
#define STEP_PAUSE_MS 1
/* A flush that takes longer goes on while the main thread does other things. */
#define FLUSH_WAIT_SECONDS 1
/* How often an idle writer looks at the expiry ring, whose lists are a second each. */
#define IDLE_MS 250

struct command {
	bool (*step)(struct writer *writer, void *ctx); /* true: carried out */
	void *ctx;
	bool done;
};

/* When many sessions were last deleted in one step, and may be again. */
struct pace {
	uint64_t next; /* ns */
};

struct writer {
	const struct engine_ops *ops;
	struct engine *engine;
	struct table *table;
	struct lifetime *lifetime;
	size_t reserved_bytes;
	uint16_t value_max;
	_Atomic int remove_policy;
	bool measure;
	struct latency inserts;
	uint64_t inserts_began; /* the first of inserts_waiting, which no commit has shown yet */
	unsigned inserts_waiting;
	struct pace sweep_pace, flush_pace;
	bool sweeping;	     /* the last sweep has left some */
	uint32_t flush_next; /* the slot from which a flush goes on; the capacity: none is under way
			      */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	_Atomic uint64_t passes;
	/* The mailbox of the main thread: one command at a time. */
	pthread_mutex_t lock;
	pthread_cond_t done;
	_Atomic(struct command *) command;
	bool ended; /* the thread; under the lock */
	int failure_fd;
	char failure[512];
#define X(name, text) uint64_t name;
	WRITER_COUNTERS(X)
#undef X
};

static void drop(struct writer *writer, uint32_t slot)
{
	struct session session;

	if (writer->ops->del && table_slot(writer->table, slot, &session))
		writer->ops->del(writer->engine, &session);
	table_delete(writer->table, slot);
}

static void drop_early(struct writer *writer, uint32_t slot)
{
	lifetime_remove(writer->lifetime, slot);
	drop(writer, slot);
}

/* A free slot; where there is none, that of the session which eviction gives up. */
static uint32_t take_slot(struct writer *writer)
{
	uint32_t slot = table_alloc(writer->table);

	if (slot != TABLE_NO_SLOT)
		return slot;
	slot = lifetime_evict(writer->lifetime);
	if (slot == LIFETIME_NO_SLOT)
		return TABLE_NO_SLOT;
	drop(writer, slot);
	counter_add(&writer->sessions_evicted, 1);
	return table_alloc(writer->table);
}

/* RFC 1071 over the value, in the host's byte order and not complemented: what a reply's UDP
 * checksum adds for it. */
static uint16_t value_sum(const uint8_t *value, size_t len)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; len >= 4; len -= 4, value += 4) {
		memcpy(&word, value, 4);
		sum += word;
	}
	if (len) {
		word = 0;
		memcpy(&word, value, len);
		sum += word;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void on_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len)
{
	struct writer *writer = ctx;
	struct session session;
	uint64_t hash, now;
	uint32_t slot;
	bool replaces = false;

	if (timeout == 0) {
		counter_add(&writer->new_zero_timeout, 1);
		return;
	}
	if (len == 0) {
		counter_add(&writer->new_empty, 1);
		return;
	}
	if (len > writer->value_max) {
		counter_add(&writer->new_too_large, 1);
		return;
	}
	if (writer->measure && writer->inserts_waiting == 0)
		writer->inserts_began = latency_now();
	now = clock_tick();
	hash = table_hash(writer->table, key);
	slot = table_find(writer->table, hash, key);
	if (slot != TABLE_NO_SLOT) {
		table_slot(writer->table, slot, &session);
		if (session.expires > now) {
			counter_add(&writer->new_exists, 1);
			return;
		}
		drop_early(writer, slot);
		counter_add(&writer->sessions_expired, 1);
		replaces = true;
	}
	slot = take_slot(writer);
	if (slot == TABLE_NO_SLOT) {
		counter_add(&writer->new_failed, 1);
		return;
	}
	memcpy(session.key, key, SESSD_KEY_SIZE);
	session.expires = clock_expiry(now, timeout);
	session.slot = slot;
	session.len = (uint16_t)len;
	session.sum = value_sum(value, len);
	table_insert(writer->table, hash, &session, value);
	lifetime_add(writer->lifetime, slot, session.expires, session_is_tls13(value, len));
	if (writer->ops->put)
		writer->ops->put(writer->engine, &session, value);
	writer->inserts_waiting++;
	counter_add(replaces ? &writer->new_replaced : &writer->new_stored, 1);
}

static void on_remove(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct writer *writer = ctx;
	uint32_t slot;

	if (atomic_load_explicit(&writer->remove_policy, memory_order_relaxed) == REMOVE_IGNORE) {
		counter_add(&writer->remove_ignored, 1);
		return;
	}
	slot = table_find(writer->table, table_hash(writer->table, key), key);
	if (slot == TABLE_NO_SLOT) {
		counter_add(&writer->remove_missing, 1);
		return;
	}
	drop_early(writer, slot);
	counter_add(&writer->remove_done, 1);
}

/* The fast path's map refused a session: forget it, so that a later NEW may try again. */
static void on_failed(void *ctx, uint32_t slot)
{
	struct writer *writer = ctx;

	lifetime_remove(writer->lifetime, slot);
	table_delete(writer->table, slot);
	counter_add(&writer->new_failed, 1);
}

static bool on_found(void *ctx, const struct session *session)
{
	struct writer *writer = ctx;
	uint64_t hash = table_hash(writer->table, session->key);
	uint64_t *marks = table_marks(writer->table);
	bool visited;

	if (session->expires <= clock_tick() ||
		table_find(writer->table, hash, session->key) != TABLE_NO_SLOT ||
		!table_alloc_at(writer->table, session->slot))
		return false;
	/* The session was adopted with its mark, which table_insert clears. */
	visited = mark_test(marks, session->slot);
	table_insert(writer->table, hash, session, NULL);
	if (visited)
		mark_set(marks, session->slot);
	lifetime_add(writer->lifetime, session->slot, session->expires, session->tls13);
	counter_add(&writer->sessions_adopted, 1);
	return true;
}

struct writer *writer_create(
	const struct engine_ops *ops, struct engine *engine, const struct options *options)
{
	struct table_config config = {.capacity = options->capacity, .populate = true};
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	writer->ops = ops;
	writer->engine = engine;
	writer->value_max = options->value_max;
	writer->measure = options->metrics[0] != '\0';
	atomic_store(&writer->remove_policy, (int)options->remove);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->done, NULL);
	writer->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ops->table_config(engine, &config);
	writer->reserved_bytes =
		table_reserved_bytes(&config) + lifetime_reserved_bytes(config.capacity);
	writer->table = table_create(&config);
	if (writer->table)
		writer->lifetime =
			lifetime_create(config.capacity, table_marks(writer->table), clock_tick());
	writer->flush_next = options->capacity;
	if (writer->failure_fd < 0 || !writer->lifetime) {
		error_set(ENOMEM,
			"no memory for %u sessions (%zu MiB at the most): choose a smaller "
			"capacity or max-session",
			options->capacity, writer->reserved_bytes >> 20);
		writer_destroy(writer);
		return NULL;
	}
	if (!table_locked(writer->table))
		log_warning("sessions may be swapped to disk: raise the limit of locked memory "
			    "(LimitMEMLOCK=, ulimit -l), or grant CAP_IPC_LOCK");
	if (ops->adopt && ops->adopt(engine, on_found, writer) < 0) {
		writer_destroy(writer);
		return NULL;
	}
	return writer;
}

static void commit(struct writer *writer)
{
	if (writer->ops->commit)
		writer->ops->commit(writer->engine, on_failed, writer);
}

/* Whether it is time for another step. */
static bool pace_due(struct pace *pace)
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

/* Deletes what has ended, a step's worth; true if there may be more. */
static bool sweep(struct writer *writer)
{
	unsigned budget = STEP_DELETES;
	uint64_t now = clock_tick();
	uint32_t slot;

	if (writer->sweeping && !pace_due(&writer->sweep_pace))
		return true;
	while ((slot = lifetime_expire(writer->lifetime, now, &budget)) != LIFETIME_NO_SLOT) {
		drop(writer, slot);
		counter_add(&writer->sessions_expired, 1);
	}
	commit(writer);
	writer->sweeping = budget == 0;
	return writer->sweeping;
}

/* A step of a flush, if one is under way; true if there is more to do. */
static bool flush(struct writer *writer)
{
	uint32_t capacity = table_capacity(writer->table);
	struct session session;
	unsigned deletes = 0;

	if (writer->flush_next == capacity)
		return false;
	if (!pace_due(&writer->flush_pace))
		return true;
	for (unsigned i = 0; i < STEP_SLOTS && deletes < STEP_DELETES; i++) {
		if (writer->flush_next == capacity)
			break;
		if (table_slot(writer->table, writer->flush_next, &session)) {
			drop_early(writer, writer->flush_next);
			counter_add(&writer->sessions_flushed, 1);
			deletes++;
		}
		writer->flush_next++;
	}
	commit(writer);
	return writer->flush_next < capacity;
}

/* One step of the main thread's command, if there is one; true if it wants another. */
static bool obey(struct writer *writer)
{
	struct command *command = atomic_load_explicit(&writer->command, memory_order_acquire);

	if (!command)
		return false;
	if (!command->step(writer, command->ctx)) {
		commit(writer);
		return true;
	}
	commit(writer);
	pthread_mutex_lock(&writer->lock);
	command->done = true;
	atomic_store_explicit(&writer->command, NULL, memory_order_relaxed);
	pthread_cond_signal(&writer->done);
	pthread_mutex_unlock(&writer->lock);
	return false;
}

/* Those of this batch can be found from now on. */
static void measure_inserts(struct writer *writer)
{
	if (writer->measure && writer->inserts_waiting > 0)
		latency_add(&writer->inserts, latency_now() - writer->inserts_began,
			writer->inserts_waiting);
	writer->inserts_waiting = 0;
}

void writer_latency(const struct writer *writer, struct latency *into)
{
	latency_sum(into, &writer->inserts);
}

static void *writer_run(void *arg)
{
	struct writer *writer = arg;
	bool more = false;
	uint64_t one = 1;
	int n = 0;

	/* Held until the engine has started. */
	pthread_mutex_lock(&writer->lock);
	pthread_mutex_unlock(&writer->lock);
	privileges_drop_thread();
	while (n >= 0 && !atomic_load_explicit(&writer->stop, memory_order_acquire)) {
		n = writer->ops->poll(writer->engine, more ? STEP_PAUSE_MS : IDLE_MS);
		commit(writer);
		measure_inserts(writer);
		more = sweep(writer);
		more |= obey(writer);
		more |= flush(writer);
		atomic_fetch_add_explicit(&writer->passes, 1, memory_order_relaxed);
	}
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
	struct update_sink sink = {.on_new = on_new, .on_remove = on_remove, .ctx = writer};
	int err;

	/* The thread first, though it waits: if it cannot be had, the engine has taken over nothing
	 * that would then be lost. */
	pthread_mutex_lock(&writer->lock);
	err = pthread_create(&writer->thread, NULL, writer_run, writer);
	if (err) {
		pthread_mutex_unlock(&writer->lock);
		return error_set(err, "cannot start the writer thread: %s", strerror(err));
	}
	writer->started = true;
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
	lifetime_destroy(writer->lifetime);
	table_destroy(writer->table);
	if (writer->failure_fd >= 0)
		close(writer->failure_fd);
	pthread_cond_destroy(&writer->done);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* Has the writer carry out a command between its batches, and waits. */
static void command_run(
	struct writer *writer, bool (*step)(struct writer *writer, void *ctx), void *ctx)
{
	struct command command = {.step = step, .ctx = ctx};

	if (!writer->started)
		return;
	atomic_store_explicit(&writer->command, &command, memory_order_release);
	writer->ops->wake(writer->engine);
	pthread_mutex_lock(&writer->lock);
	while (!command.done && !writer->ended)
		pthread_cond_wait(&writer->done, &writer->lock);
	atomic_store_explicit(&writer->command, NULL, memory_order_relaxed);
	pthread_mutex_unlock(&writer->lock);
}

struct find_command {
	const uint8_t *key;
	struct session *session; /* NULL: delete it */
	bool found;
};

static bool find_step(struct writer *writer, void *ctx)
{
	struct find_command *find = ctx;
	uint32_t slot = table_find(writer->table, table_hash(writer->table, find->key), find->key);

	find->found = slot != TABLE_NO_SLOT;
	if (!find->found)
		return true;
	if (find->session) {
		table_slot(writer->table, slot, find->session);
	} else {
		drop_early(writer, slot);
		counter_add(&writer->sessions_flushed, 1);
	}
	return true;
}

bool writer_delete(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE])
{
	struct find_command find = {.key = key};

	command_run(writer, find_step, &find);
	return find.found;
}

bool writer_find(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], struct session *session)
{
	struct find_command find = {.key = key, .session = session};

	command_run(writer, find_step, &find);
	return find.found;
}

struct flush_command {
	uint32_t count;
	bool begun;
	uint64_t until; /* tick */
};

static bool flush_step(struct writer *writer, void *ctx)
{
	struct flush_command *flush = ctx;

	if (!flush->begun) {
		flush->begun = true;
		flush->count = table_count(writer->table);
		flush->until = clock_tick() + clock_ticks(FLUSH_WAIT_SECONDS);
		writer->flush_next = 0;
	}
	return writer->flush_next == table_capacity(writer->table) || clock_tick() >= flush->until;
}

uint32_t writer_flush(struct writer *writer)
{
	struct flush_command command = {0};

	command_run(writer, flush_step, &command);
	return command.count;
}

void writer_set_remove(struct writer *writer, enum remove_policy policy)
{
	atomic_store_explicit(&writer->remove_policy, (int)policy, memory_order_relaxed);
}

struct list_command {
	uint32_t *next;
	struct session *sessions;
	unsigned room, count;
};

static bool list_step(struct writer *writer, void *ctx)
{
	struct list_command *list = ctx;
	uint32_t capacity = table_capacity(writer->table);

	for (unsigned i = 0; i < STEP_SLOTS && list->count < list->room; i++) {
		if (*list->next >= capacity)
			return true;
		if (table_slot(writer->table, *list->next, &list->sessions[list->count]))
			list->count++;
		++*list->next;
	}
	return list->count == list->room;
}

unsigned writer_list(struct writer *writer, uint32_t *next, struct session *sessions, unsigned room)
{
	struct list_command list = {.next = next, .sessions = sessions, .room = room};

	command_run(writer, list_step, &list);
	return list.count;
}

void writer_stats(struct writer *writer, stats_emit emit, void *ctx)
{
	emit(ctx, "sessions", table_count(writer->table));
	emit(ctx, "capacity", table_capacity(writer->table));
	emit(ctx, "memory_reserved_bytes", writer->reserved_bytes);
#define X(name, text) emit(ctx, #name, __atomic_load_n(&writer->name, __ATOMIC_RELAXED));
	WRITER_COUNTERS(X)
#undef X
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

	/* Written once, before it was told of: the lock is only for what it says of the memory. */
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return writer->failure;
}
