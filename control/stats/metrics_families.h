/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How names of `stats` map to Prometheus metrics, and the metrics that are made of something else.
 */
#ifndef SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H
#define SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

#include "control/stats/figures.h"

struct metrics_family {
	const char *pattern; /* a name, or a prefix of names and a '*' */
	const char *name;    /* counters end in _total */
	const char *label;   /* the label whose value is the rest of the name */
	bool path;	     /* several paths count it */
	const char *help;    /* NULL: the help of its only figure */
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_family_count;

/* Prefix of the names that count a path's share of a figure, and the path's name. Ends with an
 * empty row. */
extern const char *const metrics_paths[][2];

/* Metrics that no figure makes. */
enum metrics_made {
	METRIC_BUILD_INFO,
	METRIC_CONTEXT_SESSIONS,
	METRIC_CONTEXT_STORED,
	METRIC_CONTEXT_USED,
	METRIC_SOURCE_SESSIONS,
	METRIC_SOURCE_STORED,
	METRIC_SOURCE_USED,
	METRIC_XDP_RUN,
	METRIC_ANSWER,
	METRIC_INSERT,
	METRIC_XDP_ANSWER,
	METRIC_PROCESS_CPU,
	METRIC_PROCESS_RESIDENT,
	METRIC_PROCESS_VIRTUAL,
	METRIC_PROCESS_FDS,
	METRIC_PROCESS_MAX_FDS,
	METRIC_PROCESS_START,
	METRICS_MADE
};

struct metrics_made_row {
	const char *name, *type;
	const char *labels; /* separated by blanks */
	unsigned modes;	    /* that export it: of enum figure_modes */
	const char *only;   /* with this option only; or NULL */
	const char *help;
};

extern const struct metrics_made_row metrics_made_rows[METRICS_MADE];

/* The metric that a figure belongs to. */
struct metrics_place {
	const struct figure *figure; /* its row, or the row of its sum; NULL: none */
	char name[96];		     /* of the metric */
	bool counter;		     /* else a gauge; a counter's name ends in _total */
	const char *help;	     /* NULL: the help of the figure */
	const char *path;	     /* the path that counts it; NULL: there is only one */
	char label[16];		     /* "": none */
	const char *value;	     /* the label's: value_len bytes in the figure's name */
	int value_len;
};

/* `mode_path` is the path of the daemon's mode (struct engine_mode): figures without a path's
 * prefix belong to it. */
struct metrics_place metrics_place_of(const char *name, const char *mode_path);

#endif
