/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * heldup: measures how often this machine takes the CPU away from a process that waits for an
 * answer. Like a terminator it computes for a moment, then waits for 200 us, and repeats that until
 * SIGTERM, or for a minute. Prints 'waits N late N longest_us N': a late wait took a millisecond
 * longer.
 */
#include "tests/e2e/sample.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#define COMPUTE_NS 500000
#define WAIT_NS	   200000
#define LATE_NS	   1000000
#define REST_NS	   3000000
#define MOST_NS	   60000000000

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

static void wait_ns(long ns)
{
	const struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

int main(void)
{
	uint64_t begun = now_ns(), longest = 0;
	unsigned waits = 0, late = 0;

	signal(SIGTERM, end);
	while (!ended && now_ns() - begun < MOST_NS) {
		uint64_t from = now_ns(), took;

		while (now_ns() - from < COMPUTE_NS)
			;
		from = now_ns();
		wait_ns(WAIT_NS);
		took = now_ns() - from;
		waits++;
		late += took > WAIT_NS + LATE_NS;
		if (took > longest)
			longest = took;
		wait_ns(REST_NS);
	}
	printf("waits %u late %u longest_us %u\n", waits, late, (unsigned)(longest / 1000));
	return 0;
}
