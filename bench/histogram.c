/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/histogram.h"

#define STEPS (1U << HISTOGRAM_STEP_BITS)

/* Values below 2 * STEPS have a cell each; above, the step doubles with each power of two. */
static unsigned cell_of(uint64_t ns)
{
	unsigned shift;

	if (ns >> HISTOGRAM_TOP_BITS)
		ns = (1ULL << HISTOGRAM_TOP_BITS) - 1;
	if (ns < STEPS)
		return (unsigned)ns;
	shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
	return (shift << HISTOGRAM_STEP_BITS) + (unsigned)(ns >> shift);
}

static uint64_t cell_end(unsigned cell)
{
	unsigned shift = cell < 2 * STEPS ? 0 : (cell >> HISTOGRAM_STEP_BITS) - 1;
	uint64_t step = cell - ((uint64_t)shift << HISTOGRAM_STEP_BITS);

	return ((step + 1) << shift) - 1;
}

void histogram_record(struct histogram *histogram, uint64_t ns)
{
	histogram->cells[cell_of(ns)]++;
	histogram->count++;
	if (ns > histogram->max)
		histogram->max = ns;
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
	for (unsigned i = 0; i < HISTOGRAM_CELLS; i++)
		into->cells[i] += from->cells[i];
	into->count += from->count;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t histogram_percentile(const struct histogram *histogram, double percent)
{
	double wanted = percent / 100 * (double)histogram->count;
	uint64_t seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_CELLS; i++) {
		seen += histogram->cells[i];
		if (seen > 0 && (double)seen >= wanted)
			return cell_end(i) < histogram->max ? cell_end(i) : histogram->max;
	}
	return histogram->max;
}
