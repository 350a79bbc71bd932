/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The figures for a monitoring system.
 */
#include "control/daemon_private.h"
#include "control/host/metrics_address.h"

static void stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	daemon_admin_ops.stats(ctx, emit, emit_ctx);
}

static bool slow_path(void *ctx, struct latency *latency)
{
	const struct daemon *daemon = ctx;

	if (!daemon->ops->latency)
		return false;
	daemon->ops->latency(daemon->engine, latency);
	return true;
}

static bool inserts(void *ctx, struct latency *latency)
{
	const struct daemon *daemon = ctx;

	writer_latency(daemon->writer, latency);
	return true;
}

static unsigned contexts(void *ctx, struct census_row rows[CENSUS_ROWS])
{
	const struct daemon *daemon = ctx;

	return writer_contexts(daemon->writer, rows);
}

static unsigned sources(void *ctx, struct source_place rows[SOURCE_LIST_SIZE])
{
	const struct daemon *daemon = ctx;

	return writer_sources(daemon->writer, rows);
}

static bool xdp_answers(void *ctx, struct sessd_answer_times *times)
{
	const struct daemon *daemon = ctx;

	return daemon->ops->answer_times && daemon->ops->answer_times(daemon->engine, times);
}

int daemon_open_metrics(struct daemon *daemon, const char *where, struct metrics **opened)
{
	static struct metrics_figures figures = {
		.stats = stats,
		.slow_path = slow_path,
		.inserts = inserts,
		.contexts = contexts,
		.sources = sources,
		.xdp_answers = xdp_answers,
	};

	*opened = daemon->metrics;
	if (daemon->metrics && metrics_address_same(where, daemon->options.metrics))
		return 0;
	*opened = NULL;
	if (!where[0])
		return 0;
	figures.ctx = daemon;
	return metrics_open(opened, daemon->base, where, &figures);
}

void daemon_use_metrics(struct daemon *daemon, struct metrics *metrics)
{
	if (metrics == daemon->metrics)
		return;
	metrics_close(daemon->metrics);
	daemon->metrics = metrics;
}
