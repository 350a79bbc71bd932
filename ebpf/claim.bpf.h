/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TAKE: a session is taken by whoever changes its entry's guard to 0. The guard is compared first:
 * it is of this very session, so that an element which the kernel has given to another one
 * meanwhile stays as it is, and of several takers one succeeds. The daemon takes by a program too:
 * from user space it could only look an entry up and delete the key, and would do so to a session
 * that the XDP program takes in between.
 */
#ifndef SESSIOND_EBPF_CLAIM_BPF_H
#define SESSIOND_EBPF_CLAIM_BPF_H

#include "ebpf/maps.bpf.h"

#include <sessiond/claim.h>
#include <sessiond/visited.h>

/* --take. Set before load. */
const volatile bool take_answered = true;
/* --take farm: the daemon asks the farm first. Set before load. */
const volatile bool take_passed = false;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sessd_claim);
} claim SEC(".maps");

INLINE bool claim_guard(struct sessd_entry *entry, __u64 expected)
{
	__u64 *guard = (void *)entry;

#ifdef SESSD_UNSAFE_NO_CLAIM /* for the test that shows what it is for */
	*(volatile __u64 *)guard = 0;
	return true;
#else
	return __sync_val_compare_and_swap(guard, expected, 0) == expected;
#endif
}

/* Tells the daemon, which frees the slot. */
INLINE void claim_tell(__u32 slot)
{
	__u32 index = slot / SESSD_MARKS_PER_ELEM;
	__u64 *group = bpf_map_lookup_elem(&taken, &index);

	if (group)
		__sync_fetch_and_or(group + slot % SESSD_MARKS_PER_ELEM / 64, mark_bit(slot));
}

SEC("syscall")
int sessiond_claim(void *ctx)
{
	struct sessd_claim *wanted;
	struct sessd_entry *entry;
	__u8 key[SESSD_KEY_SIZE];
	__u32 zero = 0;

	wanted = bpf_map_lookup_elem(&claim, &zero);
	if (!wanted || !wanted->guard)
		return -1;
	__builtin_memcpy(key, wanted->key, sizeof(key));
	entry = bpf_map_lookup_elem(&sessions, key);
	wanted->done = entry && claim_guard(entry, wanted->guard);
	return 0;
}

#endif
