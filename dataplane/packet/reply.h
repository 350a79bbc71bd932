/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Turns a request's frame into its reply, in place.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_REPLY_H
#define SESSIOND_DATAPLANE_PACKET_REPLY_H

#include "dataplane/packet/checksum.h"

#include <sessiond/protocol.h>

#define REPLY_TTL	    64
#define REPLY_DONT_FRAGMENT 0x4000

/* Which checksums the port computes on transmit. */
struct reply_offload {
	bool ip4; /* the IPv4 header's */
	bool udp;
};

/* Swaps the MAC addresses; VLAN tags stay. */
FRAME_INLINE void reply_ethernet(uint8_t *data)
{
	uint32_t dest4 = load32(data), source4 = load32(data + 6);
	uint16_t dest2 = load16(data + 4), source2 = load16(data + 10);

	store32(data, source4);
	store16(data + 4, source2);
	store32(data + 6, dest4);
	store16(data + 10, dest2);
}

/* Swaps the addresses and rewrites the header, for `length` bytes of `proto` behind it. */
FRAME_INLINE void reply_ip4(struct frame_ip4 *ip, uint8_t proto, uint32_t length, bool offload)
{
	uint8_t *at = (uint8_t *)ip;
	uint32_t first = htonl(0x45000000 | (uint32_t)(sizeof(*ip) + length));
	uint32_t third = htonl((uint32_t)REPLY_TTL << 24 | (uint32_t)proto << 16);
	uint64_t addrs = load64(at + 12);

	if (!offload) {
		uint64_t sum = (uint64_t)first + htonl(REPLY_DONT_FRAGMENT) + third +
			       checksum_halve(addrs);

		third |= htonl(ntohs((uint16_t)~checksum_fold(sum)));
	}
	/* In whole words: a wider load of bytes still in the store buffer as smaller stores would
	 * stall. */
	store32(at, first);
	store32(at + 4, htonl(REPLY_DONT_FRAGMENT));
	store32(at + 8, third);
	store64(at + 12, addrs >> 32 | addrs << 32);
}

FRAME_INLINE void reply_ip6(struct frame_ip6 *ip, uint8_t proto, uint32_t length)
{
	uint64_t source0 = load64(ip->source), source1 = load64(ip->source + 8);
	uint64_t dest0 = load64(ip->dest), dest1 = load64(ip->dest + 8);

	ip->version_class_flow = htonl(0x60000000);
	ip->length = htons((uint16_t)length);
	ip->next = proto;
	ip->hops = REPLY_TTL;
	store64(ip->source, dest0);
	store64(ip->source + 8, dest1);
	store64(ip->dest, source0);
	store64(ip->dest + 8, source1);
}

/* `length`: bytes of UDP header and payload. `sum`: of the pseudo header without its length, the
 * ports and the payload. With `offload`, the port completes the sum of the pseudo header. */
FRAME_INLINE void reply_udp(const struct frame *frame, uint32_t length, uint64_t sum, bool offload)
{
	uint8_t *at = (uint8_t *)frame_udp(frame);
	uint32_t ports = load32(at);
	uint16_t wire_length = htons((uint16_t)length), check;

	if (offload) {
		check = checksum_fold(checksum_pseudo(frame) + wire_length);
	} else {
		check = (uint16_t)~checksum_fold(sum + 2U * wire_length);
		check = check ? check : 0xffff; /* 0 means no checksum */
	}
	store32(at, ports >> 16 | ports << 16);
	store16(at + 4, wire_length);
	store16(at + 6, check);
}

/* Removes IPv4 options or IPv6 extension headers: moves the headers before them up against what
 * follows. Returns the number of bytes removed. */
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

/* Turns a request into a reply whose payload, `length` bytes, is in place; `sum` as for reply_udp.
 * The frame ends with the payload then. */
FRAME_INLINE void reply_make(
	struct frame *frame, uint32_t length, uint64_t sum, const struct reply_offload *offload)
{
	uint32_t udp_length = (uint32_t)sizeof(struct frame_udp) + length;

	reply_udp(frame, udp_length, sum, offload->udp);
	if (__builtin_expect(frame->v6, 0))
		reply_ip6(frame_ip6(frame), IPPROTO_UDP, udp_length);
	else
		reply_ip4(frame_ip4(frame), IPPROTO_UDP, udp_length, offload->ip4);
	reply_ethernet(frame->data);
	frame->len = frame->l4 + udp_length;
}

#endif
