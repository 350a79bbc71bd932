/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * socket mode: SO_REUSEPORT threads on the kernel's UDP stack. Runs anywhere, unprivileged.
 */
#include "dataplane/engine.h"

#include "common/log.h"

#include "dataplane/socket/steer.h"
#include "dataplane/socket/worker.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Updates that one thread may have queued for the writer. */
#define RING_ENTRIES 4096
/* Updates that one poll takes from each thread, which bounds the writer's step. */
#define DRAIN_MAX 128

struct engine {
	struct worker_shared shared;
	struct engine_config config;
	struct update_sink sink;
	struct take_queues *takes; /* NULL without --take farm */
	struct allow_list *allow;  /* the list in use; for the main thread */
	unsigned thread_count;
	bool started;
	struct worker *workers;
	uint64_t closed_drops; /* at sockets that were closed */
};

static unsigned available_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

static void free_engine(struct engine *engine)
{
	for (unsigned i = 0; i < engine->thread_count && engine->workers; i++) {
		struct worker *worker = &engine->workers[i];

		udp_set_free(worker->sockets, NULL);
		if (worker->wake_fd >= 0)
			close(worker->wake_fd);
		take_desk_close(&worker->desk);
		update_ring_close(&worker->ring);
		udp_batch_destroy(worker->batch);
	}
	if (engine->shared.writer_fd >= 0)
		close(engine->shared.writer_fd);
	reader_shared_close(&engine->shared.readers);
	take_queues_close(engine->takes);
	free(engine->workers);
	free(engine->shared.vrfs);
	free(engine->allow);
	free(engine);
}

/* `first`: worker 0's. Without it (an old kernel, a sandbox) requests are served, but the order of
 * a key's messages is lost. */
static void steer(const struct engine *engine, const struct udp_set *first)
{
	for (unsigned i = 0; i < first->count && engine->thread_count > 1; i++) {
		int err = steer_by_key(first->fds[i], engine->thread_count);

		if (err) {
			log_warning("cannot steer datagrams by key (%s): now and then a REMOVE may "
				    "overtake its NEW; --threads 1 avoids it",
				strerror(-err));
			return;
		}
	}
}

/* The sockets of worker `i`, after those of the workers before it. The first set of sockets is
 * bound unshared, so that a port in use is refused, and shared afterwards. */
static int open_sockets(
	struct engine *engine, const struct engine_config *config, unsigned i, struct udp_set **set)
{
	const struct udp_set *now = engine->workers[i].sockets;
	int err = udp_set_open(set, config->listen, config->listen_count, now, i > 0);

	if (!err && i == 0)
		err = udp_set_share(*set);
	if (!err && engine->shared.vrfs->any)
		err = udp_tell_interfaces((*set)->fds, (*set)->count);
	return err;
}

