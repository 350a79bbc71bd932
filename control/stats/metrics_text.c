/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/metrics_text.h"

#include "control/sessions/session_filter.h"
#include "control/stats/metrics_families.h"
#include "control/stats/process_metrics.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 1024

struct sample {
	char name[64];
	uint64_t value;
	struct metrics_place place;
	bool done; /* printed, or not to be */
};

struct page {
	FILE *out;
	bool openmetrics;
	unsigned count;
	struct sample samples[SAMPLES_MAX];
};

static void keep(void *ctx, const char *name, uint64_t value)
{
	struct page *page = ctx;
	struct sample *sample;

	if (page->count == SAMPLES_MAX)
		return;
	sample = &page->samples[page->count++];
	snprintf(sample->name, sizeof(sample->name), "%s", name);
	sample->value = value;
}

static const struct sample *find(const struct page *page, const char *prefix, const char *name)
{
	char full[80];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	for (unsigned i = 0; i < page->count; i++)
		if (strcmp(page->samples[i].name, full) == 0)
			return &page->samples[i];
	return NULL;
}

static void head(struct page *page, const char *name, const char *type, const char *help)
{
	size_t len = strlen(name);

	/* OpenMetrics names a counter's family without _total. */
	if (page->openmetrics && strcmp(type, "counter") == 0)
		len -= strlen("_total");
	fprintf(page->out, "# HELP %.*s %s\n# TYPE %.*s %s\n", (int)len, name, help, (int)len, name,
		type);
}

static const char *head_made(struct page *page, enum metrics_made metric)
{
	const struct metrics_made_row *row = &metrics_made_rows[metric];

	head(page, row->name, row->type, row->help);
	return row->name;
}

/* A row's help as a sentence. */
static const char *sentence(const char *phrase, char text[256])
{
	snprintf(text, 256, "%c%s.", toupper((unsigned char)phrase[0]), phrase + 1);
	return text;
}

/* Is it the sum of other paths' figures? */
static bool is_sum(const struct page *page, const char *name)
{
	for (size_t i = 0; metrics_paths[i][0]; i++)
		if (find(page, metrics_paths[i][0], name))
			return true;
	return false;
}

/* The path of the current mode. */
static const char *mode_path(const struct page *page)
{
	for (size_t i = 0; i < engine_mode_count; i++) {
		const struct sample *mode = find(page, "mode_", engine_modes[i].name);

		if (mode && mode->value)
			return engine_modes[i].path;
	}
	return "daemon";
}

static void sort_out(struct page *page)
{
	const char *path = mode_path(page);

	for (unsigned i = 0; i < page->count; i++) {
		struct sample *sample = &page->samples[i];

		sample->place = metrics_place_of(sample->name, path);
		sample->done =
			(sample->place.path && is_sum(page, sample->name)) ||
			(sample->place.figure && sample->place.figure->kind == FIGURE_STATS_ONLY);
	}
}

static void put_sample(struct page *page, const struct sample *sample)
{
	const struct metrics_place *place = &sample->place;
	bool label = place->label[0] != '\0';

	fputs(place->name, page->out);
	if (place->path || label)
		fputc('{', page->out);
	if (place->path)
		fprintf(page->out, "path=\"%s\"%s", place->path, label ? "," : "");
	if (label)
		fprintf(page->out, "%s=\"%.*s\"", place->label, place->value_len, place->value);
	if (place->path || label)
		fputc('}', page->out);
	fprintf(page->out, " %" PRIu64 "\n", sample->value);
}

static void put_help(struct page *page, const struct metrics_place *place)
{
	char text[256];

	head(page, place->name, place->counter ? "counter" : "gauge",
		place->help ? place->help : sentence(place->figure->help, text));
}

/* Prints all samples of one metric; its first is at `i` or later. */
static void put_metric(struct page *page, const char *name, unsigned i)
{
	bool begun = false;

	for (; i < page->count; i++) {
		struct sample *sample = &page->samples[i];

		if (sample->done || strcmp(sample->place.name, name) != 0)
			continue;
		if (!begun)
			put_help(page, &sample->place);
		begun = sample->done = true;
		put_sample(page, sample);
	}
}

static void put_metrics(struct page *page)
{
	for (size_t i = 0; i < metrics_family_count; i++)
		put_metric(page, metrics_families[i].name, 0);
	for (unsigned i = 0; i < page->count; i++)
		if (!page->samples[i].done)
			put_metric(page, page->samples[i].place.name, i);
}

