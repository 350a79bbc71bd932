/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The clock of sessions: ticks of 2^20 ns (SESSD_TICK_SHIFT in map_abi.h) of
 * CLOCK_MONOTONIC_COARSE, which advances with the kernel's tick (1 to 10 ms): lifetimes are in
 * seconds, and this is read per batch. Any thread may call the functions.
 */
#ifndef SESSIOND_COMMON_CLOCK_H
#define SESSIOND_COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#include <sessiond/map_abi.h>

/* Nanoseconds by which the kernel's clock, which the XDP program reads, is ahead of this process's:
 * 0 except in a time namespace. Set once at start, before any other thread; then read by all. */
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

/* Ticks by which the clock of a program that checks a lifetime is behind, at most: a jiffy, which
 * is 10 ms at HZ=100, and some delay of the timer interrupt. */
#define CLOCK_BEHIND_TICKS 16

/* The tick at which a session ends that is stored at `now` for `timeout` seconds. Early by
 * CLOCK_BEHIND_TICKS: a session may end a little too soon, but is never served too late. */
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
