/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the kernel knows of the program and its links, and the program's samples of who asks.
 */
#include "dataplane/xdp/xdp.h"

#include "dataplane/xdp/percpu_values.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <stdlib.h>
#include <string.h>

/* A link outlives its interface, but is on none then. */
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

static void forget_talkers(int fd)
{
	struct address key;

	/* Each deletion makes the next key the first; bounded by what the map can hold. */
	for (int i = 0; i < 4096 && bpf_map_get_next_key(fd, NULL, &key) == 0; i++)
		bpf_map_delete_elem(fd, &key);
}

void stats_xdp_watch(struct engine *engine, unsigned one_in)
{
	__atomic_store_n(&engine->skel->bss->talkers_one_in, one_in, __ATOMIC_RELAXED);
	talkers_watch(engine->talkers, one_in);
	if (one_in == 0)
		forget_talkers(bpf_map__fd(engine->skel->maps.talkers));
}

void stats_xdp_talkers(
	struct engine *engine, void (*found)(void *ctx, const struct talker *talker), void *ctx)
{
	int fd = bpf_map__fd(engine->skel->maps.talkers);
	struct address key, *previous = NULL;
	struct talker talker;
	__u64 counts[4]; /* by enum sessd_type */

	for (int i = 0; i < 4096 && bpf_map_get_next_key(fd, previous, &key) == 0; i++) {
		previous = &key;
		if (bpf_map_lookup_elem(fd, &key, counts) < 0)
			continue;
		memset(&talker, 0, sizeof(talker));
		talker.source = key;
		talker.gets = counts[SESSD_GET];
		talker.news = counts[SESSD_NEW];
		talker.removes = counts[SESSD_REMOVE];
		found(ctx, &talker);
	}
	talkers_list(engine->talkers, found, ctx);
}
