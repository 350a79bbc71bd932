/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Zipf-distributed ranks by rejection-inversion (Hoermann and Derflinger, 1996): exact, with
 * constant time and memory for any number of elements.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include <stdint.h>

struct zipf {
	uint64_t n;
	double exponent;
	double low, high; /* integral of the density, from the first to the last element */
	double shortcut;
};

/* A splitmix64 step: 64 random bits. */
uint64_t random_next(uint64_t *state);

void zipf_init(struct zipf *zipf, uint64_t n, double exponent);
/* A rank from 0 (the most likely) to n - 1. */
uint64_t zipf_next(const struct zipf *zipf, uint64_t *random_state);

#endif
