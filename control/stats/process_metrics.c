/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/stats/process_metrics.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Numbers of descriptors that are looked at, at most. */
#define NUMBERS_MAX 65536

struct output {
	void (*put)(void *ctx, enum metrics_made metric, double value);
	void *ctx;
};

/* Reads at most `size` - 1 bytes of a file in /proc/self; false if it cannot be read. */
static bool read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file)
		return false;
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
	return len > 0;
}

static double seconds(const struct timeval *time)
{
	return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static void put_cpu(const struct output *output)
{
	struct rusage usage;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		output->put(output->ctx, METRIC_PROCESS_CPU,
			seconds(&usage.ru_utime) + seconds(&usage.ru_stime));
}

static void put_memory(const struct output *output)
{
	unsigned long virtual_pages, resident_pages;
	double page = (double)sysconf(_SC_PAGESIZE);
	char text[128];

	if (!read_text("/proc/self/statm", text, sizeof(text)) ||
		sscanf(text, "%lu %lu", &virtual_pages, &resident_pages) != 2)
		return;
	output->put(output->ctx, METRIC_PROCESS_RESIDENT, (double)resident_pages * page);
	output->put(output->ctx, METRIC_PROCESS_VIRTUAL, (double)virtual_pages * page);
}

/* /proc/self/fd belongs to root once the process has changed its user. */
static void put_descriptors(const struct output *output)
{
	char text[4096], *line;
	struct rlimit limit;
	unsigned numbers, open = 0;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		output->put(output->ctx, METRIC_PROCESS_MAX_FDS, (double)limit.rlim_cur);
	if (!read_text("/proc/self/status", text, sizeof(text)))
		return;
	line = strstr(text, "\nFDSize:");
	if (!line || sscanf(line, "\nFDSize: %u", &numbers) != 1)
		return;
	for (unsigned i = 0; i < numbers && i < NUMBERS_MAX; i++)
		open += fcntl((int)i, F_GETFD) >= 0;
	output->put(output->ctx, METRIC_PROCESS_FDS, (double)open);
}

static double clock_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Unix time: field 22 of stat is in ticks since the host's start. */
static void put_start(const struct output *output)
{
	unsigned long long ticks;
	char text[1024], *field;

	if (!read_text("/proc/self/stat", text, sizeof(text)))
		return;
	field = strrchr(text, ')'); /* ends field 2, the name, which may have blanks */
	for (int i = 2; field && i < 22; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, "%llu", &ticks) != 1)
		return;
	output->put(output->ctx, METRIC_PROCESS_START,
		clock_now(CLOCK_REALTIME) - clock_now(CLOCK_BOOTTIME) +
			(double)ticks / (double)sysconf(_SC_CLK_TCK));
}

void process_metrics(void (*put)(void *ctx, enum metrics_made metric, double value), void *ctx)
{
	const struct output output = {put, ctx};

	put_cpu(&output);
	put_memory(&output);
	put_descriptors(&output);
	put_start(&output);
}
