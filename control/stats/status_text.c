/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/status_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "control/stats/figures.h"

enum sum {
	SESSIONS,
	CAPACITY,
	HITS,
	MISSES,
	GENERIC,
	DETACHED,
	RELOAD_OK,
	READY,
	WARM_UP,
	ENGINES,
	ENGINES_UP,
	SUMS
};

static const struct {
	const char *name;
	enum sum sum;
} parts[] = {
	{"sessions", SESSIONS},
	{"capacity", CAPACITY},
	{"xdp_interfaces_generic", GENERIC},
	{"xdp_interfaces_detached", DETACHED},
	{"reload_ok", RELOAD_OK},
	{"farm_ready", READY},
	{"farm_warm_up_percent", WARM_UP},
	{"farm_engines", ENGINES},
	{"farm_engines_up", ENGINES_UP},
};

static void add(void *ctx, const char *name, uint64_t value)
{
	uint64_t *sums = ctx;

	sums[HITS] += figure_is_hit(name) ? value : 0;
	sums[MISSES] += figure_is_miss(name) ? value : 0;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(name, parts[i].name) == 0)
			sums[parts[i].sum] += value;
}

struct line {
	char *text;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void append(struct line *line, const char *format, ...)
{
	va_list args;
	int n;

	if (line->used >= STATUS_TEXT)
		return;
	va_start(args, format);
	n = vsnprintf(line->text + line->used, STATUS_TEXT - line->used, format, args);
	va_end(args);
	line->used += n > 0 ? (size_t)n : 0;
}

char *status_text(const char *mode, bool fallback,
	void (*stats)(void *ctx, stats_emit emit, void *emit_ctx), void *ctx,
	struct status_last *last, char text[STATUS_TEXT])
{
	uint64_t sums[SUMS] = {0}, hits, gets;
	struct line line = {.text = text};

	stats(ctx, add, sums);
	hits = sums[HITS] - last->hits;
	gets = hits + sums[MISSES] - last->misses;
	*last = (struct status_last){sums[HITS], sums[MISSES]};
	append(&line, "%s: %" PRIu64 " of %" PRIu64 " sessions, ", mode, sums[SESSIONS],
		sums[CAPACITY]);
	if (gets > 0)
		append(&line, "%" PRIu64 " %% of %" PRIu64 " GETs found", 100 * hits / gets, gets);
	else
		append(&line, "no GETs");
	if (sums[ENGINES] > 0 && !sums[READY])
		append(&line, "; warming up, %" PRIu64 " %%", sums[WARM_UP]);
	if (fallback)
		append(&line, "; degraded: no XDP");
	if (sums[DETACHED] > 0)
		append(&line, "; degraded: XDP detached from %" PRIu64 " of its interfaces",
			sums[DETACHED]);
	if (sums[GENERIC] > 0)
		append(&line, "; degraded: generic XDP on %" PRIu64 " of its interfaces",
			sums[GENERIC]);
	if (sums[ENGINES_UP] < sums[ENGINES])
		append(&line, "; degraded: %" PRIu64 " of %" PRIu64 " engines answer",
			sums[ENGINES_UP], sums[ENGINES]);
	if (!sums[RELOAD_OK])
		append(&line, "; the last reload failed");
	return text;
}
