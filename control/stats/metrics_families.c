/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_families.h"

#include <stdio.h>
#include <string.h>

/* Metrics made of several figures, and metrics whose name differs from their figure's. */
const struct metrics_family metrics_families[] = {
	{"get_retries", "sessiond_lookup_retries_total", NULL, true},
	{"get_*", "sessiond_gets_total", "outcome", true, "GETs answered, by path and outcome."},
	{"take_*", "sessiond_takes_total", "outcome", true, "TAKEs answered, by path and outcome."},
	{"new_*", "sessiond_news_total", "outcome", false, "NEWs received, by outcome."},
	{"remove_*", "sessiond_removes_total", "outcome", false, "REMOVEs received, by outcome."},
	{"drop_*", "sessiond_dropped_total", "reason", true,
		"Requests dropped without a reply, by path and reason."},
	{"pass_*", "sessiond_passed_total", "reason", true,
		"Packets that the XDP program passed to the kernel, by reason."},
	{"farm_drop_*", "sessiond_farm_dropped_total", "reason", false,
		"NEWs, REMOVEs and TAKEs that were not published to other caches, by reason."},
	{"farm_refused_*", "sessiond_farm_refused_total", "reason", false,
		"Batches of other caches that were refused, by reason."},
	{"sessions_adopted", "sessiond_sessions_adopted_total", NULL, false},
	{"sessions_*", "sessiond_sessions_ended_total", "reason", false,
		"Sessions that ended, by reason."},
	{"capacity", "sessiond_capacity_sessions", NULL, false},
	{"mode_*", "sessiond_mode", "mode", false, "1 for the mode in use."},
	{"xdp_interfaces_reattached", "sessiond_xdp_reattached_total", NULL, false},
	{"xdp_interfaces_*", "sessiond_xdp_interfaces", "state", false,
		"Interfaces, by state of the XDP program."},
};

const size_t metrics_family_count = sizeof(metrics_families) / sizeof(metrics_families[0]);

const struct metrics_made_row metrics_made_rows[METRICS_MADE] = {
	[METRIC_BUILD_INFO] = {"sessiond_build_info", "gauge", "version", FIGURE_EVERY_MODE, NULL,
		"Version of sessiond."},
	[METRIC_CONTEXT_SESSIONS] = {"sessiond_context_sessions", "gauge", "context tls",
		FIGURE_EVERY_MODE, NULL, "Sessions, by session id context and TLS version."},
	[METRIC_CONTEXT_STORED] = {"sessiond_context_stored_total", "counter", "context tls",
		FIGURE_EVERY_MODE, NULL,
		"Sessions stored since the start, by session id context and TLS version."},
	[METRIC_CONTEXT_USED] = {"sessiond_context_used_total", "counter", "context tls",
		FIGURE_EVERY_MODE, NULL,
		"Sessions that were asked for at least once, by session id context and TLS "
		"version."},
	[METRIC_SOURCE_SESSIONS] = {"sessiond_source_sessions", "gauge", "source",
		FIGURE_EVERY_MODE, NULL,
		"Sessions, by who made them; (other): unknown, or one source too many."},
	[METRIC_SOURCE_STORED] = {"sessiond_source_stored_total", "counter", "source",
		FIGURE_EVERY_MODE, NULL, "Sessions stored since the start, by who made them."},
	[METRIC_SOURCE_USED] = {"sessiond_source_used_total", "counter", "source",
		FIGURE_EVERY_MODE, NULL,
		"Sessions that were asked for at least once, by who made them."},
	[METRIC_XDP_RUN] = {"sessiond_xdp_run_seconds", "summary", "", FIGURE_XDP, NULL,
		"Runs of the XDP program and their time, while kernel.bpf_stats_enabled is 1. "
		"Every packet on its interfaces counts."},
	[METRIC_ANSWER] = {"sessiond_answer_seconds", "histogram", "le", FIGURE_SOCKET | FIGURE_XDP,
		NULL,
		"Time from reading a request until its reply is sent, in the daemon: not in the "
		"fast path of xdp and dpdk mode."},
	[METRIC_INSERT] = {"sessiond_insert_seconds", "histogram", "le", FIGURE_EVERY_MODE, NULL,
		"Time from receiving a NEW until GETs find the session."},
	[METRIC_XDP_ANSWER] = {"sessiond_xdp_answer_seconds", "histogram", "le", FIGURE_XDP,
		"--xdp-histogram",
		"Time from the start of the XDP program until the reply to a GET is ready."},
	[METRIC_PROCESS_CPU] = {"process_cpu_seconds_total", "counter", "", FIGURE_EVERY_MODE, NULL,
		"User and system CPU time of the daemon."},
	[METRIC_PROCESS_RESIDENT] = {"process_resident_memory_bytes", "gauge", "",
		FIGURE_EVERY_MODE, NULL, "Resident memory of the daemon."},
	[METRIC_PROCESS_VIRTUAL] = {"process_virtual_memory_bytes", "gauge", "", FIGURE_EVERY_MODE,
		NULL, "Virtual memory of the daemon."},
	[METRIC_PROCESS_FDS] = {"process_open_fds", "gauge", "", FIGURE_EVERY_MODE, NULL,
		"Open file descriptors of the daemon."},
	[METRIC_PROCESS_MAX_FDS] = {"process_max_fds", "gauge", "", FIGURE_EVERY_MODE, NULL,
		"Maximum number of open file descriptors of the daemon."},
	[METRIC_PROCESS_START] = {"process_start_time_seconds", "gauge", "", FIGURE_EVERY_MODE,
		NULL, "Start of the daemon, as Unix time."},
};