static int socket_open(struct engine **out, const struct engine_config *config)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int err = -ENOMEM;

	if (!engine)
		return error_set(ENOMEM, "out of memory at start");
	engine->config = *config;
	engine->thread_count = config->threads ? config->threads : available_cpus();
	engine->shared.on_thread = config->on_thread;
	engine->shared.writer_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->workers = aligned_alloc(64, engine->thread_count * sizeof(struct worker));
	/* At once, because free_engine reads them. */
	if (engine->workers)
		memset(engine->workers, 0, engine->thread_count * sizeof(struct worker));
	for (unsigned i = 0; engine->workers && i < engine->thread_count; i++)
		engine->workers[i].wake_fd = -1;
	engine->allow = calloc(1, sizeof(*engine->allow));
	engine->shared.vrfs = vrf_ports_new();
	engine->shared.measure = config->measure;
	engine->shared.busy_poll = config->busy_poll;
	if (reader_shared_open(&engine->shared.readers, config->limit_gets, config->limit_news,
		    READER_TALKERS_ALL, config->take != TAKE_NO) < 0)
		goto fail;
	if (engine->shared.writer_fd < 0 || !engine->workers || !engine->allow ||
		!engine->shared.vrfs)
		goto fail;
	atomic_store(&engine->shared.allow, engine->allow);
	if (config->take == TAKE_FARM) {
		engine->takes = take_queues_open(engine->thread_count);
		if (!engine->takes)
			goto fail;
	}
	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct worker *worker = &engine->workers[i];

		worker->shared = &engine->shared;
		reader_init(&worker->reader, &engine->shared.readers);
		worker->batch = udp_batch_create();
		worker->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (update_ring_open(&worker->ring, RING_ENTRIES, config->value_max, NULL) < 0 ||
			!worker->batch || worker->wake_fd < 0 ||
			(engine->takes && take_desk_open(&worker->desk, &engine->takes->queues[i],
						  worker->wake_fd) < 0))
			goto fail;
		udp_batch_use_vrfs(worker->batch, engine->shared.vrfs);
	}
	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct worker *worker = &engine->workers[i];

		err = open_sockets(engine, config, i, &worker->sockets);
		if (err)
			goto fail_told;
		atomic_store(&worker->served, worker->sockets);
	}
	steer(engine, engine->workers[0].sockets);
	*out = engine;
	return 0;
fail:
	error_set(ENOMEM, "cannot set up %u threads: out of memory or descriptors",
		engine->thread_count);
fail_told:
	free_engine(engine);
	return err;
}

static struct take_queues *socket_take_queues(struct engine *engine)
{
	return engine->takes;
}

static void socket_table_config(struct engine *engine, struct table_config *config)
{
	config->value_max = engine->config.value_max;
}

static int socket_start(struct engine *engine, struct table *table, const struct update_sink *sink)
{
	engine->shared.table = table;
	engine->sink = *sink;
	engine->started = true;
	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct worker *worker = &engine->workers[i];
		int err = pthread_create(&worker->thread, NULL, worker_run, worker);

		if (err)
			return error_set(err, "cannot start thread %u of %u: %s", i + 1,
				engine->thread_count, strerror(err));
		worker->started = true;
	}
	return 0;
}

static int drain(struct engine *engine)
{
	unsigned n = 0;

	for (unsigned i = 0; i < engine->thread_count; i++)
		n += update_ring_pull(&engine->workers[i].ring, &engine->sink, DRAIN_MAX);
	return (int)n;
}

static bool all_empty(struct engine *engine)
{
	for (unsigned i = 0; i < engine->thread_count; i++) {
		if (!update_ring_empty(&engine->workers[i].ring))
			return false;
	}
	return true;
}

static int socket_poll(struct engine *engine, int timeout_ms)
{
	struct pollfd fd = {.fd = engine->shared.writer_fd, .events = POLLIN};
	uint64_t wakes;
	int n = drain(engine);

	if (n > 0 || timeout_ms == 0)
		return n;
	/* Announce the sleep, then look again: a push before this saw no sleeper, a push after it
	 * wakes the writer. */
	atomic_store(&engine->shared.writer_sleeps, 1);
	if (all_empty(engine))
		poll(&fd, 1, timeout_ms);
	atomic_store(&engine->shared.writer_sleeps, 0);
	if (fd.revents && read(fd.fd, &wakes, sizeof(wakes)) < 0 && errno != EAGAIN)
		return error_set(errno, "the writer's eventfd failed: %s", strerror(errno));
	return drain(engine);
}

static void signal_fd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, so it is readable */
}

static void socket_wake(struct engine *engine)
{
	signal_fd(engine->shared.writer_fd);
}

/* Waits until every worker has completed a pass, and so holds no older pointer. */
static void wait_for_workers(struct engine *engine)
{
	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct worker *worker = &engine->workers[i];
		uint64_t passes = atomic_load(&worker->passes);

		if (!worker->started)
			continue;
		signal_fd(worker->wake_fd);
		/* Two, because the first pass may have loaded the pointer before it changed. */
		while (atomic_load(&worker->passes) < passes + 2) {
			signal_fd(worker->wake_fd);
			usleep(100);
		}
	}
}

