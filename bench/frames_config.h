/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Shared by the programs of the live-frame engine and user space.
 */
#ifndef BENCH_FRAMES_CONFIG_H
#define BENCH_FRAMES_CONFIG_H

#include <linux/types.h>

#include "bench/population.h"

enum frames_workload {
	FRAMES_GET,
	FRAMES_MISS,
	FRAMES_NEW,
	FRAMES_REMOVE,
	FRAMES_TAKE,
	FRAMES_MIX,
	FRAMES_CHURN,
};

/* Sessions drawn in advance if keys are not uniform: BPF has no logarithms. */
#define FRAMES_POPULAR (1U << 20)

/* Set before the programs are loaded, so that the verifier sees constants. */
struct frames_config {
	struct population population;
	__u32 sessions;
	__u32 threads;
	__u32 popular_mask; /* of indices into the drawn sessions; 0: uniform keys */
	__u32 workload;	    /* enum frames_workload */
	__u32 resumed;	    /* FRAMES_MIX: share of resumptions, of 2^32 - 1 */
	__u32 run;
	__be16 timeout; /* of NEWs */
	__be16 target_port;
	__u16 source_port; /* first of `ports`, host order */
	__u16 ports;
	__u8 ipv6;
	__u8 reflector; /* the target sends requests back unchanged */
	__u8 each;	/* FRAMES_GET: every session once */
	__u8 changes;	/* FRAMES_CHURN: NEWs and REMOVEs, else GETs */
	__u8 source_mac[6], target_mac[6];
	__u8 source[16], target[16]; /* IPv4: the first four bytes */
	__u32 address_sum;	     /* of both addresses: checksum.h */
};

/* A CPU's generator. */
struct frames_lane {
	__u64 random;
	__u64 news;    /* NEWs made */
	__u64 gets;    /* GETs made */
	__u64 removes; /* REMOVEs made */
	__u64 each;    /* of requests for every session once */
	__u64 warm_up; /* GETs still to make before the workload */
	__u32 lane;    /* for the numbers of NEWs, see population.h */
	__u32 second;
};

/* Counters of `check` on a CPU; names as in result.h. */
struct frames_counters {
	__u64 hits;
	__u64 misses;
	__u64 wrong_length;
	__u64 wrong_header;
	__u64 wrong_timeout;
	__u64 wrong_key;
	__u64 wrong_value;
	__u64 wrong_checksum;
	__u64 wrong_hit;
};

#endif
