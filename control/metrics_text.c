/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "metrics_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 256

enum type {
	GAUGE,
	COUNTER, /* the family's name ends in _total */
};

/* What the names of stats become. `pattern` is a name, or what names begin with, a '*' then;
 * `label` is what the rest of the name is the value of. `path`: it is counted by several parts. */
static const struct family {
	const char *pattern;
	enum type type;
	const char *name, *label;
	bool path;
	const char *help;
} families[] = {
	{"get_retries", COUNTER, "sessiond_lookup_retries_total", NULL, true,
		"Lookups repeated because the session changed while it was read."},
	{"get_*", COUNTER, "sessiond_gets_total", "outcome", true,
		"GETs answered, by what answered and outcome."},
	{"new_*", COUNTER, "sessiond_news_total", "outcome", false,
		"NEWs taken in, by what became of them."},
	{"remove_*", COUNTER, "sessiond_removes_total", "outcome", false,
		"REMOVEs taken in, by what became of them."},
	{"drop_*", COUNTER, "sessiond_dropped_total", "reason", true,
		"Requests dropped without an answer, by reason."},
	{"pass_*", COUNTER, "sessiond_passed_total", "reason", true,
		"Packets that the fast path left to the kernel, by reason."},
	{"send_failed", COUNTER, "sessiond_send_failed_total", NULL, false,
		"Answers that could not be sent."},
	{"sessions", GAUGE, "sessiond_sessions", NULL, false, "Sessions held."},
	{"sessions_adopted", COUNTER, "sessiond_sessions_adopted_total", NULL, false,
		"Sessions taken over from the last daemon."},
	{"sessions_*", COUNTER, "sessiond_sessions_ended_total", "reason", false,
		"Sessions that ended, by reason."},
	{"capacity", GAUGE, "sessiond_capacity_sessions", NULL, false, "Sessions at the most."},
	{"memory_reserved_bytes", GAUGE, "sessiond_memory_reserved_bytes", NULL, false,
		"Memory set aside for sessions in user space."},
	{"memory_resident_peak_bytes", GAUGE, "sessiond_memory_resident_peak_bytes", NULL, false,
		"Most memory that the process has had in use."},
	{"uptime_seconds", GAUGE, "sessiond_uptime_seconds", NULL, false,
		"Time since the daemon was started."},
	{"mode_*", GAUGE, "sessiond_mode", "mode", false, "1 for the mode that is in use."},
	{"xdp_interfaces_*", GAUGE, "sessiond_xdp_interfaces", "state", false,
		"Interfaces by how the XDP program is on them."},
	{"xsk_sockets", GAUGE, "sessiond_xsk_sockets", NULL, false,
		"AF_XDP sockets that NEWs come by."},
	{"xsk_sockets_zero_copy", GAUGE, "sessiond_xsk_sockets_zero_copy", NULL, false,
		"Of these, those that the driver copies nothing for."},
	{"dpdk_ports", GAUGE, "sessiond_dpdk_ports", NULL, false, "Ports of dpdk mode."},
	{"dpdk_lcores", GAUGE, "sessiond_dpdk_lcores", NULL, false, "Reader lcores of dpdk mode."},
	{"threads", GAUGE, "sessiond_threads", NULL, false, "Reader threads."},
};

#define FAMILIES (sizeof(families) / sizeof(families[0]))

struct figure {
	char name[64];
	uint64_t value;
};

struct page {
	FILE *out;
	bool openmetrics;
	unsigned count;
	struct figure figures[SAMPLES_MAX];
};

static void keep(void *ctx, const char *name, uint64_t value)
{
	struct page *page = ctx;
	struct figure *figure;

	if (page->count == SAMPLES_MAX)
		return;
	figure = &page->figures[page->count++];
	snprintf(figure->name, sizeof(figure->name), "%s", name);
	figure->value = value;
}

