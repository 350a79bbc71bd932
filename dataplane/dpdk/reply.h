/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Makes a reply of a request's frame, in place.
 */
#ifndef SESSIOND_DPDK_REPLY_H
#define SESSIOND_DPDK_REPLY_H

#include "dpdk/checksum.h"

#include <sessiond/protocol.h>

#define REPLY_TTL	    64
#define REPLY_DONT_FRAGMENT 0x4000

/* Which checksums the port fills in on the way out. */
struct reply_offload {
	bool ip4; /* the IPv4 header's */
	bool udp;
};

/* A reply goes to where the request came from, tags and all. */
FRAME_INLINE void reply_ethernet(uint8_t *data)
{
	uint32_t dest4 = load32(data), source4 = load32(data + 6);
	uint16_t dest2 = load16(data + 4), source2 = load16(data + 10);

	memcpy(data, &source4, 4);
	store16(data + 4, source2);
	memcpy(data + 6, &dest4, 4);
	store16(data + 10, dest2);
}

/* Swaps the addresses and makes the header anew; what follows it is `length` bytes of `proto`. */
FRAME_INLINE void reply_ip4(struct frame_ip4 *ip, uint8_t proto, uint32_t length, bool offload)
{
	uint32_t words[5] = {
		htonl(0x45000000 | (uint32_t)(sizeof(*ip) + length)),
		htonl(REPLY_DONT_FRAGMENT),
		htonl((uint32_t)REPLY_TTL << 24 | (uint32_t)proto << 16),
		ip->dest,
		ip->source,
	};
	uint16_t check;

	if (!offload) {
		check = (uint16_t)~checksum_fold(
			(uint64_t)words[0] + words[1] + words[2] + words[3] + words[4]);
		memcpy((uint8_t *)&words[2] + 2, &check, 2);
	}
	memcpy(ip, words, sizeof(words));
}

FRAME_INLINE void reply_ip6(struct frame_ip6 *ip, uint8_t proto, uint32_t length)
{
	uint64_t source0 = load64(ip->source), source1 = load64(ip->source + 8);

	ip->version_class_flow = htonl(0x60000000);
	ip->length = htons((uint16_t)length);
	ip->next = proto;
	ip->hops = REPLY_TTL;
	memcpy(ip->source, ip->dest, 16);
	memcpy(ip->dest, &source0, 8);
	memcpy(ip->dest + 8, &source1, 8);
}

/* `length` is the datagram's with its header, `pseudo` the sum of the pseudo header but for the
 * length, `sum` that of ports and payload. */
FRAME_INLINE void reply_udp(
	struct frame_udp *udp, uint32_t length, uint64_t pseudo, uint64_t sum, bool offload)
{
	uint16_t source = udp->source, wire_length = htons((uint16_t)length), check;

	udp->source = udp->dest;
	udp->dest = source;
	udp->length = wire_length;
	if (offload) {
		/* Ports take it up from the pseudo header's sum. */
		udp->check = checksum_fold(pseudo + wire_length);
		return;
	}
	check = (uint16_t)~checksum_fold(pseudo + sum + 2U * wire_length);
	udp->check = check ? check : 0xffff; /* 0 would say that there is none */
}

/* Takes IPv4 options or IPv6 extension headers out: moves what is before them up to what is after
 * them. Returns by how many bytes the frame now starts later. */
FRAME_INLINE uint16_t reply_strip(struct frame *frame)
{
	uint16_t base = (uint16_t)(frame->l3 + (frame->v6 ? sizeof(struct frame_ip6)
							  : sizeof(struct frame_ip4)));
	uint16_t shift = (uint16_t)(frame->l4 - base);

	if (__builtin_expect(shift == 0, 1))
		return 0;
	memmove(frame->data + shift, frame->data, base);
	frame->data += shift;
	frame->len -= shift;
	frame->l4 = base;
	return shift;
}

/* Turns a request around whose payload, `length` bytes, is in its place. `pseudo` as above, `sum`
 * that of ports and payload. The frame then ends with the payload. */
FRAME_INLINE void reply_make(struct frame *frame, uint32_t length, uint64_t pseudo, uint64_t sum,
	const struct reply_offload *offload)
{
	uint32_t udp_length = (uint32_t)sizeof(struct frame_udp) + length;

	reply_udp(frame_udp(frame), udp_length, pseudo, sum, offload->udp);
	if (frame->v6)
		reply_ip6(frame_ip6(frame), IPPROTO_UDP, udp_length);
	else
		reply_ip4(frame_ip4(frame), IPPROTO_UDP, udp_length, offload->ip4);
	reply_ethernet(frame->data);
	frame->len = frame->l4 + udp_length;
}

#endif
