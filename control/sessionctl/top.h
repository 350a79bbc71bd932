/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What `sessionctl top` shows: two samples of the daemon's figures made into lines of text. Where
 * the lines go is top.c's.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_TOP_H
#define SESSIOND_CONTROL_SESSIONCTL_TOP_H

#include <stdbool.h>
#include <stdint.h>

#define TOP_FIGURES_MAX 256
#define TOP_SOURCES_MAX 64

/* Columns of a line, at most, and lines without sources. With TOP_SOURCES_LEAST of these it all
 * fits a terminal of 80 by 24. */
#define TOP_COLUMNS	  80
#define TOP_SOURCES_LEAST 4
#define TOP_ROWS_MAX	  96

struct top_figure {
	char name[48];
	uint64_t value;
};

struct top_source {
	char address[56];
	uint64_t gets, news, removes;
};

/* One look at the daemon; all zero before it. */
struct top_sample {
	uint64_t at; /* milliseconds of any clock that only goes on */
	unsigned figure_count, source_count;
	bool pinned;	      /* the daemon is gone, these are the XDP program's */
	char trouble[160];    /* why there is nothing, or less; "" if there is all */
	char no_sources[160]; /* why no sources are known; "" if they are */
	struct top_figure figures[TOP_FIGURES_MAX];
	struct top_source sources[TOP_SOURCES_MAX];
};

/* Adds a figure; stats_emit's form. What is too much is left out. */
void top_add_figure(void *ctx, const char *name, uint64_t value);
/* Adds a line of the reply to `talkers`; false if it is none. */
bool top_add_source(struct top_sample *sample, const char *line);

/* A figure, 0 if there is none of the name. */
uint64_t top_figure(const struct top_sample *sample, const char *name);
/* How much it grew a second; 0 where that cannot be said: no time has passed, or the daemon has
 * been started anew. */
double top_rate(const struct top_sample *before, const struct top_sample *now, const char *name);

struct top_text {
	unsigned count;
	char rows[TOP_ROWS_MAX][TOP_COLUMNS + 1];
	bool heading[TOP_ROWS_MAX]; /* to be made to stand out */
};

/* `room` lines at the most: of the sources as many as fit. */
void top_text(struct top_text *text, const struct top_sample *before, const struct top_sample *now,
	unsigned room);

#endif
