/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A token bucket in one word, for the XDP program and user space: the time at which it would be
 * full again. Taking a token advances that time by the interval of one token; if it would be more
 * than a full bucket's worth ahead of now, the bucket is empty (the generic cell rate algorithm of
 * ATM). Any thread, any CPU.
 */
#ifndef SESSIOND_RATE_LIMIT_H
#define SESSIOND_RATE_LIMIT_H

#include <linux/types.h>

/* Nanoseconds. A bucket holds the tokens of one second: the largest burst. */
#define SESSD_LIMIT_BURST_NS 1000000000ULL

/* Tokens per second, at most: an interval of whole nanoseconds is too coarse for more. */
#define SESSD_LIMIT_MAX 10000000U

/* Nanoseconds per token; 0 if there is no limit. */
static inline __attribute__((always_inline)) __u64 sessd_limit_interval(__u32 per_second)
{
	return per_second ? 1000000000ULL / per_second : 0;
}

/* Takes a token at `now` (nanoseconds of any monotonic clock); false if the bucket is empty. After
 * losing three races the request is let through: the excess is at most the number of CPUs. */
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
	__u64 news; /* and REMOVEs: the writer handles both */
};

/* Sources that have buckets. With more, those that sent last are kept, and a source that was
 * forgotten starts with full buckets. */
#define SESSD_LIMIT_SOURCES 65536

/* Reduces an address (IPv6 or v4-mapped, 16 bytes as sent) to what counts as one source: an IPv4
 * address, or the /64 of an IPv6 address. */
static inline __attribute__((always_inline)) void sessd_limit_source(__u64 source[2])
{
	const __u8 *bytes = (const __u8 *)source;

	if (source[0] != 0 || bytes[8] || bytes[9] || bytes[10] != 0xff || bytes[11] != 0xff)
		source[1] = 0;
}

#endif
