/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Deletes and stores a batch of sessions for the daemon. Like BPF_MAP_DELETE_BATCH and
 * BPF_MAP_UPDATE_BATCH, but without their copies and checks per element, and with the cache misses
 * of several elements overlapped. tests/bench/mapwrite compares the two.
 */
#ifndef SESSIOND_EBPF_MAP_BATCH_BPF_H
#define SESSIOND_EBPF_MAP_BATCH_BPF_H

#include "ebpf/maps.bpf.h"

#include <sessiond/map_batch.h>

#include <linux/errno.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sessd_map_batch);
} puts SEC(".maps");

/* Prefetches what the delete reads and the element that the next put reuses. */
static long store_touch_gone(__u32 i, void *ctx)
{
	struct sessd_map_batch *batch = *(struct sessd_map_batch **)ctx;
	const void *entry =
		bpf_map_lookup_elem(&sessions, batch->gone_keys[i % SESSD_MAP_BATCH_MAX]);

	if (entry)
		batch->looked += *(const volatile __u64 *)(entry + 64) +
				 *(const volatile __u64 *)(entry + 128);
	return 0;
}

static long store_touch(__u32 i, void *ctx)
{
	struct sessd_map_batch *batch = *(struct sessd_map_batch **)ctx;

	batch->looked +=
		bpf_map_lookup_elem(&sessions, batch->keys[i % SESSD_MAP_BATCH_MAX]) != NULL;
	return 0;
}

static long store_delete(__u32 i, void *ctx)
{
	struct sessd_map_batch *batch = *(struct sessd_map_batch **)ctx;

	long err = bpf_map_delete_elem(&sessions, batch->gone_keys[i % SESSD_MAP_BATCH_MAX]);

	batch->stuck += err && err != -ENOENT;
	return 0;
}

static long store_put(__u32 i, void *ctx)
{
	struct sessd_map_batch *batch = *(struct sessd_map_batch **)ctx;

	i %= SESSD_MAP_BATCH_MAX;
	batch->result[i] =
		bpf_map_update_elem(&sessions, batch->keys[i], &batch->entries[i], BPF_ANY);
	return 0;
}

SEC("syscall")
int sessiond_map_batch(void *ctx)
{
	struct sessd_map_batch *batch;
	__u32 zero = 0;

	batch = bpf_map_lookup_elem(&puts, &zero);
	if (!batch)
		return -1;
	/* Touch first: the cache misses of lookups overlap, those of updates do not, because an
	 * update takes a lock. */
	bpf_loop(batch->gone, store_touch_gone, &batch, 0);
	bpf_loop(batch->count, store_touch, &batch, 0);
	batch->stuck = 0;
	bpf_loop(batch->gone, store_delete, &batch, 0);
	if (batch->stuck)
		return -1;
	bpf_loop(batch->count, store_put, &batch, 0);
	return 0;
}

#endif
