/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/stats/figures.h"

#define BAR 30

struct view {
	struct top_text *text;
	const struct top_sample *before, *now;
	unsigned room;
};

__attribute__((format(printf, 3, 4))) static void row(
	struct view *view, bool heading, const char *format, ...)
{
	struct top_text *text = view->text;
	va_list args;

	if (text->count >= view->room)
		return;
	text->heading[text->count] = heading;
	va_start(args, format);
	vsnprintf(text->rows[text->count++], sizeof(text->rows[0]), format, args);
	va_end(args);
}

/* Six characters: 0, 0.3, 12, 4567, 123.4k, 1.23M. */
static const char *short_number(double number, char out[16])
{
	if (number < 0.05)
		snprintf(out, 16, "0");
	else if (number < 9.95 && number > (double)(unsigned)number)
		snprintf(out, 16, "%.1f", number);
	else if (number < 99999.5)
		snprintf(out, 16, "%.0f", number);
	else if (number < 999950)
		snprintf(out, 16, "%.1fk", number / 1e3);
	else if (number < 999.95e6)
		snprintf(out, 16, "%.2fM", number / 1e6);
	else
		snprintf(out, 16, "%.2fG", number / 1e9);
	return out;
}

static void percent(char out[16], double part, double whole)
{
	if (whole > 0)
		snprintf(out, 16, "%.1f %%", 100 * part / whole);
	else
		snprintf(out, 16, "-");
}

/* Of GETs and TAKEs; hits first. */
static const char *const outcomes[] = {"get_hits", "take_hits", "get_misses", "get_expired",
	"get_torn", "take_misses", "take_lost_race"};
#define HIT_OUTCOMES 2
#define OUTCOMES     (sizeof(outcomes) / sizeof(outcomes[0]))

static double get_requests(const struct view *view, bool rate, bool hits_only)
{
	double sum = 0;
	char name[64];

	for (size_t i = 0; i < (hits_only ? HIT_OUTCOMES : OUTCOMES); i++) {
		snprintf(name, sizeof(name), "%s%s", view->now->pinned ? "xdp_" : "", outcomes[i]);
		sum += rate ? top_rate(view->before, view->now, name)
			    : (double)top_figure(view->now, name);
	}
	return sum;
}

/* Which of mode_xdp and the like is 1. */
static const char *mode_of(const struct top_sample *sample)
{
	for (unsigned i = 0; i < sample->figure_count; i++) {
		const struct top_figure *figure = &sample->figures[i];

		if (figure->value && strncmp(figure->name, "mode_", strlen("mode_")) == 0)
			return figure->name + strlen("mode_");
	}
	return "unknown";
}

static void add_head(struct view *view)
{
	const struct top_sample *now = view->now;
	uint64_t up = top_figure(now, "uptime_seconds"), native, generic;
	const char *mode = now->pinned ? "xdp" : mode_of(now);
	char how[64] = "", since[48] = "";

	native = top_figure(now, "xdp_interfaces_native");
	generic = top_figure(now, "xdp_interfaces_generic");
	if (native || generic)
		snprintf(how, sizeof(how), ", %" PRIu64 " native%s", native,
			generic ? " and GENERIC (slow)" : "");
	if (!now->pinned)
		snprintf(since, sizeof(since), "up %" PRIu64 "d %02u:%02u:%02u", up / 86400,
			(unsigned)(up / 3600 % 24), (unsigned)(up / 60 % 60), (unsigned)(up % 60));
	row(view, true, "sessiond: mode %s%s   %s", mode, how, since);
}

static void add_fill(struct view *view)
{
	uint64_t sessions = top_figure(view->now, "sessions");
	uint64_t capacity = top_figure(view->now, "capacity");
	unsigned full = capacity ? (unsigned)(sessions * BAR / capacity) : 0;
	char bar[BAR + 1], share[16];

	if (capacity == 0) {
		row(view, false, "%.*s", TOP_COLUMNS, view->now->trouble);
		return;
	}
	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
	percent(share, (double)sessions, (double)capacity);
	row(view, false, "sessions   [%s] %s of %" PRIu64 ": %" PRIu64, bar, share, capacity,
		sessions);
}

