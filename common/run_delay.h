/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How long a thread waits for its CPU each time that it could run.
 */
#ifndef SESSIOND_COMMON_RUN_DELAY_H
#define SESSIOND_COMMON_RUN_DELAY_H

#include <stdint.h>

/* One thread's. */
struct run_delay {
	int fd;			/* -1: the kernel does not tell */
	uint64_t waited, times; /* at the last look; ns */
};

/* For the thread that calls it. Needs /proc; without it every mean is 0. */
void run_delay_open(struct run_delay *delay);
void run_delay_close(struct run_delay *delay);
/* The mean wait since the last call, in ns. One system call; any thread. */
uint64_t run_delay_mean(struct run_delay *delay);

#endif
