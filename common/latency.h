/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A histogram of times: written by one thread, read by any (relaxed atomics).
 */
#ifndef SESSIOND_COMMON_LATENCY_H
#define SESSIOND_COMMON_LATENCY_H

#include <stdint.h>
#include <time.h>

/* Upper bounds in microseconds; one more bucket counts what exceeds the last. A GET's answer has
 * little value after 1 ms, and none after 8. */
#define LATENCY_BOUND_COUNT 14

static const uint32_t latency_bounds_us[LATENCY_BOUND_COUNT] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000};

struct latency {
	uint64_t counts[LATENCY_BOUND_COUNT + 1]; /* per bucket, not cumulative */
	uint64_t sum_ns;
};

static inline uint64_t latency_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

/* Adds `n` events of `ns` nanoseconds each. Only the thread that owns the histogram. */
static inline void latency_add(struct latency *latency, uint64_t ns, uint64_t n)
{
	unsigned i = 0;

	while (i < LATENCY_BOUND_COUNT && ns > (uint64_t)latency_bounds_us[i] * 1000)
		i++;
	__atomic_store_n(&latency->counts[i], latency->counts[i] + n, __ATOMIC_RELAXED);
	__atomic_store_n(&latency->sum_ns, latency->sum_ns + ns * n, __ATOMIC_RELAXED);
}

/* Adds `from` to `into`, which belongs to the caller. Any thread. */
static inline void latency_sum(struct latency *into, const struct latency *from)
{
	for (unsigned i = 0; i <= LATENCY_BOUND_COUNT; i++)
		into->counts[i] += __atomic_load_n(&from->counts[i], __ATOMIC_RELAXED);
	into->sum_ns += __atomic_load_n(&from->sum_ns, __ATOMIC_RELAXED);
}

/* The bound, in microseconds, that `percent` of the events did not exceed: an upper estimate. The
 * last bound for more than that; 0 if there were no events. */
static inline uint64_t latency_quantile_us(const struct latency *latency, unsigned percent)
{
	uint64_t count = 0, seen = 0, rank;

	for (unsigned i = 0; i <= LATENCY_BOUND_COUNT; i++)
		count += latency->counts[i];
	if (count == 0)
		return 0;
	rank = count - count / 100 * (100 - percent) - count % 100 * (100 - percent) / 100;
	for (unsigned i = 0; i < LATENCY_BOUND_COUNT; i++) {
		seen += latency->counts[i];
		if (seen >= rank)
			return latency_bounds_us[i];
	}
	return latency_bounds_us[LATENCY_BOUND_COUNT - 1];
}

#endif