static void add_ratio(struct view *view)
{
	uint64_t runs = top_figure(view->now, "xdp_runs");
	uint64_t runs_before = top_figure(view->before, "xdp_runs");
	uint64_t ns = top_figure(view->now, "xdp_run_nanoseconds") -
		      top_figure(view->before, "xdp_run_nanoseconds");
	char recent[16], ever[16], latency[48] = "";

	percent(recent, get_requests(view, true, true), get_requests(view, true, false));
	percent(ever, get_requests(view, false, true), get_requests(view, false, false));
	if (runs > runs_before && view->before->figure_count)
		snprintf(latency, sizeof(latency), "   XDP program %" PRIu64 " ns a packet",
			ns / (runs - runs_before));
	row(view, false, "hit ratio  %s now, %s since the start%s", recent, ever, latency);
}

/* Times of the daemon itself, if it measures them. */
static void add_latency(struct view *view)
{
	uint64_t answer = top_figure(view->now, "answer_us_p99");
	uint64_t insert = top_figure(view->now, "insert_us_p99");
	char answers[48] = "", inserts[48] = "";

	if (answer)
		snprintf(answers, sizeof(answers), "   answers %" PRIu64 ", %" PRIu64,
			top_figure(view->now, "answer_us_p50"), answer);
	if (insert)
		snprintf(inserts, sizeof(inserts), "   inserts %" PRIu64 ", %" PRIu64,
			top_figure(view->now, "insert_us_p50"), insert);
	if (answer || insert)
		row(view, false, "latency    daemon, us, p50 p99:%s%s", answers, inserts);
}

/* The farm of caches, if the daemon is in one. */
static void add_farm(struct view *view)
{
	uint64_t engines = top_figure(view->now, "farm_engines");
	char out[16], in[16];

	if (engines == 0)
		return;
	short_number(top_rate(view->before, view->now, "farm_published"), out);
	short_number(top_rate(view->before, view->now, "farm_received"), in);
	row(view, false,
		"farm       %" PRIu64 " of %" PRIu64 " engines, %" PRIu64 " others, lag %" PRIu64
		" ms, %s/s out, %s/s in%s",
		top_figure(view->now, "farm_engines_up"), engines,
		top_figure(view->now, "farm_caches_alive"), top_figure(view->now, "farm_lag_ms"),
		out, in, top_figure(view->now, "farm_ready") ? "" : ", WARMING UP");
}

/* The lines for requests and sessions: a figure's name, or a prefix and '*'. */
static const struct {
	const char *label, *name;
	bool split; /* also separately for xdp_ and slow_ */
} lines[] = {
	{"GET hit", "get_hits", true},
	{"GET miss", "get_misses", true},
	{"GET expired", "get_expired", true},
	{"TAKE", "take_*", true}, /* whatever the answer */
	{"NEW stored", "new_stored", false},
	{"NEW already stored", "new_exists", false},
	{"NEW refused", NULL, false}, /* all others of new_ */
	{"REMOVE", "remove_*", false},
	{"session expired", "sessions_expired", false},
	{"session evicted", "sessions_evicted", false},
	{"dropped", "drop_*", true},
};
/* The last line, which also includes other losses. */
#define DROPPED (sizeof(lines) / sizeof(lines[0]) - 1)

static bool belongs(const char *name, size_t line)
{
	const char *pattern = lines[line].name;
	size_t len;

	if (!pattern)
		return strncmp(name, "new_", 4) == 0 && strcmp(name, "new_stored") != 0 &&
		       strcmp(name, "new_exists") != 0;
	len = strlen(pattern);
	return pattern[len - 1] == '*' ? strncmp(name, pattern, len - 1) == 0
				       : strcmp(name, pattern) == 0;
}

static double line_sum(const struct view *view, size_t line, const char *prefix, bool rate)
{
	double sum = 0;

	for (unsigned i = 0; i < view->now->figure_count; i++) {
		const struct top_figure *figure = &view->now->figures[i];
		size_t len = strlen(prefix);

		if (strncmp(figure->name, prefix, len) == 0 && belongs(figure->name + len, line))
			sum += rate ? top_rate(view->before, view->now, figure->name)
				    : (double)figure->value;
	}
	return sum;
}

