/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The kernel's figures of the program and its links, and the program's samples of sources.
 */
#include "dataplane/xdp/xdp.h"

#include "dataplane/xdp/percpu_values.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A link whose interface is gone exists, but is attached to none. */
static bool is_attached(const struct xdp_link *link)
{
	return attach_index(link) != 0;
}

void stats_xdp_figures(struct engine *engine, stats_emit emit, void *ctx)
{
	uint64_t native = 0, generic = 0, detached = 0;
	uint64_t runs = 0, nanoseconds = 0;

	for (size_t i = 0; i < engine->link_count; i++) {
		if (!is_attached(&engine->links[i]))
			detached++;
		else if (engine->links[i].native)
			native++;
		else
			generic++;
	}
	emit(ctx, "xdp_interfaces_native", native);
	emit(ctx, "xdp_interfaces_generic", generic);
	emit(ctx, "xdp_interfaces_detached", detached);
	emit(ctx, "xdp_interfaces_reattached", engine->reattached);
	/* Both are 0 unless kernel.bpf_stats_enabled is 1. */
	for (int i = 0; i < 2; i++) {
		struct bpf_prog_info info = {0};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(attach_program(engine, i), &info, &size) < 0)
			continue;
		runs += info.run_cnt;
		nanoseconds += info.run_time_ns;
	}
	emit(ctx, "xdp_runs", runs);
	emit(ctx, "xdp_run_nanoseconds", nanoseconds);
}

void stats_xdp_latency(struct engine *engine, struct latency *into)
{
	latency_sum(into, &engine->latency);
}

bool stats_xdp_answer_times(struct engine *engine, struct sessd_answer_times *into)
{
	return engine->config.xdp_histogram &&
	       percpu_sum(bpf_map__fd(engine->skel->maps.answer_times),
		       sizeof(*into) / sizeof(__u64), (__u64 *)into) == 0;
}

/* Sources per system call; the map holds fewer, even with those added meanwhile. */
#define TALKERS_BATCH 2048

struct talker_batch {
	struct address keys[TALKERS_BATCH];
	struct sessd_talker_counts counts[TALKERS_BATCH];
};

/* Calls `found` for each source, or deletes each if `found` is NULL. In batches of whole buckets: a
 * walk by key starts over when its key has gone, and one that deletes always does. */
static void walk_talkers(int fd, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	struct talker_batch *batch = malloc(sizeof(*batch));
	__u32 cursor = 0, count;
	bool first = true;
	int err = batch ? 0 : -ENOMEM;

	while (!err) {
		__u32 *from = first ? NULL : &cursor;

		count = TALKERS_BATCH;
		err = found ? bpf_map_lookup_batch(
				      fd, from, &cursor, batch->keys, batch->counts, &count, NULL)
			    : bpf_map_lookup_and_delete_batch(
				      fd, from, &cursor, batch->keys, batch->counts, &count, NULL);
		first = false;
		for (__u32 i = 0; found && (!err || err == -ENOENT) && i < count; i++) {
			const struct talker talker = {.source = batch->keys[i],
				.gets = batch->counts[i].of[SESSD_GET],
				.news = batch->counts[i].of[SESSD_NEW],
				.removes = batch->counts[i].of[SESSD_REMOVE],
				.hits = batch->counts[i].of[SESSD_TAKE],
				.drops = batch->counts[i].drops};

			found(ctx, &talker);
		}
	}
	free(batch);
}

void stats_xdp_watch(struct engine *engine, unsigned one_in)
{
	__atomic_store_n(&engine->skel->bss->talkers_one_in, one_in, __ATOMIC_RELAXED);
	talkers_watch(engine->readers.talkers, one_in);
	if (one_in == 0)
		walk_talkers(bpf_map__fd(engine->skel->maps.talkers), NULL, NULL);
}

void stats_xdp_lost(struct engine *engine, const struct address *source)
{
	reader_shared_lost(&engine->readers, source);
}

struct watched_sink {
	void (*found)(void *ctx, const struct sessd_request_event *event);
	void *ctx;
};

static int on_watched(void *ctx, void *data, size_t size)
{
	const struct watched_sink *sink = ctx;

	if (sink->found && size >= sizeof(struct sessd_request_event))
		sink->found(sink->ctx, data);
	return 0;
}

void stats_xdp_events(struct engine *engine,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx)
{
	struct watched_sink sink = {.found = found, .ctx = ctx};
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(engine->skel->maps.watched), on_watched, &sink, NULL);

	if (found)
		talkers_events(engine->readers.talkers, found, ctx);
	if (!ring)
		return;
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
}

void stats_xdp_observe(struct engine *engine, bool on)
{
	__atomic_store_n(&engine->skel->bss->talkers_watched, on, __ATOMIC_RELAXED);
	talkers_observe(engine->readers.talkers, on);
	if (on)
		stats_xdp_events(engine, NULL, NULL); /* what is left of the last time */
}

void stats_xdp_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	walk_talkers(bpf_map__fd(engine->skel->maps.talkers), found, ctx);
	talkers_list(engine->readers.talkers, found, ctx);
}