static int socket_set_allow(struct engine *engine, const struct allow_list *allow)
{
	struct allow_list *copy = malloc(sizeof(*copy)), *old = engine->allow;

	if (!copy)
		return error_set(ENOMEM, "out of memory for the allow list; the old one stays");
	*copy = *allow;
	atomic_store(&engine->shared.allow, copy);
	engine->allow = copy;
	wait_for_workers(engine);
	free(old);
	return 0;
}

static int listen_too(struct engine *engine, const struct engine_config *config, unsigned i,
	struct udp_change *change)
{
	struct worker *worker = &engine->workers[i];
	int err = open_sockets(engine, config, i, &change->next);

	change->now = worker->sockets;
	if (!err) {
		change->both = udp_set_join(change->next, worker->sockets);
		err = change->both ? 0 : error_set(ENOMEM, "out of memory for sockets");
	}
	/* At once: a new socket may get what came to an old one. */
	if (!err)
		atomic_store(&worker->served, change->both);
	return err;
}

/* New sockets are served before the old ones are closed, and those of both lists go on. */
static int change_listen(struct engine *engine, const struct engine_config *config)
{
	struct udp_change *changes = calloc(engine->thread_count, sizeof(*changes));
	int err = changes ? 0 : error_set(ENOMEM, "out of memory for sockets");

	for (unsigned i = 0; i < engine->thread_count && !err; i++)
		err = listen_too(engine, config, i, &changes[i]);
	if (!err) {
		steer(engine, changes[0].next);
		wait_for_workers(engine);
		udp_change_settle(changes, engine->thread_count);
	}
	for (unsigned i = 0; i < engine->thread_count && changes; i++) {
		struct worker *worker = &engine->workers[i];

		atomic_store(&worker->served, err ? worker->sockets : changes[i].next);
	}
	if (changes)
		wait_for_workers(engine);
	for (unsigned i = 0; i < engine->thread_count && changes; i++) {
		struct worker *worker = &engine->workers[i];
		struct udp_set *old = err ? changes[i].next : worker->sockets;

		free(changes[i].both);
		if (!err)
			worker->sockets = changes[i].next;
		if (old)
			engine->closed_drops += udp_set_free(old, worker->sockets);
	}
	free(changes);
	return err;
}

static int socket_reload(struct engine *engine, const struct engine_config *next)
{
	struct engine_config *now = &engine->config;
	struct worker_shared *shared = &engine->shared;

	if (reader_shared_set_limits(&shared->readers, next->limit_gets, next->limit_news) < 0)
		return error_set(ENOMEM, "out of memory for --rate-limit; the old one stays");
	if (!engine_same_listen(now, next)) {
		int err = change_listen(engine, next);

		if (err) {
			reader_shared_set_limits(
				&shared->readers, now->limit_gets, now->limit_news);
			return err;
		}
		memcpy(now->listen, next->listen, sizeof(now->listen));
		now->listen_count = next->listen_count;
	}
	now->limit_gets = next->limit_gets;
	now->limit_news = next->limit_news;
	atomic_store(&shared->measure, next->measure);
	atomic_store(&shared->busy_poll, next->busy_poll);
	now->busy_poll = next->busy_poll;
	for (unsigned i = 0; i < engine->thread_count; i++) {
		reader_follow(&engine->workers[i].reader, &shared->readers);
		signal_fd(engine->workers[i].wake_fd); /* from a sleep that is to be the last */
	}
	return 0;
}

static int socket_set_vrf(struct engine *engine, uint32_t port, uint32_t vrf, bool present)
{
	int err = 0;

	for (unsigned i = 0; i < engine->thread_count && !err && !engine->shared.vrfs->any; i++)
		err = udp_tell_interfaces(
			engine->workers[i].sockets->fds, engine->workers[i].sockets->count);
	return err ? err : vrf_ports_set(engine->shared.vrfs, port, present ? vrf : 0);
}

