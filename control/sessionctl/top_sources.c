/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessionctl/top_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct source_rate {
	const struct top_source *source;
	double gets, news, removes, all, hits;
};

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
};

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
	rate->hits = now->hits < (was ? was->hits : 0)
			     ? 0
			     : (double)(now->hits - (was ? was->hits : 0)) / seconds;
	rate->all = rate->gets + rate->news + rate->removes;
}

void top_sources(struct view *view, const struct top_view *choice)
{
	struct source_rate rates[TOP_SOURCES_MAX] = {0};
	unsigned count = view->now->source_count;
	char get[16], new[16], removal[16], share[16], hits[16];
	double sum = 0;

	top_row(view, true, "%-39s %7s %7s %6s %8s %7s", sorts[choice->sort].heading, "GET/s",
		"hits", "NEW/s", "REMOVE/s", "share");
	if (view->now->no_sources[0])
		top_row(view, false, "%.*s", TOP_COLUMNS, view->now->no_sources);
	for (unsigned i = 0; i < count; i++) {
		rates[i].source = &view->now->sources[i];
		rate_of(view, &rates[i]);
		sum += rates[i].all;
	}
	qsort(rates, count, sizeof(rates[0]), sorts[choice->sort].compare);
	for (unsigned i = choice->scroll; i < count; i++) {
		const char *address = rates[i].source->address;

		top_percent(share, rates[i].all, sum);
		top_percent(hits, rates[i].hits < rates[i].gets ? rates[i].hits : rates[i].gets,
			rates[i].gets);
		top_row(view, false, "%-39s %7s %7s %6s %8s %7s", address,
			top_number(rates[i].gets, get), hits, top_number(rates[i].news, new),
			top_number(rates[i].removes, removal), share);
	}
}
