/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --xdp-histogram: how long answers take.
 */
#ifndef SESSIOND_EBPF_ANSWER_TIMES_BPF_H
#define SESSIOND_EBPF_ANSWER_TIMES_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/answer_times.h>

/* The daemon writes it while the program runs. */
__u32 answers_timed;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sessd_answer_times);
} answer_times SEC(".maps");

/* noinline, so that the verifier checks it once instead of after each path to an answer. */
__attribute__((noinline)) int answer_times_add(__u64 ns)
{
	struct sessd_answer_times *times;
	__u32 zero = 0;
	int i;

	times = bpf_map_lookup_elem(&answer_times, &zero);
	if (!times)
		return 0;
#pragma unroll
	for (i = 0; i < SESSD_ANSWER_BOUND_COUNT; i++)
		if (ns <= sessd_answer_bounds_ns[i])
			break;
	times->counts[i]++;
	times->sum_ns += ns;
	return 0;
}

/* The arrival time for answer_times_end; 0: not measured. */
INLINE __u64 answer_times_begin(void)
{
	return *(volatile __u32 *)&answers_timed ? bpf_ktime_get_ns() : 0;
}

INLINE void answer_times_end(__u64 began, int verdict)
{
	if (began && verdict == XDP_TX)
		answer_times_add(bpf_ktime_get_ns() - began);
}

#endif
