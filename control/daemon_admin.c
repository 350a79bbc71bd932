/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the daemon does for the admin socket.
 */
#include "common/clock.h"
#include "control/daemon_private.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

/* Resident memory of the process, in bytes. */
static uint64_t resident_bytes(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss << 10 : 0;
}

/* Quantiles for `top`; metrics have the full histograms. */
static void emit_times(struct daemon *daemon, stats_emit emit, void *emit_ctx)
{
	struct latency answers = {0}, inserts = {0};

	if (!daemon->options.metrics[0])
		return; /* nothing is measured */
	if (daemon->ops->latency) {
		daemon->ops->latency(daemon->engine, &answers);
		emit(emit_ctx, "answer_us_p50", latency_quantile_us(&answers, 50));
		emit(emit_ctx, "answer_us_p99", latency_quantile_us(&answers, 99));
	}
	writer_latency(daemon->writer, &inserts);
	emit(emit_ctx, "insert_us_p50", latency_quantile_us(&inserts, 50));
	emit(emit_ctx, "insert_us_p99", latency_quantile_us(&inserts, 99));
}

static void emit_mode(const struct daemon *daemon, stats_emit emit, void *emit_ctx)
{
	char name[32];

	for (size_t i = 0; i < engine_mode_count; i++) {
		snprintf(name, sizeof(name), "mode_%s", engine_modes[i].name);
		emit(emit_ctx, name, daemon->mode == &engine_modes[i]);
	}
}

static void admin_stats(void *ctx, stats_emit emit, void *emit_ctx)
{
	struct daemon *daemon = ctx;

	emit(emit_ctx, "pid", (uint64_t)getpid());
	emit(emit_ctx, "port", daemon->options.port);
	emit(emit_ctx, "uptime_seconds", clock_seconds(clock_tick() - daemon->started));
	emit(emit_ctx, "reload_ok", !daemon->reload_failed);
	emit(emit_ctx, "reload_timestamp_seconds", daemon->configured);
	emit_mode(daemon, emit, emit_ctx);
	emit(emit_ctx, "memory_resident_peak_bytes", resident_bytes());
	emit(emit_ctx, "log_dropped", log_dropped());
	emit_times(daemon, emit, emit_ctx);
	writer_stats(daemon->writer, emit, emit_ctx);
	daemon_farm_stats(daemon, emit, emit_ctx);
	daemon->ops->stats(daemon->engine, emit, emit_ctx);
}

static bool admin_find(void *ctx, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
	struct session_info *info)
{
	struct daemon *daemon = ctx;

	return writer_find(daemon->writer, key, session, info);
}

static bool admin_del(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct daemon *daemon = ctx;

	return writer_delete(daemon->writer, key);
}

static bool admin_take(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct daemon *daemon = ctx;

	return writer_take(daemon->writer, key);
}

static void admin_flush_start(void *ctx, struct writer_flush *flush)
{
	struct daemon *daemon = ctx;

	writer_flush_start(daemon->writer, flush);
}

static int admin_flush_done(void *ctx, const struct writer_flush *flush, uint64_t *deleted)
{
	struct daemon *daemon = ctx;

	return writer_flush_done(daemon->writer, flush, deleted);
}

static unsigned admin_list(void *ctx, const struct session_filter *filter, uint32_t *next,
	struct session *sessions, struct session_info *infos, unsigned room)
{
	struct daemon *daemon = ctx;

	return writer_list(daemon->writer, filter, next, sessions, infos, room);
}

static unsigned admin_remove(void *ctx, const struct session_filter *filter, uint32_t *next)
{
	struct daemon *daemon = ctx;

	return writer_remove(daemon->writer, filter, next);
}

static unsigned admin_contexts(void *ctx, struct census_row rows[CENSUS_ROWS])
{
	struct daemon *daemon = ctx;

	return writer_contexts(daemon->writer, rows);
}

static unsigned admin_sources(void *ctx, struct source_place rows[SOURCE_LIST_SIZE])
{
	struct daemon *daemon = ctx;

	return writer_sources(daemon->writer, rows);
}

static int admin_reload(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	return daemon_reload(ctx, line, line_ctx);
}

static int admin_config_lines(
	void *ctx, bool diff, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	return daemon_show_config(ctx, diff, line, line_ctx);
}

static void admin_set_log_level(void *ctx, enum log_level level)
{
	struct daemon *daemon = ctx;

	daemon->options.log_level = level;
	log_set_level(level);
}

static int admin_talkers(void *ctx, struct talker *talkers, unsigned room)
{
	struct daemon *daemon = ctx;

	return watch_talkers(
		&daemon->watch, daemon->ops, daemon->engine, clock_tick(), talkers, room);
}

static int admin_farm(void *ctx, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	return daemon_farm_lines(ctx, line, line_ctx);
}

static unsigned admin_watch(void *ctx,
	void (*found)(void *found_ctx, const struct session_event *event), void *found_ctx)
{
	return daemon_gather(ctx, found, found_ctx);
}

const struct admin_ops daemon_admin_ops = {
	.stats = admin_stats,
	.find = admin_find,
	.del = admin_del,
	.take = admin_take,
	.flush_start = admin_flush_start,
	.flush_done = admin_flush_done,
	.list = admin_list,
	.remove = admin_remove,
	.contexts = admin_contexts,
	.sources = admin_sources,
	.reload = admin_reload,
	.config = admin_config_lines,
	.set_log_level = admin_set_log_level,
	.talkers = admin_talkers,
	.farm = admin_farm,
	.watch = admin_watch,
};
