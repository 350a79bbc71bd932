/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The time in ticks (SESSD_TICK_SHIFT in map_abi.h). The clock is read once per jiffy: the verifier
 * inlines bpf_jiffies64 as a load, and a call to the coarse clock would take a tenth of the
 * program's time.
 */
#ifndef SESSIOND_EBPF_CLOCK_BPF_H
#define SESSIOND_EBPF_CLOCK_BPF_H

#include "ebpf/packet.bpf.h"
#include "ebpf/percpu.bpf.h"

/* Behind the real time by up to a jiffy plus the delay of the timer tick; the writer subtracts that
 * from the lifetimes. */
INLINE __u64 clock_tick(struct percpu *own)
{
	__u64 jiffies = bpf_jiffies64();

	if (own->jiffies != jiffies) {
		own->tick = bpf_ktime_get_ns() >> SESSD_TICK_SHIFT;
		own->jiffies = jiffies;
	}
	return own->tick;
}

/* The kernel's CLOCK_MONOTONIC, for a daemon in a time namespace, whose own clock has an offset. */
SEC("syscall")
int sessiond_clock(__u64 *now)
{
	*now = bpf_ktime_get_ns();
	return 0;
}

#endif