/* Losses that match no line's pattern: those of AF_XDP and dpdk mode. */
static double other_losses(const struct view *view, bool rate)
{
	double sum = 0;

	for (unsigned i = 0; i < view->now->figure_count; i++) {
		const struct top_figure *figure = &view->now->figures[i];

		if (figure_is_loss(figure->name) && !belongs(figure->name, DROPPED))
			sum += rate ? top_rate(view->before, view->now, figure->name)
				    : (double)figure->value;
	}
	return sum;
}

static void add_lines(struct view *view)
{
	bool xdp = view->now->pinned || top_figure(view->now, "mode_xdp");
	const char *all = view->now->pinned ? "xdp_" : "";
	char rate[16], fast[16], slow[16], total[16];

	row(view, true, "%-20s %10s %10s %10s %12s", "", "per second", xdp ? "by XDP" : "",
		xdp ? "by daemon" : "", "since start");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool dropped = i == DROPPED;

		short_number(
			line_sum(view, i, all, true) + (dropped ? other_losses(view, true) : 0),
			rate);
		short_number(
			line_sum(view, i, all, false) + (dropped ? other_losses(view, false) : 0),
			total);
		strcpy(fast, "");
		strcpy(slow, "");
		if (xdp && lines[i].split) {
			short_number(line_sum(view, i, "xdp_", true), fast);
			short_number(line_sum(view, i, "slow_", true) +
					     (dropped ? other_losses(view, true) : 0),
				slow);
		}
		row(view, false, "%-20s %10s %10s %10s %12s", lines[i].label, rate, fast, slow,
			total);
	}
}

struct source_rate {
	const struct top_source *source;
	double gets, news, removes, all;
};

static int most_first(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return left->all < right->all ? 1 : left->all > right->all ? -1 : 0;
}

static void rate_of(const struct view *view, struct source_rate *rate)
{
	const struct top_source *now = rate->source, *was = NULL;
	double seconds = (double)(view->now->at - view->before->at) / 1000;

	for (unsigned i = 0; i < view->before->source_count; i++)
		if (strcmp(view->before->sources[i].address, now->address) == 0)
			was = &view->before->sources[i];
	if (view->before->figure_count == 0 || seconds <= 0 ||
		(was && (was->gets > now->gets || was->news > now->news)))
		return;
	rate->gets = (double)(now->gets - (was ? was->gets : 0)) / seconds;
	rate->news = (double)(now->news - (was ? was->news : 0)) / seconds;
	rate->removes = (double)(now->removes - (was ? was->removes : 0)) / seconds;
	rate->all = rate->gets + rate->news + rate->removes;
}

static void add_sources(struct view *view)
{
	struct source_rate rates[TOP_SOURCES_MAX] = {0};
	unsigned count = view->now->source_count;
	char get[16], new[16], removal[16], share[16];
	double sum = 0;

	row(view, true, "%-40s %8s %8s %8s %9s", "sources that send most, by samples", "GET/s",
		"NEW/s", "REMOVE/s", "share");
	if (view->now->no_sources[0])
		row(view, false, "%.*s", TOP_COLUMNS, view->now->no_sources);
	for (unsigned i = 0; i < count; i++) {
		rates[i].source = &view->now->sources[i];
		rate_of(view, &rates[i]);
		sum += rates[i].all;
	}
	qsort(rates, count, sizeof(rates[0]), most_first);
	for (unsigned i = 0; i < count; i++) {
		percent(share, rates[i].all, sum);
		row(view, false, "%-40s %8s %8s %8s %9s", rates[i].source->address,
			short_number(rates[i].gets, get), short_number(rates[i].news, new),
			short_number(rates[i].removes, removal), share);
	}
}

void top_text(struct top_text *text, const struct top_sample *before, const struct top_sample *now,
	unsigned room)
{
	struct view view = {.text = text, .before = before, .now = now};
	unsigned more;

	view.room = room < TOP_ROWS_MAX ? room : TOP_ROWS_MAX;
	text->count = 0;
	if (now->figure_count == 0) {
		row(&view, true, "no figures");
		row(&view, false, "%.*s", TOP_COLUMNS, now->trouble);
		return;
	}
	add_head(&view);
	add_fill(&view);
	add_ratio(&view);
	more = text->count;
	add_latency(&view);
	add_farm(&view);
	/* A terminal of 24 lines has room for one of the two and a blank line. */
	if (text->count - more < 2)
		row(&view, false, "%s", "");
	add_lines(&view);
	row(&view, false, "%s", "");
	add_sources(&view);
}