const char *const metrics_paths[][2] = {
	{"xdp_", "xdp"}, {"slow_", "daemon"}, {"xsk_", "af_xdp"}, {"dpdk_", "dpdk"}, {NULL, NULL}};

static bool is_like(const char *name, const char *pattern, struct metrics_place *place)
{
	size_t same = strcspn(pattern, "*");

	if (strncmp(name, pattern, same) != 0)
		return false;
	if (pattern[same] == '\0')
		return name[same] == '\0';
	place->value = name + same;
	place->value_len = (int)strlen(place->value);
	return place->value_len > 0;
}

static const struct metrics_family *match(const char *name, struct metrics_place *place)
{
	for (size_t i = 0; i < metrics_family_count; i++)
		if (is_like(name, metrics_families[i].pattern, place))
			return &metrics_families[i];
	return NULL;
}

static void put_in(struct metrics_place *place, const struct metrics_family *family)
{
	const char *suffix = strrchr(family->name, '_');

	snprintf(place->name, sizeof(place->name), "%s", family->name);
	snprintf(place->label, sizeof(place->label), "%s", family->label ? family->label : "");
	place->counter = strcmp(suffix, "_total") == 0;
	place->help = family->help;
}

/* A metric with the name of its figure. A number in the name becomes the value of a label, and the
 * word before it the label's name: port, lcore. */
static void put_alone(struct metrics_place *place, const char *name)
{
	const char *row = place->figure ? place->figure->name : name, *word;
	size_t before = strcspn(row, "#"), digits = 0;

	if (row[before]) {
		for (word = row + before; word > row && word[-1] != '_';)
			word--;
		snprintf(place->label, sizeof(place->label), "%.*s", (int)(row + before - word),
			word);
		place->value = name + before;
		digits = strspn(place->value, "0123456789");
		place->value_len = (int)digits;
	}
	place->counter = !place->figure || place->figure->kind != FIGURE_GAUGE;
	snprintf(place->name, sizeof(place->name), "sessiond_%.*s%s%s", (int)before, name,
		name + before + digits, place->counter ? "_total" : "");
	if (!place->figure)
		place->help = "See sessionctl stats.";
}

struct metrics_place metrics_place_of(const char *name, const char *mode_path)
{
	struct metrics_place place = {.figure = figure_find(name)};
	const struct metrics_family *family;

	for (size_t i = 0; metrics_paths[i][0]; i++) {
		size_t len = strlen(metrics_paths[i][0]);

		if (strncmp(name, metrics_paths[i][0], len) != 0)
			continue;
		family = match(name + len, &place);
		if (!family || !family->path)
			continue;
		if (!place.figure)
			place.figure = figure_find(name + len);
		put_in(&place, family);
		place.path = metrics_paths[i][1];
		return place;
	}
	family = match(name, &place);
	if (family)
		put_in(&place, family);
	else
		put_alone(&place, name);
	if (family && family->path)
		place.path = mode_path;
	return place;
}
