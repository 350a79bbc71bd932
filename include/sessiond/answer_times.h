/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Histogram of the XDP program's answers (--xdp-histogram): the time from entering the program to a
 * finished reply to a GET. One per CPU, in a map that is not pinned: each load of the program
 * starts at zero.
 */
#ifndef SESSIOND_ANSWER_TIMES_H
#define SESSIOND_ANSWER_TIMES_H

#include <linux/types.h>

/* Upper bounds in nanoseconds; one more bucket counts what exceeds the last. */
#define SESSD_ANSWER_BOUND_COUNT 17

static const __u32 sessd_answer_bounds_ns[SESSD_ANSWER_BOUND_COUNT] = {50, 70, 100, 150, 200, 300,
	500, 700, 1000, 1500, 2000, 3000, 5000, 10000, 20000, 50000, 100000};

struct sessd_answer_times {
	__u64 counts[SESSD_ANSWER_BOUND_COUNT + 1]; /* per bucket, not cumulative */
	__u64 sum_ns;
};

#endif
