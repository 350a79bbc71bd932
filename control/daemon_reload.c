/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reloads the configuration, at SIGHUP or by the admin socket, and shows what runs.
 */
#include "control/daemon_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/text.h"
#include "control/config/option_values.h"
#include "control/notify.h"

/* What an administrator is told, and how. */
struct report {
	const struct daemon *daemon;
	void (*line)(void *line_ctx, const char *text); /* NULL: nobody asked */
	void *line_ctx;
	bool changed, moves, restart;
};

static void tell(const struct report *report, const char *text)
{
	if (report->line)
		report->line(report->line_ctx, text);
}

/* A file that a farm of caches reads at each reload: its content may have changed. */
static void tell_read_again(const struct report *report, const char *option, const char *path)
{
	char text[TEXT_QUOTE + 64], quoted[TEXT_QUOTE];

	if (!path[0] || !report->daemon->farm)
		return;
	snprintf(text, sizeof(text), "%s: %s was read again", option, text_quote(path, quoted));
	log_notice("reload: %s", text);
	tell(report, text);
}

static void on_changed(void *ctx, const struct option_def *def, const struct options *running,
	const struct options *now)
{
	char change[OPTION_VALUES], text[OPTION_VALUES + 256];
	struct report *report = ctx;
	const char *fixed = option_fixed(def, report->daemon->mode, running, now);

	option_change(def, running, now, change);
	report->changed = true;
	if (!fixed) {
		snprintf(text, sizeof(text), "%s: %s", def->name, change);
		log_notice("reload: %s", text);
	} else {
		snprintf(text, sizeof(text), "%s has changed: restart to apply it (%s); %s",
			def->name, fixed, change);
		log_warning("reload: %s", text);
		report->restart = true;
		report->moves |= (def->flags & OPTION_MOVES) != 0;
	}
	tell(report, text);
}

static void count_sessions(void *ctx, const char *name, uint64_t value)
{
	if (strcmp(name, "sessions") == 0)
		*(uint64_t *)ctx = value;
}

/* What the next start costs that applies all of `next`, which has what was reloaded and what was
 * not. */
static const char *restart_cost(
	const struct report *report, const struct options *next, char text[256])
{
	const struct daemon *daemon = report->daemon;
	uint64_t sessions = 0, kept = 0;

	writer_stats(daemon->writer, count_sessions, &sessions);
	if (!report->moves && daemon->ops->restart_keeps)
		kept = daemon->ops->restart_keeps(daemon->engine, &next->engine, sessions);
	else if (daemon_hands_over(daemon)) /* to any mode */
		kept = sessions < next->engine.capacity ? sessions : next->engine.capacity;
	if (sessions == 0)
		snprintf(text, 256, "a restart ends no session: there is none");
	else if (kept == sessions)
		snprintf(text, 256, "a restart keeps the %" PRIu64 " sessions", sessions);
	else if (kept > 0)
		snprintf(text, 256, "a restart keeps %" PRIu64 " of %" PRIu64 " sessions", kept,
			sessions);
	else
		snprintf(text, 256, "a restart ends all %" PRIu64 " sessions", sessions);
	if (kept > 0 && next->engine.value_max < daemon->options.engine.value_max)
		snprintf(text + strlen(text), 256 - strlen(text),
			" of those that have at most %u bytes", next->engine.value_max);
	return text;
}

struct reading {
	struct report *report;
	void (*changed)(void *ctx, const struct option_def *def, const struct options *running,
		const struct options *now);
	struct options *now;
};

/* Keeps all that was read, which the callback's caller frees. */
static void on_read(void *ctx, const struct option_def *def, const struct options *running,
	const struct options *now)
{
	struct reading *reading = ctx;

	*reading->now = *now;
	reading->changed(reading->report, def, running, now);
}

