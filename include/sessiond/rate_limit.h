/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A token bucket in one word, shared by the XDP program and user space: the time at which it would
 * be full again. Taking a token moves that time on by what a token takes to come back; a bucket
 * whose time is further ahead than a full bucket's worth is empty. (As the generic cell rate
 * algorithm of ATM has it.)
 */
#ifndef SESSIOND_RATE_LIMIT_H
#define SESSIOND_RATE_LIMIT_H

#include <linux/types.h>

/* A bucket holds a second's worth: so much may come at once. */
#define SESSD_LIMIT_BURST_NS 1000000000ULL

/* Most tokens a second; above it a token's time would be no whole nanoseconds worth the name. */
#define SESSD_LIMIT_MAX 10000000U

/* Nanoseconds that a token takes to come back; 0 if there is no limit. */
static inline __attribute__((always_inline)) __u64 sessd_limit_interval(__u32 per_second)
{
	return per_second ? 1000000000ULL / per_second : 0;
}

/* Takes a token at `now` (nanoseconds of any clock that only goes on); false if there is none.
 * Several may take at once: one that loses a race tries again, and is let through if it has lost
 * them all, which is no more than the number of CPUs. */
static inline __attribute__((always_inline)) int sessd_limit_take(
	__u64 *bucket, __u64 now, __u64 interval)
{
	for (int i = 0; i < 3; i++) {
#ifdef __bpf__
		__u64 was = *(volatile __u64 *)bucket;
#else
		__u64 was = __atomic_load_n(bucket, __ATOMIC_RELAXED);
#endif
		__u64 full = was > now ? was : now;

		if (full - now + interval > SESSD_LIMIT_BURST_NS)
			return 0;
		if (__sync_val_compare_and_swap(bucket, was, full + interval) == was)
			return 1;
	}
	return 1;
}

/* A source's buckets. */
struct sessd_limit {
	__u64 gets;
	__u64 news; /* and REMOVEs: both are the writer's work */
};

/* Sources that are told apart. Of more, those that sent last are kept, and a source that was
 * forgotten begins with full buckets. */
#define SESSD_LIMIT_SOURCES 65536

/* What is one source: an IPv4 address, or a /64 of IPv6, as a v4-mapped or IPv6 address. */
static inline __attribute__((always_inline)) void sessd_limit_source(__u64 source[2])
{
	const __u8 *bytes = (const __u8 *)source;

	if (source[0] != 0 || bytes[8] || bytes[9] || bytes[10] != 0xff || bytes[11] != 0xff)
		source[1] = 0;
}

#endif
