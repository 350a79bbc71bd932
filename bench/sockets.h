/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The load engine with threads and sockets.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#include "bench/options.h"
#include "bench/result.h"

/* Runs the workload. `results` has an element per thread; their counters may be read meanwhile.
 * Ends early when `*stop` becomes non-zero. 0, or a negative errno with error_message() set. */
int sockets_run(const struct bench_options *options, struct bench_result *results, uint64_t *news,
	const volatile int *stop);

#endif