/* Changes all, or nothing. */
static int apply(struct daemon *daemon, const struct options *next)
{
	const struct options *now = &daemon->options;
	const struct engine_ops *ops = daemon->ops;
	struct metrics *metrics;
	char why[512];
	int err = daemon_open_metrics(daemon, next->metrics, &metrics);

	if (err)
		return err;
	err = ops->reload(daemon->engine, &next->engine);
	if (err)
		goto undo_metrics;
	err = ops->set_allow(daemon->engine, &next->allow);
	if (err)
		goto undo_engine;
	err = daemon_reload_farm(daemon, next);
	if (err)
		goto undo_allow;
	daemon_use_metrics(daemon, metrics);
	writer_set_measure(daemon->writer, next->engine.measure);
	writer_set_remove(daemon->writer, next->remove);
	log_set_level(next->log_level);
	daemon->options = *next;
	return 0;

undo_allow:
	snprintf(why, sizeof(why), "%s", error_message());
	ops->set_allow(daemon->engine, &now->allow);
	(void)error_set(-err, "%s", why);
undo_engine:
	snprintf(why, sizeof(why), "%s", error_message());
	ops->reload(daemon->engine, &now->engine);
	(void)error_set(-err, "%s", why);
undo_metrics:
	if (metrics != daemon->metrics)
		metrics_close(metrics);
	return err;
}

int daemon_reload(
	struct daemon *daemon, void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	static struct options next, now;
	struct report report = {.daemon = daemon, .line = line, .line_ctx = line_ctx};
	struct reading reading = {.report = &report, .changed = on_changed, .now = &now};
	char cost[256], why[480];
	int err;

	notify_reloading();
	err = options_reload(&next, daemon->argc, daemon->argv, &daemon->options, daemon->mode,
		on_read, &reading);
	if (!err)
		err = daemon_check_farm(daemon, &next);
	if (!err)
		err = apply(daemon, &next);
	notify_ready();
	daemon->reload_failed = err != 0;
	daemon_tell_status(daemon);
	if (err) {
		log_tagged(LOG_LEVEL_ERROR, "reload-failed",
			"reload failed, nothing was changed: %s", error_message());
		snprintf(why, sizeof(why), "%s", error_message());
		return error_set(-err, "nothing was changed: %s", why);
	}
	daemon->configured = (uint64_t)time(NULL);
	if (!report.changed)
		tell(&report, daemon->farm ? "no option has changed" : "nothing has changed");
	tell_read_again(&report, "farm-key", next.farm_key);
	tell_read_again(&report, "farm-ca", next.farm_ca);
	if (report.restart) {
		restart_cost(&report, &now, cost);
		log_warning("reload: %s", cost);
		tell(&report, cost);
	}
	log_tagged(LOG_LEVEL_NOTICE, "reload", "reloaded: %zu allowed prefixes, REMOVEs are %s",
		next.allow.count, next.remove == REMOVE_IGNORE ? "ignored" : "honoured");
	return 0;
}

static void on_difference(void *ctx, const struct option_def *def, const struct options *running,
	const struct options *now)
{
	struct report *report = ctx;
	const char *fixed = option_fixed(def, report->daemon->mode, running, now);

	report->changed = true;
	report->restart |= fixed != NULL;
	report->moves |= (def->flags & OPTION_MOVES) != 0;
	option_show_change(def, running, now, fixed ? "needs a restart" : "reload applies it",
		report->line, report->line_ctx);
}

int daemon_show_config(struct daemon *daemon, bool diff,
	void (*line)(void *line_ctx, const char *text), void *line_ctx)
{
	static struct options next, now;
	struct report report = {.daemon = daemon, .line = line, .line_ctx = line_ctx};
	struct reading reading = {.report = &report, .changed = on_difference, .now = &now};
	char cost[256], text[300];
	int err;

	if (!diff) {
		options_show(&daemon->options, daemon->mode->name, line, line_ctx);
		return 0;
	}
	err = options_reload(&next, daemon->argc, daemon->argv, &daemon->options, daemon->mode,
		on_read, &reading);
	if (err)
		return err;
	if (report.restart)
		snprintf(text, sizeof(text), "# %s", restart_cost(&report, &now, cost));
	else if (report.changed)
		snprintf(text, sizeof(text), "# a reload applies all");
	else
		snprintf(text, sizeof(text), "# no difference");
	line(line_ctx, text);
	return 0;
}