static int socket_give(struct engine *engine, uid_t uid, gid_t gid)
{
	for (unsigned i = 0; i < engine->thread_count; i++)
		udp_set_give(engine->workers[i].sockets, uid, gid);
	return 0;
}

static void socket_describe(struct engine *engine, char *text, size_t size)
{
	snprintf(text, size, "kernel UDP sockets, %u thread%s%s", engine->thread_count,
		engine->thread_count == 1 ? "" : "s",
		engine->config.busy_poll ? ", busy polling" : "");
}

static void socket_stats(struct engine *engine, stats_emit emit, void *ctx)
{
	struct request_counters total = {0};
	uint64_t queue_full = 0, send_failed = 0, drops = engine->closed_drops, group = 0;

	for (unsigned i = 0; i < engine->thread_count; i++) {
		struct worker *worker = &engine->workers[i];

		request_counters_sum(&total, &worker->reader.counters);
		queue_full += __atomic_load_n(&worker->drop_queue_full, __ATOMIC_RELAXED);
		send_failed += __atomic_load_n(&worker->send_failed, __ATOMIC_RELAXED);
		group += udp_group_drops(worker->batch);
		drops += udp_set_drops(worker->sockets);
	}
	reader_emit(&total, "", emit, ctx);
	emit(ctx, "drop_queue_full", queue_full);
	emit(ctx, "drop_socket_buffer", drops);
	emit(ctx, "drop_group", group);
	emit(ctx, "send_failed", send_failed);
	emit(ctx, "threads", engine->thread_count);
}

static void socket_drop_samples(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx)
{
	for (unsigned i = 0; i < engine->thread_count; i++)
		drop_sampler_drain(&engine->workers[i].reader.samples, found, ctx);
}

static void socket_latency(struct engine *engine, struct latency *into)
{
	for (unsigned i = 0; i < engine->thread_count; i++)
		latency_sum(into, &engine->workers[i].latency);
}

static void socket_watch(struct engine *engine, unsigned one_in)
{
	talkers_watch(engine->shared.readers.talkers, one_in);
}

static void socket_lost(struct engine *engine, const struct address *source)
{
	reader_shared_lost(&engine->shared.readers, source);
}

static void socket_observe(struct engine *engine, bool on)
{
	talkers_observe(engine->shared.readers.talkers, on);
}

static void socket_events(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx)
{
	talkers_events(engine->shared.readers.talkers, found, ctx);
}

static void socket_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	talkers_list(engine->shared.readers.talkers, found, ctx);
}

static void socket_close(struct engine *engine, enum engine_close how)
{
	(void)how; /* without the daemon nothing answers in any case */
	atomic_store_explicit(&engine->shared.stop, true, memory_order_release);
	for (unsigned i = 0; i < engine->thread_count; i++) {
		if (!engine->workers[i].started)
			continue;
		signal_fd(engine->workers[i].wake_fd);
		pthread_join(engine->workers[i].thread, NULL);
	}
	free_engine(engine);
}

const struct engine_ops engine_socket = {
	.name = "socket",
	.open = socket_open,
	.table_config = socket_table_config,
	.start = socket_start,
	.poll = socket_poll,
	.wake = socket_wake,
	.take_queues = socket_take_queues,
	.set_allow = socket_set_allow,
	.reload = socket_reload,
	.set_vrf = socket_set_vrf,
	.give = socket_give,
	.describe = socket_describe,
	.stats = socket_stats,
	.drop_samples = socket_drop_samples,
	.latency = socket_latency,
	.watch = socket_watch,
	.lost = socket_lost,
	.observe = socket_observe,
	.events = socket_events,
	.talkers = socket_talkers,
	.close = socket_close,
};
