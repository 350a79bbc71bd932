/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The text of `sessionctl top`: lines made from two samples of the daemon's figures. top.c prints
 * them.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_TOP_H
#define SESSIOND_CONTROL_SESSIONCTL_TOP_H

#include <stdbool.h>
#include <stdint.h>

#define TOP_FIGURES_MAX 1024
#define TOP_SOURCES_MAX 64

/* Maximum columns of a line, and lines without sources. With TOP_SOURCES_LEAST sources everything
 * fits a terminal of 80 by 24. */
#define TOP_COLUMNS 80
/* With so many columns, the reasons of drops stand beside the rest, and each source's sessions in
 * its row; with so many more, contexts beside the sources. */
#define TOP_WIDE	  120
#define TOP_WIDEST	  160
#define TOP_COLUMNS_MAX	  200
#define TOP_SOURCES_LEAST 4
#define TOP_ROWS_MAX	  96

struct top_figure {
	char name[48];
	uint64_t value;
};

/* What a source sends, of the reply to `talkers`, and what became of the sessions that it stored,
 * of the reply to `sources`. */
struct top_source {
	char address[56]; /* "-": not known */
	uint64_t gets, news, removes, hits, drops;
	uint64_t sessions, stored, used, elsewhere, home;
};

/* A line of the reply to `contexts`. */
struct top_context {
	char context[68], tls[8];
	uint64_t sessions, stored, used;
};

#define TOP_CONTEXTS_MAX 128

/* One sample of the daemon; zero-initialise it. */
struct top_sample {
	uint64_t at; /* milliseconds of any monotonic clock */
	unsigned figure_count, source_count;
	bool pinned;	   /* the daemon is not running: the figures are the pinned XDP program's */
	char trouble[160]; /* why figures are missing; "" if complete */
	char no_sources[160]; /* why sources are missing; "" if known */
	struct top_figure figures[TOP_FIGURES_MAX];
	struct top_source sources[TOP_SOURCES_MAX];
	unsigned context_count;
	struct top_context contexts[TOP_CONTEXTS_MAX];
};

/* Adds a figure, as a stats_emit. Ignored if the sample is full. */
void top_add_figure(void *ctx, const char *name, uint64_t value);
/* Adds a line of the reply to `talkers`; false if malformed. */
bool top_add_source(struct top_sample *sample, const char *line);
/* Then, the same for `sources`. */
bool top_add_maker(struct top_sample *sample, const char *line);

/* The same for `contexts`. */
bool top_add_context(struct top_sample *sample, const char *line);

/* A figure by name, 0 if there is none. */
uint64_t top_figure(const struct top_sample *sample, const char *name);
/* Its growth per second; 0 if unknown: no time has passed, or the daemon was restarted. */
double top_rate(const struct top_sample *before, const struct top_sample *now, const char *name);

struct top_text {
	unsigned count;
	char rows[TOP_ROWS_MAX][TOP_COLUMNS_MAX + 1];
	bool heading[TOP_ROWS_MAX]; /* print it highlighted */
};

enum top_page {
	TOP_MAIN,
	TOP_DROPS,
	TOP_CONTEXTS,
	TOP_MAKERS,
	TOP_HELP,
};

enum top_sort {
	TOP_BY_ALL,
	TOP_BY_GETS,
	TOP_BY_NEWS,
	TOP_BY_REMOVES,
	TOP_BY_MISSES, /* lowest hit ratio first */
	TOP_BY_ADDRESS,
	TOP_BY_DROPS,
};

/* What the user chose; zero-initialised it is what top_text shows. */
struct top_view {
	unsigned columns; /* 0: TOP_COLUMNS */
	enum top_page page;
	enum top_sort sort;
	unsigned scroll; /* sources, or rows of the other pages, that are passed over */
};

/* A key that was pressed. False if it means nothing here. */
bool top_key(struct top_view *view, int key);

/* At most `room` lines. */
void top_show(struct top_text *text, const struct top_view *view, const struct top_sample *before,
	const struct top_sample *now, unsigned room);

/* Prints both as one JSON object: figures, and what grew per second. 0, or -ENOMEM with
 * error_message() set. */
int top_json(const struct top_sample *before, const struct top_sample *now);

/* At most `room` lines, with as many sources as fit. */
void top_text(struct top_text *text, const struct top_sample *before, const struct top_sample *now,
	unsigned room);

#endif
