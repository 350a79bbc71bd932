/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_text.h"

#include "control/stats/metrics_families.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 1024

struct figure {
	char name[64];
	uint64_t value;
	struct metrics_place place;
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
	for (size_t i = 0; metrics_paths[i][0]; i++)
		if (find(page, metrics_paths[i][0], name))
			return true;
	return false;
}

/* Of the mode that is in use. */
static const char *mode_path(const struct page *page)
{
	for (size_t i = 0; i < engine_mode_count; i++) {
		const struct figure *mode = find(page, "mode_", engine_modes[i].name);

		if (mode && mode->value)
			return engine_modes[i].path;
	}
	return "daemon";
}

static void sort_out(struct page *page)
{
	const char *path = mode_path(page);

	for (unsigned i = 0; i < page->count; i++)
		page->figures[i].place = metrics_place_of(page->figures[i].name, path);
}

static void put_sample(struct page *page, const struct figure *figure)
{
	const struct metrics_place *place = &figure->place;
	const char *label = place->family->label;

	fputs(place->family->name, page->out);
	if (place->path || label)
		fputc('{', page->out);
	if (place->path)
		fprintf(page->out, "path=\"%s\"%s", place->path, label ? "," : "");
	if (label)
		fprintf(page->out, "%s=\"%.*s\"", label, place->label_len, place->label);
	if (place->path || label)
		fputc('}', page->out);
	fprintf(page->out, " %" PRIu64 "\n", figure->value);
}

static void put_family(struct page *page, const struct metrics_family *family)
{
	bool begun = false;

	for (unsigned i = 0; i < page->count; i++) {
		const struct figure *figure = &page->figures[i];

		if (figure->place.family != family || is_sum(page, figure->name))
			continue;
		if (!begun)
			head(page, family->name,
				family->type == METRICS_COUNTER ? "counter" : "gauge",
				family->help);
		begun = true;
		put_sample(page, figure);
	}
}

/* Told elsewhere, or of no use to a graph. */
static bool left_out(const char *name)
{
	static const char *const names[] = {"pid", "port", "xdp_runs", "xdp_run_nanoseconds",
		"answer_us_p50", "answer_us_p99", "insert_us_p50", "insert_us_p99"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void put_unknown(struct page *page)
{
	for (unsigned i = 0; i < page->count; i++) {
		const struct figure *figure = &page->figures[i];
		char name[96];

		if (figure->place.family || left_out(figure->name))
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
	sort_out(page);
	for (size_t i = 0; i < metrics_family_count; i++)
		put_family(page, &metrics_families[i]);
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
