/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the program remembers for itself, on each CPU. Not pinned: it is worth nothing to the next
 * program.
 */
#ifndef SESSIOND_BPF_SCRATCH_H
#define SESSIOND_BPF_SCRATCH_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <sessiond/map_abi.h>

#define RECENT_BITS 6

struct recent4 {
	__u64 addresses;
	__u64 tag;
};

struct recent6 {
	__u64 addresses[4];
	__u64 tag;
};

struct scratch {
	__u64 jiffies; /* when `tick` was taken */
	__u64 tick;
	__u32 talkers_skipped;			  /* talkers.h */
	__u64 event_tick[SESSD_EVENT_REASONS];	  /* when an event was last sent */
	struct recent4 recent4[1 << RECENT_BITS]; /* recent.h */
	struct recent6 recent6[1 << RECENT_BITS];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

#endif
