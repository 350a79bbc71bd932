/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The short way of NEWs and REMOVEs to the daemon: an AF_XDP socket at the receive queue that they
 * came in by. Where there is none (no daemon, no AF_XDP in the driver), they go up the stack.
 *
 * The map is not pinned, but this program's own: the sockets are the daemon's that loaded it, and
 * leave the map with it. A program that outlives its daemon then finds the map empty, and one that
 * takes its place never meets sockets that were put there by another's count of interfaces.
 */
#ifndef SESSIOND_EBPF_REDIRECT_BPF_H
#define SESSIOND_EBPF_REDIRECT_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/map_abi.h>

#define REDIRECT_INTERFACES 16
#define REDIRECT_QUEUES	    64 /* of each; what comes by others goes up the stack */

/* Longest frame that is handed over: what a socket's frame surely has room for behind its
 * headroom. A longer one has padding that no message needs. */
#define REDIRECT_FRAME_MAX 1600

/* The interfaces' indices, 0 for none; set before load. Socket `queue` of interface `i` is element
 * i * REDIRECT_QUEUES + queue of the map. */
const volatile __u32 redirect_interfaces[REDIRECT_INTERFACES];

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, REDIRECT_INTERFACES *REDIRECT_QUEUES);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} xsks SEC(".maps");

/* A NEW or REMOVE that has passed every check, but that of its UDP checksum. */
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
