/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top_rows.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/stats/figures.h"

#define BAR 30

/* Of GETs and TAKEs: all, or those that found their session. */
static double get_requests(const struct view *view, bool rate, bool hits_only)
{
	size_t prefix = view->now->pinned ? strlen("xdp_") : 0;
	double sum = 0;

	for (unsigned i = 0; i < view->now->figure_count; i++) {
		const struct top_figure *figure = &view->now->figures[i];
		const char *name = figure->name + prefix;

		if (strncmp(figure->name, "xdp_", prefix) == 0 &&
			(figure_is_hit(name) || (!hits_only && figure_is_miss(name))))
			sum += rate ? top_rate(view->before, view->now, figure->name)
				    : (double)figure->value;
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
	top_row(view, true, "sessiond: mode %s%s   %s", mode, how, since);
}

static void add_fill(struct view *view)
{
	uint64_t sessions = top_figure(view->now, "sessions");
	uint64_t capacity = top_figure(view->now, "capacity");
	unsigned full = capacity ? (unsigned)(sessions * BAR / capacity) : 0;
	char bar[BAR + 1], share[16];

	if (capacity == 0) {
		top_row(view, false, "%.*s", TOP_COLUMNS, view->now->trouble);
		return;
	}
	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = '\0';
	top_percent(share, (double)sessions, (double)capacity);
	top_row(view, false, "sessions   [%s] %s of %" PRIu64 ": %" PRIu64, bar, share, capacity,
		sessions);
}

static void add_ratio(struct view *view)
{
	uint64_t runs = top_figure(view->now, "xdp_runs");
	uint64_t runs_before = top_figure(view->before, "xdp_runs");
	uint64_t ns = top_figure(view->now, "xdp_run_nanoseconds") -
		      top_figure(view->before, "xdp_run_nanoseconds");
	char recent[16], ever[16], latency[48] = "";

	top_percent(recent, get_requests(view, true, true), get_requests(view, true, false));
	top_percent(ever, get_requests(view, false, true), get_requests(view, false, false));
	if (runs > runs_before && view->before->figure_count)
		snprintf(latency, sizeof(latency), "   XDP program %" PRIu64 " ns a packet",
			ns / (runs - runs_before));
	top_row(view, false, "hit ratio  %s now, %s since the start%s", recent, ever, latency);
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
		top_row(view, false, "latency    daemon, us, p50 p99:%s%s", answers, inserts);
}

/* The farm of caches, if the daemon is in one. */
static void add_farm(struct view *view)
{
	uint64_t engines = top_figure(view->now, "farm_engines");
	char out[16], in[16];

	if (engines == 0)
		return;
	top_number(top_rate(view->before, view->now, "farm_published"), out);
	top_number(top_rate(view->before, view->now, "farm_received"), in);
	top_row(view, false,
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

/* Losses that match no line's pattern: those of NEWs in xdp mode, and of dpdk mode. */
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

	top_row(view, true, "%-20s %10s %10s %10s %12s", "", "per second", xdp ? "by XDP" : "",
		xdp ? "by daemon" : "", "since start");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		bool dropped = i == DROPPED;

		top_number(line_sum(view, i, all, true) + (dropped ? other_losses(view, true) : 0),
			rate);
		top_number(
			line_sum(view, i, all, false) + (dropped ? other_losses(view, false) : 0),
			total);
		strcpy(fast, "");
		strcpy(slow, "");
		if (xdp && lines[i].split) {
			top_number(line_sum(view, i, "xdp_", true), fast);
			top_number(line_sum(view, i, "slow_", true) +
					   (dropped ? other_losses(view, true) : 0),
				slow);
		}
		top_row(view, false, "%-20s %10s %10s %10s %12s", lines[i].label, rate, fast, slow,
			total);
	}
}

/* What is estimated of resumption: a hit is none. */
static void add_resumed(struct view *view)
{
	double resumed = (double)top_figure(view->now, "resumed_estimate");
	double refused = (double)top_figure(view->now, "not_resumed_estimate");
	uint64_t age = top_figure(view->now, "evicted_age_seconds");
	bool paused = top_figure(view->now, "resumption_paused");
	char share[16], evicted[48] = "";

	if (age)
		snprintf(evicted, sizeof(evicted), "   evicted at %" PRIu64 " s (median)", age);
	top_percent(share, resumed, resumed + refused);
	if (resumed + refused > 0 || age || (paused && get_requests(view, false, true) > 0))
		top_row(view, false, "resumed    %s of found sessions, %s%s", share,
			paused ? "paused" : "estimated", evicted);
}

void top_main(struct top_text *text, const struct top_view *choice, const struct top_sample *before,
	const struct top_sample *now, unsigned room)
{
	struct view view = {.text = text, .before = before, .now = now};
	unsigned more, beside;

	view.room = room < TOP_ROWS_MAX ? room : TOP_ROWS_MAX;
	text->count = 0;
	if (now->figure_count == 0) {
		top_row(&view, true, "no figures");
		top_row(&view, false, "%.*s", TOP_COLUMNS, now->trouble);
		return;
	}
	add_head(&view);
	add_fill(&view);
	add_ratio(&view);
	more = text->count;
	add_resumed(&view);
	add_latency(&view);
	add_farm(&view);
	more = text->count - more;
	/* A terminal of 24 lines has room for two of the three and a blank line. */
	if (more < 2)
		top_row(&view, false, "%s", "");
	beside = text->count;
	add_lines(&view);
	if (more < 3)
		top_row(&view, false, "%s", "");
	if (choice->columns >= TOP_WIDE)
		top_drops_beside(&view, choice, beside);
	beside = text->count;
	top_sources(&view, choice);
	/* There may be more contexts than sources. */
	while (choice->columns >= TOP_WIDEST && text->count < view.room &&
		text->count < beside + 1 + now->context_count)
		top_row(&view, false, "%s", "");
	if (choice->columns >= TOP_WIDEST)
		top_contexts_beside(&view, choice, beside);
}
