/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * dpdk mode: this process owns a NIC or VF, and lcores that never sleep serve each packet to
 * completion.
 */
#include "dataplane/dpdk/dpdk.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/hugepage_room.h"

#include "common/log.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_lcore.h>
#include <stdlib.h>
#include <unistd.h>

static void free_lcores(struct engine *engine)
{
	for (unsigned i = 0; i < engine->lcore_count && engine->lcores; i++) {
		update_ring_close(&engine->lcores[i].updates);
		free(engine->lcores[i].waiting);
		free(engine->lcores[i].queues);
	}
	free(engine->lcores);
	take_queues_close(engine->takes);
}

static int open_updates(struct update_ring *updates, const struct engine *engine, unsigned id)
{
	uint32_t depth = engine->args.updates;
	uint16_t value_max = engine->config.value_max;
	struct table_memory memory;

	near_memory_init(&memory, (int)rte_lcore_to_socket_id(id));
	if (update_ring_open(updates, depth, value_max, &memory) == 0)
		return 0;
	return error_set(ENOMEM, "no memory for lcore %u's ring of %u updates (%zu kB): %s", id,
		depth, update_ring_bytes(depth, value_max) / 1024, hugepages_hint());
}

int lcore_open(struct lcore *lcore, struct engine *engine, unsigned id)
{
	memset(lcore, 0, sizeof(*lcore));
	lcore->engine = engine;
	lcore->fast = fast_choose();
	lcore->id = id;
	lcore->value_max = engine->config.value_max;
	reader_init(&lcore->reader, &engine->readers);
	return open_updates(&lcore->updates, engine, id);
}

static int open_takes(struct engine *engine)
{
	if (engine->config.take != TAKE_FARM)
		return 0;
	engine->takes = take_queues_open(engine->lcore_count);
	if (!engine->takes)
		return -ENOMEM;
	for (unsigned i = 0; i < engine->lcore_count; i++) {
		struct lcore *lcore = &engine->lcores[i];

		lcore->waiting = calloc(TAKE_PLACES, sizeof(*lcore->waiting));
		if (!lcore->waiting)
			return error_set(ENOMEM, "out of memory at start");
		lcore->takes = &engine->takes->queues[i];
	}
	return 0;
}

static struct take_queues *dpdk_take_queues(struct engine *engine)
{
	return engine->takes;
}

static int make_lcores(struct engine *engine)
{
	unsigned id, count = 0;
	int err;

	/* Counted here, not by EAL: its indices have gaps where this process may not use each
	 * detected CPU, and they include service cores. */
	RTE_LCORE_FOREACH(id)
	count++;
	engine->lcores = aligned_alloc(64, count * sizeof(struct lcore));
	if (!engine->lcores)
		return error_set(ENOMEM, "out of memory at start");
	memset(engine->lcores, 0, count * sizeof(struct lcore));
	engine->lcore_count = count;
	count = 0;
	RTE_LCORE_FOREACH(id)
	{
		err = lcore_open(&engine->lcores[count++], engine, id);
		if (err)
			return err;
	}
	return 0;
}

/* Queue q of a port goes to lcore q; ports with fewer queues than lcores start at different
 * lcores. */
static int deal_queues(struct engine *engine)
{
	for (unsigned i = 0; i < engine->port_count; i++) {
		struct port *port = &engine->ports[i];

		for (uint16_t q = 0; q < port->queues; q++) {
			struct lcore *lcore = &engine->lcores[(i + q) % engine->lcore_count];
			struct port_queue *queues =
				realloc(lcore->queues, (lcore->queue_count + 1U) * sizeof(*queues));

			if (!queues)
				return error_set(ENOMEM, "out of memory at start");
			queues[lcore->queue_count++] =
				(struct port_queue){.port = port, .queue = q};
			lcore->queues = queues;
		}
	}
	return 0;
}

static void dpdk_close(struct engine *engine, enum engine_close how)
{
	(void)how; /* without the daemon nothing answers in any case */
	__atomic_store_n(&engine->stop, true, __ATOMIC_RELAXED);
	if (engine->running)
		eal_join();
	telemetry_close();
	ports_close(engine);
	free_lcores(engine);
	reader_shared_close(&engine->readers);
	free(engine->allow);
	free(engine);
	eal_release();
}

static int dpdk_open(struct engine **out, const struct engine_config *config)
{
	struct engine *engine = aligned_alloc(64, sizeof(*engine));
	int err;

	if (!engine)
		return error_set(ENOMEM, "out of memory at start");
	memset(engine, 0, sizeof(*engine));
	engine->config = *config;
	table_memory_init(&engine->table_memory);
	err = local_endpoints_init(&engine->local, config->listen, config->listen_count);
	if (!err)
		err = dpdk_args_parse(&engine->args, config->dpdk_args);
	if (!err)
		err = eal_open(&engine->args);
	if (err) {
		free(engine);
		return err;
	}
	if (reader_shared_open(&engine->readers, config->limit_gets, config->limit_news,
		    READER_TALKERS_ALL, config->take != TAKE_NO) < 0)
		err = error_set(ENOMEM, "out of memory at start");
	if (!err)
		err = make_lcores(engine);
	if (!err)
		err = open_takes(engine);
	if (!err)
		err = ports_open(engine);
	if (!err)
		err = deal_queues(engine);
	if (err) {
		dpdk_close(engine, false);
		return err;
	}
	*out = engine;
	return 0;
}

