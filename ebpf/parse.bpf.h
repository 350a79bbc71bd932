/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parses a frame up to its UDP header. Each function returns NULL, or the counter under which the
 * packet is passed to the kernel.
 */
#ifndef SESSIOND_EBPF_PARSE_BPF_H
#define SESSIOND_EBPF_PARSE_BPF_H

#include "ebpf/checksum.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/vlan.bpf.h"

#include <sessiond/map_abi.h>

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/in6.h>

#define VLAN_TAGS_MAX 2

/* Steps over the Ethernet header and its VLAN tags; `*proto` is what follows. */
INLINE __u64 *parse_ethernet(struct xdp_md *ctx, struct packet *packet,
	struct sessd_xdp_counters *counters, __be16 *proto)
{
	const struct eth_header *eth = packet->data;
	const struct vlan_header *vlan = (const void *)(eth + 1);

	if ((const void *)vlan > packet->end)
		return &counters->pass_truncated;
	/* First, while no register has to be saved across the call. */
	if (vlan_is_tag(eth->proto) && !vlan_served(ctx))
		return &counters->pass_other_vlan;
	*proto = eth->proto;
#pragma unroll
	for (int i = 0; i < VLAN_TAGS_MAX; i++) {
		if (!vlan_is_tag(*proto))
			break;
		if ((const void *)(vlan + 1) > packet->end)
			return &counters->pass_truncated;
		*proto = vlan->proto;
		vlan++;
	}
	packet->ip = (void *)vlan;
	return NULL;
}

INLINE __u64 *parse_ip4(struct packet *packet, struct sessd_xdp_counters *counters)
{
	const struct ip4_header *ip = packet->ip4;

	packet->v6 = false;
	packet->udp = (void *)(ip + 1);
	if ((void *)packet->udp > packet->end)
		return &counters->pass_truncated;
	if (ip->version_ihl >> 4 != 4)
		return &counters->pass_not_ip;
	if (ip->proto != IPPROTO_UDP)
		return &counters->pass_not_udp;
	if (ip->version_ihl != 0x45)
		return &counters->pass_ip_options;
	if (ip->fragment & bpf_htons(0x3fff)) /* MF, offset */
		return &counters->pass_fragment;
	return NULL;
}

INLINE __u64 *parse_ip6(struct packet *packet, struct sessd_xdp_counters *counters)
{
	const struct ip6_header *ip = packet->ip6;

	packet->v6 = true;
	packet->udp = (void *)(ip + 1);
	if ((void *)packet->udp > packet->end)
		return &counters->pass_truncated;
	if (*(const __u8 *)ip >> 4 != 6)
		return &counters->pass_not_ip;
	switch (ip->next) {
	case IPPROTO_UDP:
		return NULL;
	case IPPROTO_FRAGMENT:
		return &counters->pass_fragment;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
	case IPPROTO_MH:
	case 139: /* HIP, RFC 7401 */
	case 140: /* Shim6, RFC 5533 */
		return &counters->pass_ipv6_extension;
	default:
		return &counters->pass_not_udp;
	}
}

/* Checks the lengths of IP and UDP and the IPv4 header checksum. The caller has checked that the
 * UDP header is inside the frame. */
INLINE __u64 *parse_lengths(struct packet *packet, struct sessd_xdp_counters *counters)
{
	__u32 present = packet_span(packet->udp, packet->end);
	__u32 length = bpf_ntohs(packet->udp->length);
	__s32 claimed = packet->v6
				? bpf_ntohs(packet->ip6->length)
				: bpf_ntohs(packet->ip4->length) - (int)sizeof(struct ip4_header);

	if (claimed > (__s32)present)
		return &counters->pass_truncated;
	if (claimed != (__s32)length || length < sizeof(struct udp_header))
		return &counters->pass_bad_length;
	if (!packet->v6 && !checksum_right(checksum_words(packet->ip4, sizeof(*packet->ip4) / 4)))
		return &counters->pass_bad_checksum;
	packet->payload_length = length - sizeof(struct udp_header);
	return NULL;
}

#endif
