/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Redirects NEWs and REMOVEs to the daemon: to the AF_XDP socket of the queue that received them.
 * Without one (no daemon, no AF_XDP in the driver) they go up the stack.
 *
 * The map is not pinned; it belongs to this load of the program. The kernel removes the daemon's
 * sockets from it when the daemon exits, so a program that outlives its daemon finds it empty, and
 * the next program never finds sockets placed by another daemon's numbering of interfaces.
 */
#ifndef SESSIOND_EBPF_REDIRECT_BPF_H
#define SESSIOND_EBPF_REDIRECT_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/map_abi.h>

#define REDIRECT_INTERFACES 16
#define REDIRECT_QUEUES	    64 /* per interface; packets of further queues go up the stack */

/* Longest frame that is redirected: it must fit into a UMEM frame behind its headroom. A longer one
 * has padding that no message needs. */
#define REDIRECT_FRAME_MAX 1600

/* Interface indices, 0 for none; set before load. Socket `queue` of interface `i` is element i *
 * REDIRECT_QUEUES + queue of the map. */
const volatile __u32 redirect_interfaces[REDIRECT_INTERFACES];

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, REDIRECT_INTERFACES *REDIRECT_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

/* For a NEW or REMOVE that has passed every check except its UDP checksum, which the daemon
 * checks. */
INLINE int redirect_update(struct xdp_md *ctx, const struct packet *packet, __u64 *counter)
{
	__u32 queue = ctx->rx_queue_index, ifindex = ctx->ingress_ifindex;

	++*counter;
	if (packet->payload_length > SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT ||
		packet_span(packet->data, packet->end) > REDIRECT_FRAME_MAX ||
		queue >= REDIRECT_QUEUES)
		return XDP_PASS;
#pragma unroll
	for (int i = 0; i < REDIRECT_INTERFACES; i++) {
		if (!redirect_interfaces[i])
			break;
		if (redirect_interfaces[i] == ifindex)
			return bpf_redirect_map(&xsks, i * REDIRECT_QUEUES + queue, XDP_PASS);
	}
	return XDP_PASS;
}

#endif
