/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The histogram that the XDP program keeps, where it is asked to (--xdp-histogram): how long it had
 * a GET until its answer was ready to be sent. One on each CPU, in a map that is not pinned: each
 * program begins its own.
 */
#ifndef SESSIOND_ANSWER_TIMES_H
#define SESSIOND_ANSWER_TIMES_H

#include <linux/types.h>

/* Upper bounds in nanoseconds; one more bucket takes what is over the last. */
#define SESSD_ANSWER_BOUND_COUNT 17

static const __u32 sessd_answer_bounds_ns[SESSD_ANSWER_BOUND_COUNT] = {50, 70, 100, 150, 200, 300,
	500, 700, 1000, 1500, 2000, 3000, 5000, 10000, 20000, 50000, 100000};

struct sessd_answer_times {
	__u64 counts[SESSD_ANSWER_BOUND_COUNT + 1]; /* of this bucket alone */
	__u64 sum_ns;
};

#endif
