/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The engine of XDP live frames: BPF_PROG_TEST_RUN makes frames and sends them out of an interface
 * from within the kernel; an XDP program on that interface checks, counts and drops the replies.
 */
#ifndef BENCH_FRAMES_H
#define BENCH_FRAMES_H

#include <sched.h>

#include "bench/options.h"
#include "bench/result.h"

struct frames;

/* Attaches the checking program; other traffic on the interface is unaffected. 0, or a negative
 * errno with error_message() set; -ENOTSUP in a build without XDP. */
int frames_open(struct frames **frames, const struct bench_options *options);
/* The CPUs that send. */
void frames_cpus(const struct frames *frames, cpu_set_t *cpus);
/* As sockets_run. */
int frames_run(struct frames *frames, struct bench_result *results, uint64_t *news,
	const volatile int *stop);
/* NULL is allowed. */
void frames_close(struct frames *frames);

#endif
