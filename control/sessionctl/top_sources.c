/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int larger(double left, double right)
{
	return left < right ? 1 : left > right ? -1 : 0;
}

static int most_first(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->all, right->all);
}

static int most_gets(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->gets, right->gets);
}

static int most_news(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->news, right->news);
}

static int most_removes(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->removes, right->removes);
}

static int most_drops(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->drops, right->drops);
}

/* Sources without GETs last. */
static int most_misses(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return larger(left->gets > 0 ? 1 - left->hits / left->gets : -1,
		right->gets > 0 ? 1 - right->hits / right->gets : -1);
}

static int by_address(const void *a, const void *b)
{
	const struct source_rate *left = a, *right = b;

	return strcmp(left->source->address, right->source->address);
}

static const struct {
	int (*compare)(const void *a, const void *b);
	const char *heading;
} sorts[] = {
	[TOP_BY_ALL] = {most_first, "sources that send most, by samples"},
	[TOP_BY_GETS] = {most_gets, "sources by GETs, by samples"},
	[TOP_BY_NEWS] = {most_news, "sources by NEWs, by samples"},
	[TOP_BY_REMOVES] = {most_removes, "sources by REMOVEs, by samples"},
	[TOP_BY_MISSES] = {most_misses, "sources by misses, by samples"},
	[TOP_BY_ADDRESS] = {by_address, "sources by address, by samples"},
	[TOP_BY_DROPS] = {most_drops, "sources by drops, by samples"},
};

double top_per_second(
	const struct top_sample *before, const struct top_sample *now, uint64_t was, uint64_t is)
{
	if (before->figure_count == 0 || now->at <= before->at || is < was)
		return 0;
	return (double)(is - was) * 1000 / (double)(now->at - before->at);
}

struct source_rate top_source_rate(const struct top_sample *before, const struct top_sample *now,
	const struct top_source *source)
{
	struct top_source was = {0};
	struct source_rate rate = {.source = source};

	for (unsigned i = 0; i < before->source_count; i++)
		if (strcmp(before->sources[i].address, source->address) == 0)
			was = before->sources[i];
	rate.gets = top_per_second(before, now, was.gets, source->gets);
	rate.news = top_per_second(before, now, was.news, source->news);
	rate.removes = top_per_second(before, now, was.removes, source->removes);
	rate.hits = top_per_second(before, now, was.hits, source->hits);
	rate.drops = top_per_second(before, now, was.drops, source->drops);
	rate.elsewhere = top_per_second(before, now, was.elsewhere, source->elsewhere);
	rate.home = top_per_second(before, now, was.home, source->home);
	rate.all = rate.gets + rate.news + rate.removes;
	return rate;
}

#define MAKER_HEADING "%8s %7s %9s %5s %6s", "sessions", "used", "elsewhere", "home", "drop/s"

/* What became of its sessions: 39 columns. */
static void maker_text(char text[64], const struct source_rate *rate)
{
	char sessions[16], used[16], elsewhere[16], home[16], drops[16];

	top_percent(used, (double)rate->source->used, (double)rate->source->stored);
	snprintf(text, 64, "%8s %7s %9s %5s %6s",
		top_number((double)rate->source->sessions, sessions), used,
		top_number(rate->elsewhere, elsewhere), top_number(rate->home, home),
		top_number(rate->drops, drops));
}

static unsigned sorted_rates(const struct view *view, const struct top_view *choice,
	struct source_rate rates[TOP_SOURCES_MAX], double *sum)
{
	unsigned count = view->now->source_count;

	*sum = 0;
	for (unsigned i = 0; i < count; i++) {
		rates[i] = top_source_rate(view->before, view->now, &view->now->sources[i]);
		*sum += rates[i].all;
	}
	qsort(rates, count, sizeof(rates[0]), sorts[choice->sort].compare);
	return count;
}

void top_sources(struct view *view, const struct top_view *choice)
{
	struct source_rate rates[TOP_SOURCES_MAX] = {0};
	char get[16], new[16], removal[16], share[16], hits[16], maker[64] = "";
	bool wide = choice->columns >= TOP_WIDE;
	bool drops = !wide && choice->sort == TOP_BY_DROPS; /* what they are sorted by is shown */
	unsigned count;
	double sum;

	if (wide)
		snprintf(maker, sizeof(maker), MAKER_HEADING);
	top_row(view, true, "%-39s %7s %7s %6s %8s %7s %s", sorts[choice->sort].heading, "GET/s",
		"hits", "NEW/s", "REMOVE/s", drops ? "drop/s" : "share", maker);
	if (view->now->no_sources[0])
		top_row(view, false, "%.*s", TOP_COLUMNS, view->now->no_sources);
	count = sorted_rates(view, choice, rates, &sum);
	for (unsigned i = choice->scroll; i < count; i++) {
		if (drops)
			top_number(rates[i].drops, share);
		else
			top_percent(share, rates[i].all, sum);
		top_percent(hits, rates[i].hits < rates[i].gets ? rates[i].hits : rates[i].gets,
			rates[i].gets);
		if (wide)
			maker_text(maker, &rates[i]);
		top_row(view, false, "%-39s %7s %7s %6s %8s %7s %s", rates[i].source->address,
			top_number(rates[i].gets, get), hits, top_number(rates[i].news, new),
			top_number(rates[i].removes, removal), share, maker);
	}
}

void top_makers(struct view *view, const struct top_view *choice)
{
	struct source_rate rates[TOP_SOURCES_MAX] = {0};
	char maker[64];
	unsigned count;
	double sum;

	snprintf(maker, sizeof(maker), MAKER_HEADING);
	top_row(view, true, "%-39s %s", "sources: what became of their sessions", maker);
	count = sorted_rates(view, choice, rates, &sum);
	for (unsigned i = choice->scroll; i < count; i++) {
		maker_text(maker, &rates[i]);
		top_row(view, false, "%-39s %s", rates[i].source->address, maker);
	}
}
