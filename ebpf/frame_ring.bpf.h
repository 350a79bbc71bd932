/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Hands a frame to the daemon in a ring of this CPU (sessiond/frame_ring.h). The daemon maps the
 * rings: a frame is copied once, without a descriptor, a fill ring or a buffer of 2 KiB, as AF_XDP
 * needs. While the daemon is awake it looks at the rings itself; before it sleeps it says so, and
 * the next frame wakes it.
 */
#ifndef SESSIOND_EBPF_FRAME_RING_BPF_H
#define SESSIOND_EBPF_FRAME_RING_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/frame_ring.h>

/* The loader sets both, and max_entries to the number of CPUs. */
#define FRAME_RING_SIZE_DEFAULT 65536
const volatile __u32 frame_ring_size = FRAME_RING_SIZE_DEFAULT;

/* Off: AF_XDP carries the frames. A reload changes it. */
bool frames_in_rings;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SESSD_FRAME_RING_VALUE(FRAME_RING_SIZE_DEFAULT));
} frames SEC(".maps");

/* Its records say nothing. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wakes SEC(".maps");

/* Drops the frame: it was copied, or there was no room. PASS, if this CPU has no ring. Only this
 * CPU writes to its ring, and XDP programs do not interrupt each other, but on some real-time
 * kernels (docs/limits.md): the daemon relies on nothing that it reads. */
INLINE int frame_ring_push(struct xdp_md *ctx, __u64 length)
{
	__u32 cpu = bpf_get_smp_processor_id(), zero = 0;
	struct sessd_frame_ring *ring = bpf_map_lookup_elem(&frames, &cpu);
	struct sessd_frame_record *record;
	__u64 head, last;

	/* Linux 6.1's verifier must see from here that it is at least 1. */
	last = length - 1;
	barrier_var(last);
	if (!ring || last >= SESSD_FRAME_MAX)
		return XDP_PASS;
	length = last + 1;
	head = ring->head;
	if (head - *(volatile __u64 *)&ring->tail > frame_ring_size - SESSD_FRAME_RECORD_MAX) {
		ring->full++;
		return XDP_DROP;
	}
	record = (void *)ring->bytes +
		 (head & (frame_ring_size - 1) & ~(__u64)(SESSD_FRAME_ALIGN - 1));
	record->length = length;
	if (bpf_xdp_load_bytes(ctx, 0, (void *)record + SESSD_FRAME_HEAD, length))
		return XDP_PASS;
	/* Atomic, as a barrier on both sides: the daemon sees the record once it sees the head, and
	 * either sees the head before it sleeps or is seen to sleep. */
	__sync_lock_test_and_set(&ring->head, head + SESSD_FRAME_RECORD(length));
	if (*(volatile __u32 *)&ring->asleep && __sync_lock_test_and_set(&ring->asleep, 0) &&
		bpf_ringbuf_output(&wakes, &zero, sizeof(zero), BPF_RB_FORCE_WAKEUP))
		ring->asleep = 1; /* the next frame tries again */
	return XDP_DROP;
}

#endif
