/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/run_delay.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* Time on the CPU, time in its queue, and how often it ran (Linux, sched-stats.rst). */
static bool look(const struct run_delay *delay, uint64_t *waited, uint64_t *times)
{
	char text[96];
	ssize_t n = delay->fd < 0 ? -1 : pread(delay->fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%*u %" SCNu64 " %" SCNu64, waited, times) == 2;
}

void run_delay_open(struct run_delay *delay)
{
	delay->fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	delay->waited = delay->times = 0;
	look(delay, &delay->waited, &delay->times);
}

void run_delay_close(struct run_delay *delay)
{
	if (delay->fd >= 0)
		close(delay->fd);
	delay->fd = -1;
}

uint64_t run_delay_mean(struct run_delay *delay)
{
	uint64_t waited, times, mean;

	if (!look(delay, &waited, &times) || times <= delay->times || waited < delay->waited)
		return 0;
	mean = (waited - delay->waited) / (times - delay->times);
	delay->waited = waited;
	delay->times = times;
	return mean;
}
