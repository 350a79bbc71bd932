/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The time, in ticks of map_abi.h. The clock is read once a jiffy: the verifier makes a plain load
 * of bpf_jiffies64, where a call to the coarse clock would be a tenth of the program's time.
 */
#ifndef SESSIOND_EBPF_CLOCK_BPF_H
#define SESSIOND_EBPF_CLOCK_BPF_H

#include "ebpf/packet.bpf.h"
#include "ebpf/percpu.bpf.h"

/* It is behind by a jiffy, and by as much as the tick was late: the writer has taken that off the
 * lifetimes. */
INLINE __u64 clock_tick(struct percpu *own)
{
	__u64 jiffies = bpf_jiffies64();

	if (own->jiffies != jiffies) {
		own->tick = bpf_ktime_get_ns() >> SESSD_TICK_SHIFT;
		own->jiffies = jiffies;
	}
	return own->tick;
}

/* The kernel's clock, for a daemon in a time namespace, whose own has an offset. */
SEC("syscall")
int sessiond_clock(__u64 *now)
{
	*now = bpf_ktime_get_ns();
	return 0;
}

#endif
