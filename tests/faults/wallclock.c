/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * For LD_PRELOAD: a wall clock that is alternately an hour ahead and an hour behind. The machine's
 * own clock is not changed, because others depend on it. Clocks that count from the boot are
 * correct.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static unsigned looks;

static time_t jump(void)
{
	unsigned look = __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);

	return look % 2 ? 3600 : -3600;
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*real)(clockid_t clock, struct timespec * ts);
	int ret;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	ret = real(clock, ts);
	if (ret == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ts->tv_sec += jump();
	return ret;
}

time_t time(time_t *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	if (out)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

/* Reports how often the wall clock was read; the file proves that this library was preloaded. */
__attribute__((constructor)) static void loaded(void)
{
	const char *path = getenv("WALLCLOCK_LOADED");

	if (path && symlink("loaded", path) < 0)
		return;
}
