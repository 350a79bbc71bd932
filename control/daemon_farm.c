/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The farm of caches: its thread, its figures, and what `sessionctl farm` shows.
 */
#include "control/daemon_private.h"

#include "control/config/option_farm.h"
#include "control/sessions/writer_farm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int start(struct daemon *daemon, const struct options *options)
{
	struct farm_config config = option_farm_config(options);
	struct farm_side side = writer_farm_side(daemon->writer);
	int err;

	if (daemon->ops->take_queues)
		config.takes = daemon->ops->take_queues(daemon->engine);
	daemon->farm = farm_create(&config, &side);
	if (!daemon->farm)
		return -EINVAL;
	writer_join_farm(daemon->writer, daemon->farm);
	err = farm_start(daemon->farm);
	if (err)
		return err;
	log_info("farm %s: this cache is %s; %u engine%s%s", config.name, config.node,
		config.engine_count, config.engine_count == 1 ? "" : "s",
		config.takes ? "; TAKE is exclusive in the farm" : "");
	return 0;
}

int daemon_start_farm(struct daemon *daemon)
{
	return daemon->options.farm.count > 0 ? start(daemon, &daemon->options) : 0;
}

void daemon_stop_farm(struct daemon *daemon)
{
	if (!daemon->farm)
		return;
	farm_stop(daemon->farm);
	farm_destroy(daemon->farm);
	daemon->farm = NULL;
}

/* While the writer runs. */
static void leave(struct daemon *daemon)
{
	char why[512];

	snprintf(why, sizeof(why), "%s", error_message());
	if (daemon->farm)
		writer_join_farm(daemon->writer, NULL);
	daemon_stop_farm(daemon);
	writer_set_farm(daemon->writer, false);
	(void)error_set(EINVAL, "%s", why);
}

int daemon_check_farm(struct daemon *daemon, const struct options *next)
{
	struct farm_config config = option_farm_config(next);

	(void)daemon;
	return config.engine_count > 0 ? farm_check(&config) : 0;
}

int daemon_reload_farm(struct daemon *daemon, const struct options *next)
{
	struct farm_config config = option_farm_config(next);
	const struct options *now = &daemon->options;
	int err;

	/* With another name it is another cache to the others. */
	if (daemon->farm &&
		(config.engine_count == 0 || strcmp(next->farm_name, now->farm_name) != 0 ||
			strcmp(next->farm_node, now->farm_node) != 0))
		leave(daemon);
	if (config.engine_count == 0)
		return 0;
	if (daemon->farm)
		return farm_reload(daemon->farm, &config);
	err = writer_set_farm(daemon->writer, true);
	if (!err)
		err = start(daemon, next);
	if (err)
		leave(daemon);
	return err;
}

/* Too large for the stack; the main thread alone uses it. */
static const struct farm_status *status_of(struct daemon *daemon)
{
	static struct farm_status status;

	farm_status(daemon->farm, &status);
	return &status;
}

/* Sums over engines and nodes. */
struct sums {
	uint64_t up, faults, connects, restarts, engine_drops, rtt_us, alive, lag_ms, gaps, resends;
};

static struct sums sum(const struct farm_status *status)
{
	struct sums sums = {0};

	for (unsigned i = 0; i < status->engine_count; i++) {
		const struct farm_engine_status *engine = &status->engines[i];

		sums.up += engine->up;
		sums.faults += (unsigned)__builtin_popcount(engine->faults);
		sums.connects += engine->connects;
		sums.restarts += engine->restarts;
		if (engine->up && engine->rtt_us > sums.rtt_us)
			sums.rtt_us = engine->rtt_us;
		for (unsigned k = 0; k < FARM_DROPPED_COUNT; k++)
			sums.engine_drops += engine->dropped[k];
	}
	for (unsigned i = 0; i < status->node_count; i++) {
		const struct farm_node_status *node = &status->nodes[i];

		sums.alive += node->alive;
		sums.gaps += node->gaps;
		sums.resends += node->resends;
		if (node->alive && node->lag_ms > sums.lag_ms)
			sums.lag_ms = node->lag_ms;
	}
	return sums;
}