static const struct figure *find(const struct page *page, const char *prefix, const char *name)
{
	char full[80];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	for (unsigned i = 0; i < page->count; i++)
		if (strcmp(page->figures[i].name, full) == 0)
			return &page->figures[i];
	return NULL;
}

/* The family of a name and, in `*rest`, the label's value; NULL if none knows it. */
static const struct family *match(const char *name, const char **rest)
{
	for (size_t i = 0; i < FAMILIES; i++) {
		size_t len = strlen(families[i].pattern);

		if (families[i].pattern[len - 1] != '*'
				? strcmp(name, families[i].pattern) == 0
				: strncmp(name, families[i].pattern, len - 1) == 0) {
			*rest = name + len - (families[i].pattern[len - 1] == '*');
			return &families[i];
		}
	}
	return NULL;
}

static const char *const paths[][2] = {
	{"xdp_", "xdp"}, {"slow_", "daemon"}, {"xsk_", "af_xdp"}, {"dpdk_", "dpdk"}};

/* As match, for a name that may begin with a path; `*path` is NULL for families without. */
static const struct family *classify(
	const struct page *page, const char *name, const char **path, const char **rest)
{
	const struct family *family;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t len = strlen(paths[i][0]);

		if (strncmp(name, paths[i][0], len) != 0)
			continue;
		family = match(name + len, rest);
		*path = paths[i][1];
		if (family && family->path)
			return family;
	}
	*path = NULL;
	family = match(name, rest);
	if (family && family->path) {
		const struct figure *dpdk = find(page, "", "mode_dpdk");

		*path = dpdk && dpdk->value ? "dpdk" : "daemon";
	}
	return family;
}

static void head(struct page *page, const char *name, const char *type, const char *help)
{
	size_t len = strlen(name);

	/* OpenMetrics calls a counter's family by what comes before _total. */
	if (page->openmetrics && strcmp(type, "counter") == 0)
		len -= strlen("_total");
	fprintf(page->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, name, help, (int)len, name,
		type);
}

/* Is it added up from those of other paths? */
static bool is_sum(const struct page *page, const char *name)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (find(page, paths[i][0], name))
			return true;
	return false;
}

static void put_family(struct page *page, const struct family *family)
{
	bool begun = false;

	for (unsigned i = 0; i < page->count; i++) {
		const struct figure *figure = &page->figures[i];
		const char *path, *rest;

		if (classify(page, figure->name, &path, &rest) != family ||
			is_sum(page, figure->name))
			continue;
		if (!begun)
			head(page, family->name, family->type == COUNTER ? "counter" : "gauge",
				family->help);
		begun = true;
		fputs(family->name, page->out);
		if (path || family->label)
			fputc('{', page->out);
		if (path)
			fprintf(page->out, "path=\"%s\"%s", path, family->label ? "," : "");
		if (family->label)
			fprintf(page->out, "%s=\"%s\"", family->label, rest);
		if (path || family->label)
			fputc('}', page->out);
		fprintf(page->out, " %" PRIu64 "\n", figure->value);
	}
}

/* Told elsewhere, or of no use to a graph. */
static bool left_out(const char *name)
{
	return strcmp(name, "pid") == 0 || strcmp(name, "xdp_runs") == 0 ||
	       strcmp(name, "xdp_run_nanoseconds") == 0;
}

static void put_unknown(struct page *page)
{
	for (unsigned i = 0; i < page->count; i++) {
		const struct figure *figure = &page->figures[i];
		const char *path, *rest;
		char name[96];

		if (left_out(figure->name) || classify(page, figure->name, &path, &rest))
			continue;
		snprintf(name, sizeof(name), "sessiond_%s_total", figure->name);
		head(page, name, "counter", "As sessionctl stats has it.");
		fprintf(page->out, "%s %" PRIu64 "\n", name, figure->value);
	}
}

