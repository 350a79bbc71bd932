/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program's per-CPU state. Not pinned: the next program does not need it.
 */
#ifndef SESSIOND_EBPF_PERCPU_BPF_H
#define SESSIOND_EBPF_PERCPU_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <sessiond/map_abi.h>

#define ACCESS_CACHE_BITS 6

struct access_cache4 {
	__u64 addresses;
	__u64 tag;
};

struct access_cache6 {
	__u64 addresses[4];
	__u64 tag;
};

struct percpu {
	__u64 jiffies; /* when `tick` was read */
	__u64 tick;
	__u32 talkers_skipped;			    /* talkers.bpf.h */
	__u64 drop_sample_tick[SESSD_DROP_REASONS]; /* when the last event was sent */
	struct access_cache4 access_cache4[1 << ACCESS_CACHE_BITS]; /* access_cache.bpf.h */
	struct access_cache6 access_cache6[1 << ACCESS_CACHE_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct percpu);
} percpu SEC(".maps");

#endif
