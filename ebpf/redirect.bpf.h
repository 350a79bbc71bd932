/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Hands NEWs and REMOVEs to the daemon: in the ring of this CPU (frame_ring.bpf.h), or, with
 * --busy-poll, by the AF_XDP socket of the queue that received them. Both need such a socket, which
 * says that a daemon is there: without one (no daemon, no AF_XDP) they go up the stack.
 *
 * The map is not pinned; it belongs to this load of the program. The kernel removes the daemon's
 * sockets from it when the daemon exits, so a program that outlives its daemon finds it empty, and
 * the next program never finds sockets placed by another daemon's numbering of interfaces.
 */
#ifndef SESSIOND_EBPF_REDIRECT_BPF_H
#define SESSIOND_EBPF_REDIRECT_BPF_H

#include "ebpf/frame_ring.bpf.h"
#include "ebpf/packet.bpf.h"

#include <sessiond/map_abi.h>

#define REDIRECT_INTERFACES 16
#define REDIRECT_QUEUES	    64 /* per interface; packets of further queues go up the stack */

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
	__u32 queue = ctx->rx_queue_index, ifindex = ctx->ingress_ifindex, at = REDIRECT_INTERFACES;
	__u64 length = packet_span(packet->data, packet->end);

	++*counter;
	if (packet->payload_length > SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT ||
		length > SESSD_FRAME_MAX || queue >= REDIRECT_QUEUES)
		return XDP_PASS;
#pragma unroll
	for (int i = 0; i < REDIRECT_INTERFACES; i++) {
		if (!redirect_interfaces[i])
			break;
		if (redirect_interfaces[i] == ifindex) {
			at = i;
			break;
		}
	}
	if (at == REDIRECT_INTERFACES)
		return XDP_PASS;
	at = at * REDIRECT_QUEUES + queue;
	if (frames_in_rings && bpf_map_lookup_elem(&xsks, &at))
		return frame_ring_push(ctx, length);
	return bpf_redirect_map(&xsks, at, XDP_PASS);
}

#endif
