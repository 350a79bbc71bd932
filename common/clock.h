/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The one clock of sessions: ticks of 2^20 ns of CLOCK_MONOTONIC (see map_abi.h), as coarse as the
 * kernel's tick (1 to 10 ms) because lifetimes are seconds and this is read per batch.
 */
#ifndef SESSIOND_COMMON_CLOCK_H
#define SESSIOND_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#include <sessiond/map_abi.h>

/* Nanoseconds that the kernel's own clock, which the XDP program reads, is ahead of this process's:
 * 0 but in a time namespace. Set once at start, before any other thread; read by all. */
extern int64_t clock_offset_ns;

static inline uint64_t clock_tick(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec +
		       (uint64_t)clock_offset_ns) >>
	       SESSD_TICK_SHIFT;
}

/* Ticks in `seconds`, rounded down. */
static inline uint64_t clock_ticks(uint32_t seconds)
{
	return (uint64_t)seconds * 1000000000U >> SESSD_TICK_SHIFT;
}

/* Most ticks that the clock of whoever checks a lifetime is behind: a jiffy, which is 10 ms where
 * HZ is 100, and some for a timer interrupt that was late. */
#define CLOCK_BEHIND_TICKS 16

/* The tick at which a session ends that is stored at `now` for `timeout` seconds. It is early by as
 * much as the clock of whoever checks it may be behind: a session may end a little too soon, but is
 * never served too late. */
static inline uint64_t clock_expiry(uint64_t now, uint32_t timeout)
{
	return now + clock_ticks(timeout) - CLOCK_BEHIND_TICKS;
}

/* Whole seconds in `ticks`, rounded up. */
static inline uint64_t clock_seconds(uint64_t ticks)
{
	return ((ticks << SESSD_TICK_SHIFT) + 999999999U) / 1000000000U;
}

#endif
