/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * When a thread of the load did not run although it had something to do: others had its CPU, or a
 * virtual machine's host did. A reply that came meanwhile is late by no fault of the server. One
 * thread uses one.
 */
#ifndef BENCH_HELD_H
#define BENCH_HELD_H

#include <stdbool.h>
#include <stdint.h>

/* Shorter ones are what any thread meets. */
#define HELD_MIN_NS 200000

/* What a thread was held up, all in ns; of several threads the sums, and the longest of all. */
struct held_result {
	bool measured;
	uint64_t times, total, longest; /* of those of HELD_MIN_NS and more */
	uint64_t longest_gap;		/* between two looks, sleep that was wanted left out */
	uint64_t waited; /* what the kernel says the thread waited for its CPU, short ones included
			  */
};

/* What the kernel says of a thread, in ns. */
struct held_times {
	uint64_t ran, waited;
};

struct held {
	struct held_result *result;
	int fd;	       /* of the thread's schedstat; -1: not to be had */
	uint64_t last; /* when it was looked at last */
	uint64_t read; /* when `times` were taken */
	struct held_times times, first;
};

/* On the thread itself; `now` is CLOCK_MONOTONIC in ns, as everywhere here. */
void held_begin(struct held *held, struct held_result *result, uint64_t now);
void held_end(struct held *held);

/* To be called wherever the thread looks at the clock. `asleep_until`: it slept since the last
 * look, and wanted to be woken then; 0: it did not. */
void held_look(struct held *held, uint64_t now, uint64_t asleep_until);

/* How long of `gap` ns the thread was held up, of which it slept on too long, or else during which
 * the kernel's times went from `before` to `after`. What held_look decides by. */
uint64_t held_share(
	uint64_t gap, bool slept, const struct held_times *before, const struct held_times *after);

void held_add(struct held_result *into, const struct held_result *from);

#endif
