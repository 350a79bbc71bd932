/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Samples of refused packets for the daemon's log.
 */
#ifndef SESSIOND_EBPF_DROP_SAMPLE_BPF_H
#define SESSIOND_EBPF_DROP_SAMPLE_BPF_H

#include "ebpf/access.bpf.h"
#include "ebpf/clock.bpf.h"
#include "ebpf/maps.bpf.h"
#include "ebpf/packet.bpf.h"

#define DROP_SAMPLE_INTERVAL_TICKS (1000000000 >> SESSD_TICK_SHIFT)

/* Sends at most one event per second, reason and CPU. It does not wake the daemon, which polls the
 * ring once a second. */
INLINE void drop_sample_send(struct xdp_md *ctx, const struct packet *packet, struct percpu *own,
	enum sessd_drop_reason reason, __u8 detail)
{
	__u64 now = clock_tick(own), *last = &own->drop_sample_tick[reason];
	struct sessd_drop_sample *event;
	__u32 *source;

	if (*last && now - *last <= DROP_SAMPLE_INTERVAL_TICKS)
		return;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event)
		return;
	*last = now;
	source = (__u32 *)event->source;
	if (packet->v6) {
		for (int i = 0; i < 4; i++)
			source[i] = packet->ip6->source[i];
	} else {
		source[0] = 0;
		source[1] = 0;
		source[2] = V4_MAPPED;
		source[3] = packet->ip4->source;
	}
	event->port = packet->udp->source;
	event->reason = reason;
	event->detail = detail;
	event->ifindex = ctx->ingress_ifindex;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