/* `bounds` are in 1/`units` seconds; `counts` has one element more than `bounds`. */
static void put_histogram(struct page *page, enum metrics_made metric, const uint32_t *bounds,
	size_t bound_count, double units, const uint64_t *counts, uint64_t sum_ns)
{
	const char *name = head_made(page, metric);
	uint64_t count = 0;

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

static void put_latency(struct page *page, enum metrics_made metric, const struct latency *latency)
{
	put_histogram(page, metric, latency_bounds_us, LATENCY_BOUND_COUNT, 1e6, latency->counts,
		latency->sum_ns);
}

static void put_xdp_answers(struct page *page, const struct metrics_figures *figures)
{
	uint64_t counts[SESSD_ANSWER_BOUND_COUNT + 1];
	struct sessd_answer_times times = {0};

	if (!figures->xdp_answers(figures->ctx, &times))
		return;
	for (size_t i = 0; i <= SESSD_ANSWER_BOUND_COUNT; i++)
		counts[i] = times.counts[i];
	put_histogram(page, METRIC_XDP_ANSWER, sessd_answer_bounds_ns, SESSD_ANSWER_BOUND_COUNT,
		1e9, counts, times.sum_ns);
}

/* While kernel.bpf_stats_enabled is 1, the kernel measures the total time of all runs of the
 * program, including those for unrelated packets. That gives a mean, but no histogram. */
static void put_runs(struct page *page)
{
	const struct sample *runs = find(page, "", "xdp_runs");
	const struct sample *time = find(page, "", "xdp_run_nanoseconds");
	const char *name;

	if (!runs || !time)
		return;
	name = head_made(page, METRIC_XDP_RUN);
	fprintf(page->out, "%s_sum %.9f\n%s_count %" PRIu64 "\n", name, (double)time->value / 1e9,
		name, runs->value);
}

enum count {
	COUNT_SESSIONS,
	COUNT_STORED,
	COUNT_USED,
};

static uint64_t count_of_place(const struct source_place *place, enum count count)
{
	switch (count) {
	case COUNT_SESSIONS:
		return place->sessions;
	case COUNT_STORED:
		return place->stored;
	case COUNT_USED:
		break;
	}
	return place->used;
}

static uint64_t count_of(const struct census_counts *counts, enum count count)
{
	switch (count) {
	case COUNT_SESSIONS:
		return counts->sessions;
	case COUNT_STORED:
		return counts->stored;
	case COUNT_USED:
		break;
	}
	return counts->used;
}

static void put_contexts(struct page *page, const struct metrics_figures *figures)
{
	static const enum metrics_made metrics[] = {[COUNT_SESSIONS] = METRIC_CONTEXT_SESSIONS,
		[COUNT_STORED] = METRIC_CONTEXT_STORED,
		[COUNT_USED] = METRIC_CONTEXT_USED};
	static struct census_row rows[CENSUS_ROWS];
	unsigned row_count = figures->contexts(figures->ctx, rows);
	char text[CONTEXT_TEXT];

	for (unsigned i = 0; row_count && i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const char *name = head_made(page, metrics[i]);

		for (unsigned k = 0; k < row_count * SESSION_KINDS; k++) {
			const struct census_row *row = &rows[k / SESSION_KINDS];
			enum session_kind kind = (enum session_kind)(k % SESSION_KINDS);
			const char *context =
				row->others ? "(other)"
					    : context_format(row->context, row->context_len, text);

			if (row->of[kind].stored || row->of[kind].sessions)
				fprintf(page->out, "%s{context=\"%s\",tls=\"%s\"} %" PRIu64 "\n",
					name, context, session_kind_name(kind),
					count_of(&row->of[kind], (enum count)i));
		}
	}
}

static void put_sources(struct page *page, const struct metrics_figures *figures)
{
	static const enum metrics_made metrics[] = {[COUNT_SESSIONS] = METRIC_SOURCE_SESSIONS,
		[COUNT_STORED] = METRIC_SOURCE_STORED,
		[COUNT_USED] = METRIC_SOURCE_USED};
	static struct source_place rows[SOURCE_LIST_SIZE];
	unsigned row_count = figures->sources(figures->ctx, rows);
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; row_count && i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		const char *name = head_made(page, metrics[i]);

		for (unsigned k = 0; k < row_count; k++)
			fprintf(page->out, "%s{source=\"%s\"} %" PRIu64 "\n", name,
				address_is_wildcard(&rows[k].address)
					? "(other)"
					: address_format(&rows[k].address, text),
				count_of_place(&rows[k], (enum count)i));
	}
}

static void put_process(void *ctx, enum metrics_made metric, double value)
{
	struct page *page = ctx;

	bool whole = value == (double)(uint64_t)value;
	const char *name = head_made(page, metric);

	fprintf(page->out, "%s %.*f\n", name, whole ? 0 : 3, value);
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
	fprintf(page->out, "%s{version=\"" SESSIOND_VERSION "\"} 1\n",
		head_made(page, METRIC_BUILD_INFO));
	sort_out(page);
	put_metrics(page);
	put_contexts(page, figures);
	put_sources(page, figures);
	put_runs(page);
	if (figures->slow_path(figures->ctx, &latency))
		put_latency(page, METRIC_ANSWER, &latency);
	memset(&latency, 0, sizeof(latency));
	if (figures->inserts(figures->ctx, &latency))
		put_latency(page, METRIC_INSERT, &latency);
	put_xdp_answers(page, figures);
	process_metrics(put_process, page);
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
