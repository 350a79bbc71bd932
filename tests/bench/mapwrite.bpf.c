/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A program for tests/bench/mapwrite that stores sessions from memory shared with user space.
 */
#include "tests/bench/mapwrite.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char program_license[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u8[SESSD_KEY_SIZE]);
	__type(value, struct sessd_entry);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mapwrite_batch);
} batches SEC(".maps");

static long touch_one(__u32 i, void *ctx)
{
	struct mapwrite_batch *batch = *(struct mapwrite_batch **)ctx;

	batch->found += bpf_map_lookup_elem(&sessions, batch->puts[i % MAPWRITE_BATCH].key) != NULL;
	return 0;
}

static long touch_gone(__u32 i, void *ctx)
{
	struct mapwrite_batch *batch = *(struct mapwrite_batch **)ctx;
	const void *entry = bpf_map_lookup_elem(&sessions, batch->gone_keys[i % MAPWRITE_BATCH]);

	if (entry)
		batch->found += *(const volatile __u64 *)(entry + 64) +
				*(const volatile __u64 *)(entry + 128);
	return 0;
}

static long delete_one(__u32 i, void *ctx)
{
	struct mapwrite_batch *batch = *(struct mapwrite_batch **)ctx;

	batch->result |= bpf_map_delete_elem(&sessions, batch->gone_keys[i % MAPWRITE_BATCH]);
	return 0;
}

static long store_one(__u32 i, void *ctx)
{
	struct mapwrite_batch *batch = *(struct mapwrite_batch **)ctx;

	i %= MAPWRITE_BATCH;
	batch->result |=
		bpf_map_update_elem(&sessions, batch->puts[i].key, &batch->puts[i].entry, BPF_ANY);
	return 0;
}

SEC("syscall")
int store(void *ctx)
{
	struct mapwrite_batch *batch;
	__u32 zero = 0;

	batch = bpf_map_lookup_elem(&batches, &zero);
	if (!batch)
		return -1;
	/* So that several cache lines are fetched in parallel. */
	if (batch->touch) {
		bpf_loop(batch->gone, touch_gone, &batch, 0);
		bpf_loop(batch->count, touch_one, &batch, 0);
	}
	bpf_loop(batch->gone, delete_one, &batch, 0);
	bpf_loop(batch->count, store_one, &batch, 0);
	return 0;
}
