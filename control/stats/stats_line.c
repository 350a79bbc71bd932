/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/stats_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/stats/figures.h"

enum sum {
	SESSIONS,
	CAPACITY,
	HITS,
	MISSES,
	NEWS,
	REMOVES,
	EXPIRED,
	EVICTED,
	DROPPED,
	UPTIME,
	ENGINES,
	ENGINES_UP,
	CACHES,
	LAG,
	GAPS,
	UNPUBLISHED,
	REFUSED,
	SUMS
};

/* The figures added up for each; a name that ends in '*' is a prefix. */
static const struct {
	const char *name;
	enum sum sum;
} parts[] = {
	{"sessions", SESSIONS},
	{"capacity", CAPACITY},
	{"new_*", NEWS},
	{"remove_*", REMOVES},
	{"sessions_expired", EXPIRED},
	{"sessions_evicted", EVICTED},
	{"uptime_seconds", UPTIME},
	{"farm_engines", ENGINES},
	{"farm_engines_up", ENGINES_UP},
	{"farm_caches_alive", CACHES},
	{"farm_lag_ms", LAG},
	{"farm_gaps", GAPS},
	{"farm_drop_*", UNPUBLISHED},
	{"farm_refused_*", REFUSED},
};

static void add(void *ctx, const char *name, uint64_t value)
{
	uint64_t *sums = ctx;

	if (figure_is_loss(name))
		sums[DROPPED] += value;
	/* TAKEs are GETs here. */
	sums[HITS] += figure_is_hit(name) ? value : 0;
	sums[MISSES] += figure_is_miss(name) ? value : 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i].name);

		if (parts[i].name[len - 1] == '*' ? strncmp(name, parts[i].name, len - 1) == 0
						  : strcmp(name, parts[i].name) == 0)
			sums[parts[i].sum] += value;
	}
}

char *stats_line(void (*stats)(void *ctx, stats_emit emit, void *emit_ctx), void *ctx,
	char line[STATS_LINE_SIZE])
{
	uint64_t sums[SUMS] = {0};
	int len;

	stats(ctx, add, sums);
	len = snprintf(line, STATS_LINE_SIZE,
		"%" PRIu64 " of %" PRIu64 " sessions, %" PRIu64 " GETs, %" PRIu64 " hits, %" PRIu64
		" misses, %" PRIu64 " NEWs, %" PRIu64 " REMOVEs, %" PRIu64 " expired, %" PRIu64
		" evicted, %" PRIu64 " dropped, up %" PRIu64 " seconds",
		sums[SESSIONS], sums[CAPACITY], sums[HITS] + sums[MISSES], sums[HITS], sums[MISSES],
		sums[NEWS], sums[REMOVES], sums[EXPIRED], sums[EVICTED], sums[DROPPED],
		sums[UPTIME]);
	if (sums[ENGINES] > 0 && len > 0 && len < STATS_LINE_SIZE)
		snprintf(line + len, STATS_LINE_SIZE - (size_t)len,
			", farm: %" PRIu64 " of %" PRIu64 " engines, %" PRIu64
			" other caches, lag %" PRIu64 " ms, %" PRIu64 " gaps, %" PRIu64
			" not published, %" PRIu64 " refused",
			sums[ENGINES_UP], sums[ENGINES], sums[CACHES], sums[LAG], sums[GAPS],
			sums[UNPUBLISHED], sums[REFUSED]);
	return line;
}
