/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#include "common/clock.h"

/* Counts one request in this many: every request at a low rate, where each one matters, and fewer
 * at a high rate, so that the fast path is not slowed. Counting starts with FEW. */
#define EVERY	  1
#define SOME	  16
#define FEW	  256
#define SOME_RATE 10000	 /* requests per second from which SOME is used */
#define FEW_RATE  200000 /* the same for FEW */

/* Sources of the fast path and of the daemon, one after the other: more than both keep. */
#define SOURCES_MAX 4096

struct list {
	unsigned count;
	struct talker talkers[SOURCES_MAX];
};

static void keep(void *ctx, const struct talker *talker)
{
	struct list *list = ctx;

	if (list->count < SOURCES_MAX)
		list->talkers[list->count++] = *talker;
}

static int by_source(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct address));
}

/* Merges the two counts of a source that both have. */
static void merge(struct list *list)
{
	struct talker *last = NULL;

	qsort(list->talkers, list->count, sizeof(list->talkers[0]), by_source);
	for (unsigned i = 0; i < list->count; i++) {
		const struct talker *talker = &list->talkers[i];

		if (!last || by_source(last, talker) != 0) {
			last = last ? last + 1 : list->talkers;
			*last = *talker;
			continue;
		}
		last->gets += talker->gets;
		last->news += talker->news;
		last->removes += talker->removes;
		last->hits += talker->hits;
		last->drops += talker->drops;
	}
	list->count = last ? (unsigned)(last + 1 - list->talkers) : 0;
}

static uint64_t sent(const struct talker *talker)
{
	return talker->gets + talker->news + talker->removes + talker->drops;
}

static int most_first(const void *a, const void *b)
{
	uint64_t left = sent(a), right = sent(b);

	return left < right ? 1 : left > right ? -1 : by_source(a, b);
}

int watch_talkers(struct watch *watch, const struct engine_ops *ops, struct engine *engine,
	uint64_t now, struct talker *talkers, unsigned room)
{
	static struct list list;

	if (!ops->watch || !ops->talkers)
		return error_set(ENOTSUP, "mode %s keeps no counts by source", ops->name);
	watch->until = now + clock_ticks(WATCH_SECONDS);
	if (watch->one_in == 0) {
		watch->one_in = FEW;
		watch->total = 0;
		ops->watch(engine, watch->one_in);
	}
	list.count = 0;
	ops->talkers(engine, keep, &list);
	merge(&list);
	qsort(list.talkers, list.count, sizeof(list.talkers[0]), most_first);
	if (room > list.count)
		room = list.count;
	memcpy(talkers, list.talkers, room * sizeof(talkers[0]));
	return (int)room;
}

static void add_up(void *ctx, const struct talker *talker)
{
	uint64_t *total = ctx;

	*total += sent(talker);
}

void watch_second(
	struct watch *watch, const struct engine_ops *ops, struct engine *engine, uint64_t now)
{
	uint64_t total = 0, rate;
	unsigned one_in;

	if (watch->one_in == 0)
		return;
	if (now >= watch->until) {
		watch->one_in = 0;
		ops->watch(engine, 0);
		return;
	}
	ops->talkers(engine, add_up, &total);
	/* The total shrinks when sources were discarded to make room for others. */
	rate = total > watch->total ? total - watch->total : 0;
	watch->total = total;
	one_in = rate >= FEW_RATE ? FEW : rate >= SOME_RATE ? SOME : EVERY;
	if (one_in != watch->one_in)
		ops->watch(engine, one_in);
	watch->one_in = one_in;
}
