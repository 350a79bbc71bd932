/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Measures when a thread of the load did not run although it had work: other threads, or the host
 * of the virtual machine, used its CPU. A reply that arrived meanwhile is late through no fault of
 * the server. Each thread has its own.
 */
#ifndef BENCH_HELD_H
#define BENCH_HELD_H

#include <stdbool.h>
#include <stdint.h>

/* Shorter pauses are normal for any thread. */
#define HELD_MIN_NS 200000

/* How long a thread was held up, in ns; for several threads the sums, and the longest of all. */
struct held_result {
	bool measured;
	uint64_t times, total, longest; /* only pauses of at least HELD_MIN_NS */
	uint64_t longest_gap;		/* between two looks, without intended sleep */
	uint64_t waited; /* time the thread waited for its CPU, all of it (schedstat) */
};

/* The kernel's times of a thread, in ns. */
struct held_times {
	uint64_t ran, waited;
};

struct held {
	struct held_result *result;
	int fd;	       /* the thread's schedstat; -1: unavailable */
	uint64_t last; /* time of the last look */
	uint64_t read; /* when `times` was read */
	struct held_times times, first;
};

/* Call it on the thread itself; `now` is always CLOCK_MONOTONIC in ns. */
void held_begin(struct held *held, struct held_result *result, uint64_t now);
void held_end(struct held *held);

/* Call it wherever the thread reads the clock. `asleep_until`: the intended wake-up time if it
 * slept since the last look, else 0. */
void held_look(struct held *held, uint64_t now, uint64_t asleep_until);

/* How much of `gap` ns the thread was held up. `slept`: the gap is oversleep. Otherwise it is
 * computed from the kernel's times `before` and `after` the gap. For held_look, and its test. */
uint64_t held_share(
	uint64_t gap, bool slept, const struct held_times *before, const struct held_times *after);

void held_add(struct held_result *into, const struct held_result *from);

#endif