/* `bounds` in units of which a second has `units`; `counts` has one more. */
static void put_histogram(struct page *page, const char *name, const char *help,
	const uint32_t *bounds, size_t bound_count, double units, const uint64_t *counts,
	uint64_t sum_ns)
{
	uint64_t count = 0;

	head(page, name, "histogram", help);
	for (size_t i = 0; i < bound_count; i++) {
		count += counts[i];
		fprintf(page->out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name, bounds[i] / units,
			count);
	}
	count += counts[bound_count];
	fprintf(page->out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
	fprintf(page->out, "%s_sum %.9f\n%s_count %" PRIu64 "\n", name, (double)sum_ns / 1e9, name,
		count);
}

static void put_latency(
	struct page *page, const char *name, const char *help, const struct latency *latency)
{
	put_histogram(page, name, help, latency_bounds_us, LATENCY_BOUND_COUNT, 1e6,
		latency->counts, latency->sum_ns);
}

static void put_xdp_answers(struct page *page, const struct metrics_figures *figures)
{
	uint64_t counts[SESSD_ANSWER_BOUND_COUNT + 1];
	struct sessd_answer_times times = {0};

	if (!figures->xdp_answers(figures->ctx, &times))
		return;
	for (size_t i = 0; i <= SESSD_ANSWER_BOUND_COUNT; i++)
		counts[i] = times.counts[i];
	put_histogram(page, "sessiond_xdp_answer_seconds",
		"From when the XDP program was given a GET to when its answer was ready to be "
		"sent.",
		sessd_answer_bounds_ns, SESSD_ANSWER_BOUND_COUNT, 1e9, counts, times.sum_ns);
}

/* The kernel measures the program where kernel.bpf_stats_enabled is 1: how long all its runs took,
 * those for packets of others included. There is a mean in that, and no histogram. */
static void put_runs(struct page *page)
{
	const struct figure *runs = find(page, "", "xdp_runs");
	const struct figure *time = find(page, "", "xdp_run_nanoseconds");

	if (!runs || !time)
		return;
	head(page, "sessiond_xdp_run_seconds", "summary",
		"Runs of the XDP program and the time they took, while kernel.bpf_stats_enabled is "
		"1: "
		"every packet of its interfaces counts.");
	fprintf(page->out,
		"sessiond_xdp_run_seconds_sum %.9f\nsessiond_xdp_run_seconds_count %" PRIu64 "\n",
		(double)time->value / 1e9, runs->value);
}

char *metrics_text(const struct metrics_figures *figures, bool openmetrics, size_t *size)
{
	struct page *page = calloc(1, sizeof(*page));
	struct latency latency = {0};
	char *text = NULL;
	bool bad;

	if (!page)
		return NULL;
	page->openmetrics = openmetrics;
	page->out = open_memstream(&text, size);
	if (!page->out) {
		free(page);
		return NULL;
	}
	figures->stats(figures->ctx, keep, page);
	head(page, "sessiond_build_info", "gauge", "The version that runs.");
	fputs("sessiond_build_info{version=\"" SESSIOND_VERSION "\"} 1\n", page->out);
	for (size_t i = 0; i < FAMILIES; i++)
		put_family(page, &families[i]);
	put_unknown(page);
	put_runs(page);
	if (figures->slow_path(figures->ctx, &latency))
		put_latency(page, "sessiond_answer_seconds",
			"From when the daemon had read a request to when its answer was sent: not "
			"the "
			"fast path of xdp and dpdk mode.",
			&latency);
	memset(&latency, 0, sizeof(latency));
	if (figures->inserts(figures->ctx, &latency))
		put_latency(page, "sessiond_insert_seconds",
			"From when the writer took in a NEW to when GETs can find it.", &latency);
	put_xdp_answers(page, figures);
	if (openmetrics)
		fputs("# EOF\n", page->out);
	bad = ferror(page->out);
	bad |= fclose(page->out) == EOF;
	free(page);
	if (!bad)
		return text;
	free(text);
	return NULL;
}
