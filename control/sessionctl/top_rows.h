/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Rows of `sessionctl top`, and its parts: shared by its files.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_TOP_ROWS_H
#define SESSIOND_CONTROL_SESSIONCTL_TOP_ROWS_H

#include "control/sessionctl/top.h"

struct view {
	struct top_text *text;
	const struct top_sample *before, *now;
	unsigned room;
};

/* Appends a row, if there is room. */
__attribute__((format(printf, 3, 4))) void top_row(
	struct view *view, bool heading, const char *format, ...);
/* Puts text beside a row, from a column on. */
void top_beside(struct view *view, unsigned row, unsigned column, const char *text);
/* Six characters: 0, 0.3, 12, 4567, 123.4k, 1.23M. Returns `out`. */
const char *top_number(double number, char out[16]);
/* "12.3 %", or "-" of nothing. */
void top_percent(char out[16], double part, double whole);

/* top_text.c: the main page. */
void top_main(struct top_text *text, const struct top_view *choice, const struct top_sample *before,
	const struct top_sample *now, unsigned room);
/* Per second; estimates. */
struct source_rate {
	const struct top_source *source;
	double gets, news, removes, all, hits, drops;
	double elsewhere, home;
};

/* top_sources.c: growth per second, 0 if unknown; the same for all that a source counts. */
double top_per_second(
	const struct top_sample *before, const struct top_sample *now, uint64_t was, uint64_t is);
struct source_rate top_source_rate(const struct top_sample *before, const struct top_sample *now,
	const struct top_source *source);
/* top_sources.c: the sources, in their order; a page of what became of their sessions. */
void top_sources(struct view *view, const struct top_view *choice);
void top_makers(struct view *view, const struct top_view *choice);
/* top_drops.c: a page of what was dropped or refused, and why; the same beside the rows from `row`
 * on. */
void top_drops(struct view *view, const struct top_view *choice);
void top_drops_beside(struct view *view, const struct top_view *choice, unsigned row);
/* top_contexts.c: the same of the sessions by context. */
void top_contexts(struct view *view, const struct top_view *choice);
void top_contexts_beside(struct view *view, const struct top_view *choice, unsigned row);

#endif
