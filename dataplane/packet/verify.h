/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether a datagram's UDP checksum will do.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_VERIFY_H
#define SESSIOND_DATAPLANE_PACKET_VERIFY_H

#include "dataplane/packet/checksum.h"

#include <sessiond/protocol.h>

/* `pseudo` is checksum_pseudo, `header` the sum of the request's header; the datagram is no
 * shorter than that header. */
FRAME_INLINE bool verify_udp(const struct frame *frame, uint64_t pseudo, uint64_t header)
{
	const struct frame_udp *udp = frame_udp(frame);
	uint32_t rest = (uint32_t)(frame->l4_len - sizeof(*udp) - SESSD_HEADER_SIZE);
	uint64_t sum;

	/* None was made, which only IPv4 allows (RFC 768, RFC 8200 8.1), whatever the port says. */
	if (!udp->check)
		return !frame->v6;
	if (frame->checks & FRAME_CHECKSUM_L4_GOOD)
		return true;
	pseudo += htons(frame->l4_len);
	sum = pseudo + load32(udp) + udp->length + udp->check + header;
	if (__builtin_expect(rest != 0, 0))
		sum += checksum_bytes((const uint8_t *)(udp + 1) + SESSD_HEADER_SIZE, rest);
	if (__builtin_expect(checksum_right(sum), 1))
		return true;
	/* A sender on this host leaves the rest to hardware that the packet never met. */
	return udp->check == checksum_fold(pseudo);
}

#endif