void daemon_farm_stats(struct daemon *daemon, stats_emit emit, void *emit_ctx)
{
	const struct farm_status *status;
	struct sums sums;
	char name[64];

	if (!daemon->farm)
		return;
	status = status_of(daemon);
	sums = sum(status);
	emit(emit_ctx, "farm_ready", farm_ready(daemon->farm));
	emit(emit_ctx, "farm_warm_up_percent", status->warm_up_percent);
	emit(emit_ctx, "farm_warm_up_sessions", status->warm_up_sessions);
	emit(emit_ctx, "farm_warm_up_ms", status->warm_up_ms);
	emit(emit_ctx, "farm_engines", status->engine_count);
	emit(emit_ctx, "farm_engines_up", sums.up);
	emit(emit_ctx, "farm_engine_faults", sums.faults);
	emit(emit_ctx, "farm_engine_connects", sums.connects);
	emit(emit_ctx, "farm_engine_restarts", sums.restarts);
	emit(emit_ctx, "farm_engine_rtt_us", sums.rtt_us);
	emit(emit_ctx, "farm_engine_drops", sums.engine_drops);
	emit(emit_ctx, "farm_caches_alive", sums.alive);
	emit(emit_ctx, "farm_lag_ms", sums.lag_ms);
	emit(emit_ctx, "farm_gaps", sums.gaps);
	emit(emit_ctx, "farm_resends_asked", sums.resends);
	emit(emit_ctx, "farm_resends", status->resends);
	emit(emit_ctx, "farm_batches", status->batches);
	emit(emit_ctx, "farm_published", status->records);
	emit(emit_ctx, "farm_received", status->received);
	emit(emit_ctx, "farm_copies", status->copies);
	emit(emit_ctx, "farm_expired", status->expired);
	emit(emit_ctx, "farm_tombstoned", status->tombstoned);
	emit(emit_ctx, "farm_unknown", status->unknown);
	emit(emit_ctx, "farm_too_long", status->too_long);
	emit(emit_ctx, "farm_held_up", status->held_up);
	emit(emit_ctx, "farm_name_clash", status->name_clash);
	emit(emit_ctx, "farm_take_asked", status->takes.asked);
	emit(emit_ctx, "farm_take_won", status->takes.won);
	emit(emit_ctx, "farm_take_lost", status->takes.lost);
	emit(emit_ctx, "farm_take_late", status->takes.late);
	emit(emit_ctx, "farm_take_refused", status->takes.refused);
	emit(emit_ctx, "farm_take_down", status->takes.down);
	emit(emit_ctx, "farm_take_disagreed", status->takes.disagreed);
	emit(emit_ctx, "farm_take_full", status->takes.full);
	emit(emit_ctx, "farm_take_failed", status->takes.failed);
	for (unsigned i = 0; i < FARM_DROPPED_COUNT; i++) {
		snprintf(name, sizeof(name), "farm_drop_%s", farm_dropped_names[i]);
		emit(emit_ctx, name, status->dropped[i]);
	}
	for (unsigned i = 0; i < FARM_REFUSED_COUNT; i++) {
		snprintf(name, sizeof(name), "farm_refused_%s", farm_refused_names[i]);
		emit(emit_ctx, name, status->refused[i]);
	}
}

/* A line of NAME=VALUE words. */
struct words {
	char text[1024];
	size_t used;
};

static void add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct words *words, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(words->text + words->used, sizeof(words->text) - words->used, format, args);
	va_end(args);
	words->used += (size_t)len;
	if (words->used >= sizeof(words->text))
		words->used = sizeof(words->text) - 1;
}

static void add_number(struct words *words, const char *name, uint64_t value)
{
	add(words, " %s=%" PRIu64, name, value);
}

/* In quotes; a quote in it becomes an apostrophe, a control character a blank. */
static void add_text(struct words *words, const char *name, const char *text)
{
	char safe[512];
	size_t len = 0;

	for (; text[len] && len < sizeof(safe) - 1; len++)
		safe[len] = (unsigned char)text[len] < 0x20 ? ' '
			    : text[len] == '"'		    ? '\''
							    : text[len];
	safe[len] = '\0';
	add(words, " %s=\"%s\"", name, safe);
}

/* Names with blanks between them. */
static void add_faults(struct words *words, uint32_t faults)
{
	char names[128] = "";
	size_t used = 0;

	for (unsigned i = 0; i < FARM_ENGINE_FAULTS; i++)
		if (faults >> i & 1)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
				used ? " " : "", farm_faults[i].name);
	add_text(words, "faults", names);
}

