/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the names of `stats` become on the page for Prometheus.
 */
#ifndef SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H
#define SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

#include "control/stats/figures.h"

struct metrics_family {
	const char *pattern; /* a name, or what names begin with and a '*' */
	const char *name;    /* of counters it ends in _total */
	const char *label;   /* what the rest of the name is the value of */
	bool path;	     /* it is counted by several parts */
	const char *help;    /* NULL: its only figure's */
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_family_count;

/* What the names begin with that count a part's share of a figure, and that part's name. Ends with
 * an empty one. */
extern const char *const metrics_paths[][2];

/* Where a figure belongs. */
struct metrics_place {
	const struct figure *figure; /* its row, or that of the sum it is a part of; NULL: none */
	char name[96];		     /* of the metric */
	bool counter;		     /* else a gauge; the name then ends in _total */
	const char *help;	     /* NULL: the figure's */
	const char *path;	     /* which part counts it; NULL: only one does */
	char label[16];		     /* "": none */
	const char *value;	     /* the label's: value_len bytes in the figure's name */
	int value_len;
};

/* `mode_path` is the path of the daemon's mode (struct engine_mode), which counts what has no
 * path's name. */
struct metrics_place metrics_place_of(const char *name, const char *mode_path);

#endif
