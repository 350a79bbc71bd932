/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replaces frames.c and program_time.c in builds without XDP.
 */
#include "common/log.h"

#include <errno.h>

#include "bench/frames.h"
#include "bench/program_time.h"

int frames_open(struct frames **frames, const struct bench_options *options)
{
	(void)options;
	*frames = NULL;
	return error_set(ENOTSUP, "--interface: this build has no XDP");
}

int frames_run(struct frames *frames, struct bench_result *results, uint64_t *news,
	const volatile int *stop)
{
	(void)frames;
	(void)results;
	(void)news;
	(void)stop;
	return error_set(ENOTSUP, "--interface: this build has no XDP");
}

void frames_close(struct frames *frames)
{
	(void)frames;
}

int program_time_open(struct program_time **time, const char *what)
{
	(void)what;
	*time = NULL;
	return error_set(ENOTSUP, "--program-time: this build has no XDP");
}

int program_time_read(struct program_time *time, uint64_t *ns, uint64_t *frames)
{
	(void)time;
	*ns = *frames = 0;
	return error_set(ENOTSUP, "--program-time: this build has no XDP");
}

int program_time_skip(struct program_time *time, uint64_t frames, const cpu_set_t *senders)
{
	(void)time;
	(void)frames;
	(void)senders;
	return error_set(ENOTSUP, "--program-time: this build has no XDP");
}

void frames_cpus(const struct frames *frames, cpu_set_t *cpus)
{
	(void)frames;
	CPU_ZERO(cpus);
}

void program_time_close(struct program_time *time)
{
	(void)time;
}