static void cache_line(const struct daemon *daemon, const struct farm_status *status,
	void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	static const char *const warm_up[] = {[FARM_WARM_UP_WAITING] = "waiting",
		[FARM_WARM_UP_READING] = "reading",
		[FARM_WARM_UP_DONE] = "done"};
	struct words words = {0};
	char name[64];

	add(&words, "cache");
	add_text(&words, "farm", daemon->options.farm_name);
	add_text(&words, "name", daemon->options.farm_node);
	add_number(&words, "ready", farm_ready(daemon->farm));
	add_text(&words, "warm_up", warm_up[status->warm_up]);
	add_number(&words, "warm_up_percent", status->warm_up_percent);
	add_number(&words, "warm_up_sessions", status->warm_up_sessions);
	add_number(&words, "warm_up_ms", status->warm_up_ms);
	add_number(&words, "name_clash", status->name_clash);
	add_number(&words, "sequence", status->sequence);
	add_number(&words, "batches", status->batches);
	add_number(&words, "published", status->records);
	add_number(&words, "resends", status->resends);
	add_number(&words, "received", status->received);
	add_number(&words, "copies", status->copies);
	add_text(&words, "take", daemon->options.engine.take == TAKE_FARM ? "farm" : "local");
	add_number(&words, "take_asked", status->takes.asked);
	add_number(&words, "take_won", status->takes.won);
	add_number(&words, "take_lost", status->takes.lost);
	add_number(&words, "missed_late", status->takes.late);
	add_number(&words, "missed_refused", status->takes.refused);
	add_number(&words, "missed_down", status->takes.down);
	add_number(&words, "missed_disagreed", status->takes.disagreed);
	add_number(&words, "missed_full", status->takes.full);
	add_number(&words, "missed_failed", status->takes.failed);
	for (unsigned i = 0; i < FARM_DROPPED_COUNT; i++) {
		snprintf(name, sizeof(name), "drop_%s", farm_dropped_names[i]);
		add_number(&words, name, status->dropped[i]);
	}
	for (unsigned i = 0; i < FARM_REFUSED_COUNT; i++) {
		snprintf(name, sizeof(name), "refused_%s", farm_refused_names[i]);
		add_number(&words, name, status->refused[i]);
	}
	line(line_ctx, words.text);
}

static void engine_line(const struct farm_engine_status *engine,
	void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	struct words words = {0};
	char name[64];

	add(&words, "engine");
	add_text(&words, "url", engine->url);
	add_number(&words, "up", engine->up);
	add_number(&words, "since_seconds", engine->since);
	add_number(&words, "rtt_us", engine->rtt_us);
	add_text(&words, "version", engine->version);
	add_number(&words, "queued", engine->queued);
	add_number(&words, "connects", engine->connects);
	add_number(&words, "restarts", engine->restarts);
	add_number(&words, "batches_out", engine->batches_out);
	add_number(&words, "batches_in", engine->batches_in);
	add_number(&words, "bytes_out", engine->bytes_out);
	add_number(&words, "bytes_in", engine->bytes_in);
	for (unsigned i = 0; i < FARM_DROPPED_COUNT; i++) {
		snprintf(name, sizeof(name), "drop_%s", farm_dropped_names[i]);
		add_number(&words, name, engine->dropped[i]);
	}
	add_faults(&words, engine->faults);
	add_text(&words, "take", farm_take_states[engine->take]);
	add_number(&words, "take_wait_seconds", engine->take_wait);
	add_text(&words, "error", engine->error);
	line(line_ctx, words.text);
}

static void node_line(const struct farm_node_status *node,
	void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	struct words words = {0};

	add(&words, "node");
	add_text(&words, "name", node->name);
	add_number(&words, "alive", node->alive);
	add_number(&words, "lag_ms", node->lag_ms);
	add_number(&words, "heard_ms", node->heard_ms);
	add_number(&words, "sequence", node->sequence);
	add_number(&words, "gaps", node->gaps);
	add_number(&words, "resends", node->resends);
	add_number(&words, "sessions", node->sessions);
	add_number(&words, "sessions_live", node->sessions_live);
	add_number(&words, "removes", node->removes);
	line(line_ctx, words.text);
}

int daemon_farm_lines(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	const struct farm_status *status;

	if (!daemon->farm)
		return error_set(
			ENOENT, "there is no farm of caches: set farm and farm-key, and reload");
	status = status_of(daemon);
	cache_line(daemon, status, line, line_ctx);
	for (unsigned i = 0; i < status->engine_count; i++)
		engine_line(&status->engines[i], line, line_ctx);
	for (unsigned i = 0; i < status->node_count; i++)
		node_line(&status->nodes[i], line, line_ctx);
	return 0;
}
