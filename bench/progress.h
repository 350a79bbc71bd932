/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Prints a line per second on stderr.
 */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include "bench/result.h"

struct progress;

/* Preloading: `*done` of `total`. Returns NULL, and prints nothing, if no thread can be created. */
struct progress *progress_preload(const uint64_t *done, uint64_t total);
/* Running: the sums of these counters. */
struct progress *progress_run(const struct bench_result *results, unsigned count);
/* NULL is allowed. */
void progress_stop(struct progress *progress);

#endif
