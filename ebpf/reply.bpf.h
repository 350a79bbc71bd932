/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Makes the reply's headers from the request's, in place.
 */
#ifndef SESSIOND_EBPF_REPLY_BPF_H
#define SESSIOND_EBPF_REPLY_BPF_H

#include "ebpf/checksum.bpf.h"
#include "ebpf/packet.bpf.h"

#include <linux/in.h>

#define REPLY_TTL	    64
#define REPLY_DONT_FRAGMENT 0x4000

INLINE void reply_ethernet(struct packet *packet)
{
	__u32 *word = packet->data; /* destination and source are adjacent: ddd dds sss */
	__u16 *half = packet->data;
	__u32 dest4 = word[0], source4 = *(__u32 *)(half + 3);
	__u16 dest2 = half[2], source2 = half[5];

	word[0] = source4;
	half[2] = source2;
	*(__u32 *)(half + 3) = dest4;
	half[5] = dest2;
}

INLINE void reply_ip4(struct ip4_header *ip, __u32 udp_length)
{
	__u32 *word = (__u32 *)ip;
	__be32 source = ip->source;
	__u16 check;

	word[0] = bpf_htonl(0x45000000 | (sizeof(*ip) + udp_length));
	word[1] = bpf_htonl(REPLY_DONT_FRAGMENT);
	word[2] = bpf_htonl(REPLY_TTL << 24 | IPPROTO_UDP << 16);
	ip->source = ip->dest;
	ip->dest = source;
	check = ~checksum_fold(checksum_words(ip, sizeof(*ip) / 4));
	ip->check = check;
}

INLINE void reply_ip6(struct ip6_header *ip, __u32 udp_length)
{
	ip->version_class_flow = bpf_htonl(0x60000000);
	ip->length = bpf_htons(udp_length);
	ip->hops = REPLY_TTL;
	for (int i = 0; i < 4; i++) {
		__be32 source = ip->source[i];

		ip->source[i] = ip->dest[i];
		ip->dest[i] = source;
	}
}

/* `length`: bytes of UDP header and payload. `sum`: of the pseudo header without its length, the
 * ports and the payload. */
INLINE void reply_udp(struct udp_header *udp, __u32 length, __u64 sum)
{
	__be16 source = udp->source;
	__u16 check;

	length = bpf_htons(length);
	sum += 2 * length; /* the length counts in the pseudo header and in the UDP header */
	check = ~checksum_fold(sum);
	udp->source = udp->dest;
	udp->dest = source;
	udp->length = length;
	udp->check = check ? check : 0xffff; /* 0 means no checksum */
}

/* Turns the request into the reply. The payload, `length` bytes, is in place except for the
 * type; `sum` covers the pseudo header without its length, the ports, the request header and the
 * value. */
INLINE void reply_make(struct packet *packet, __u8 type, __u32 length, __u64 sum)
{
	struct sessd_header *header = (void *)(packet->udp + 1);
	__u32 udp_length = sizeof(*packet->udp) + length;

	sum += bpf_htons(type - header->type);
	header->type = type;
	reply_udp(packet->udp, udp_length, sum);
	if (packet->v6)
		reply_ip6(packet->ip6, udp_length);
	else
		reply_ip4(packet->ip4, udp_length);
	reply_ethernet(packet);
}

#endif
