/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Before a run, stores sessions until all can be read back. After a run, requests sessions to see
 * which NEWs and REMOVEs took effect.
 */
#ifndef BENCH_PRELOAD_H
#define BENCH_PRELOAD_H

#include "bench/options.h"
#include "bench/result.h"

/* Stores sessions 0 to options->sessions - 1 and verifies each. `*done` counts the progress. 0, or
 * a negative errno with error_message() set; -EBADMSG for a wrong reply, which is also counted. */
int preload_store(const struct bench_options *options, struct bench_counters *counters,
	uint64_t *done, const volatile int *stop);

/* Requests each of `count` sessions and counts those stored. Returns as above. */
int preload_ask(const struct bench_options *options, const uint64_t *numbers, unsigned count,
	struct bench_counters *counters, uint64_t *there);

#endif
