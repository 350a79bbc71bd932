/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A histogram of durations with a bounded relative error, like HdrHistogram: every power of two is
 * split into the same number of linear steps. One thread records.
 */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 7  /* 128 steps per power of two: error below 0.8 % */
#define HISTOGRAM_TOP_BITS  40 /* up to 2^40 ns (18 minutes); longer ones count as 2^40 */
#define HISTOGRAM_CELLS	    ((HISTOGRAM_TOP_BITS - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
	uint64_t count;
	uint64_t max;
	uint64_t cells[HISTOGRAM_CELLS];
};

void histogram_record(struct histogram *histogram, uint64_t ns);
/* Adds `from` to `into`. */
void histogram_add(struct histogram *into, const struct histogram *from);
/* The value in ns that a share of `percent` (0 to 100) does not exceed: the upper bound of its
 * cell, but never more than the maximum. 0 if nothing was recorded. */
uint64_t histogram_percentile(const struct histogram *histogram, double percent);

#endif