static void dpdk_table_config(struct engine *engine, struct table_config *config)
{
	config->value_max = engine->config.value_max;
	config->memory = &engine->table_memory;
}

static int dpdk_start(struct engine *engine, struct table *table, const struct update_sink *sink)
{
	int err;

	engine->sink = *sink;
	for (unsigned i = 0; i < engine->lcore_count; i++) {
		engine->lcores[i].table = table;
		engine->lcores[i].allow = engine->allow;
	}
	err = ports_start(engine);
	if (err)
		return err;
	engine->running = true;
	eal_launch(lcore_run, engine);
	telemetry_open(engine);
	return 0;
}

static void dpdk_wake(struct engine *engine)
{
	__atomic_store_n(&engine->wake, true, __ATOMIC_RELEASE);
}

static int dpdk_set_allow(struct engine *engine, const struct allow_list *list)
{
	struct allow_ranges *allow = allow_ranges_make(list), *old = engine->allow;

	if (!allow)
		return error_set(ENOMEM, "out of memory for the allow list; the old one stays");
	__atomic_store_n(&engine->allow, allow, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < engine->lcore_count && engine->running; i++) {
		while (__atomic_load_n(&engine->lcores[i].allow, __ATOMIC_ACQUIRE) != allow)
			usleep(50);
	}
	free(old);
	return 0;
}

static int dpdk_reload(struct engine *engine, const struct engine_config *next)
{
	if (reader_shared_set_limits(&engine->readers, next->limit_gets, next->limit_news) < 0)
		return error_set(ENOMEM, "out of memory for --rate-limit; the old one stays");
	for (unsigned i = 0; i < engine->lcore_count; i++)
		reader_follow(&engine->lcores[i].reader, &engine->readers);
	return 0;
}

static void dpdk_describe(struct engine *engine, char *text, size_t size)
{
	int used = snprintf(text, size, "DPDK on");

	for (unsigned i = 0; i < engine->port_count && used > 0 && (size_t)used < size; i++)
		used += snprintf(text + used, size - (size_t)used, "%s %s", i ? "," : "",
			engine->ports[i].name);
	if (used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, ", %u lcore%s, table in %s",
			engine->lcore_count, engine->lcore_count == 1 ? "" : "s",
			rte_eal_has_hugepages() ? "hugepages" : "normal pages (--no-huge: slower)");
}

static void dpdk_drop_samples(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx)
{
	for (unsigned i = 0; i < engine->lcore_count; i++)
		drop_sampler_drain(&engine->lcores[i].reader.samples, found, ctx);
	ports_watch(engine);
}

static void dpdk_watch(struct engine *engine, unsigned one_in)
{
	talkers_watch(engine->readers.talkers, one_in);
}

static void dpdk_lost(struct engine *engine, const struct address *source)
{
	reader_shared_lost(&engine->readers, source);
}

static void dpdk_observe(struct engine *engine, bool on)
{
	talkers_observe(engine->readers.talkers, on);
}

static void dpdk_events(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx)
{
	talkers_events(engine->readers.talkers, found, ctx);
}

static void dpdk_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	talkers_list(engine->readers.talkers, found, ctx);
}

/* Bytes of the table that are in hugepages; 0 with --no-huge, or if the arguments are invalid. */
static uint64_t hugepage_bytes(const struct engine_config *config)
{
	const struct table_config table = {
		.capacity = config->capacity, .value_max = config->value_max};
	struct dpdk_args args;

	return dpdk_args_parse(&args, config->dpdk_args) == 0 && args.huge ? table_hot_bytes(&table)
									   : 0;
}

/* Hugepages are not part of the kernel's available memory. */
static uint64_t dpdk_memory_needed(const struct engine_config *config)
{
	const struct table_config table = {
		.capacity = config->capacity, .value_max = config->value_max};

	return table_reserved_bytes(&table) - hugepage_bytes(config);
}

static int check_hugepages(const struct engine_config *config)
{
	uint64_t needed = hugepage_bytes(config), room = hugepage_room("");

	if (needed <= room)
		return 0;
	return error_set(ENOMEM,
		"--capacity %u: needs %llu MiB of hugepages, %llu MiB are free: raise "
		"vm.nr_hugepages, lower --capacity, or add --no-huge to --dpdk-args",
		config->capacity, (unsigned long long)(needed >> 20) + 1,
		(unsigned long long)(room >> 20));
}

static int dpdk_check(const struct engine_config *config)
{
	struct dpdk_args args;
	struct local_endpoints local;
	int err = local_endpoints_init(&local, config->listen, config->listen_count);

	if (!err)
		err = dpdk_args_parse(&args, config->dpdk_args);
	return err ? err : check_hugepages(config);
}

const struct engine_ops engine_dpdk = {
	.name = "dpdk",
	.open = dpdk_open,
	.table_config = dpdk_table_config,
	.start = dpdk_start,
	.poll = writer_poll,
	.wake = dpdk_wake,
	.take_queues = dpdk_take_queues,
	.set_allow = dpdk_set_allow,
	.reload = dpdk_reload,
	.describe = dpdk_describe,
	.stats = stats_collect,
	.drop_samples = dpdk_drop_samples,
	.watch = dpdk_watch,
	.lost = dpdk_lost,
	.observe = dpdk_observe,
	.events = dpdk_events,
	.talkers = dpdk_talkers,
	.close = dpdk_close,
	.check = dpdk_check,
	.memory_needed = dpdk_memory_needed,
};
