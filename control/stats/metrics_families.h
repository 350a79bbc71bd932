/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the names of `stats` become on the page for Prometheus.
 */
#ifndef SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H
#define SESSIOND_CONTROL_STATS_METRICS_FAMILIES_H

#include <stdbool.h>
#include <stddef.h>

enum metrics_type {
	METRICS_GAUGE,
	METRICS_COUNTER, /* the family's name ends in _total */
};

struct metrics_family {
	/* A name, or what names begin with, a '*' then, or one with a '#' for a number in it. */
	const char *pattern;
	enum metrics_type type;
	const char *name;
	const char *label; /* what the rest of the name, or the number, is the value of */
	bool path;	   /* it is counted by several parts */
	const char *help;
};

extern const struct metrics_family metrics_families[];
extern const size_t metrics_family_count;

/* What the names begin with that count a part's share of a figure, and that part's name. Ends with
 * an empty one. */
extern const char *const metrics_paths[][2];

/* Where a figure belongs. */
struct metrics_place {
	const struct metrics_family *family; /* NULL: none knows it */
	const char *path;		     /* which part counts it; NULL for families without */
	const char *label;		     /* the label's value, not terminated, and its length */
	int label_len;
};

/* `mode_path` is the path of the daemon's mode (struct engine_mode), which counts what has no
 * path's name. */
struct metrics_place metrics_place_of(const char *name, const char *mode_path);

#endif
