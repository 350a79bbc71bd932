/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Verifies UDP checksums.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_VERIFY_H
#define SESSIOND_DATAPLANE_PACKET_VERIFY_H

#include "dataplane/packet/checksum.h"

/* Whether a datagram's checksum is acceptable. `pseudo`: checksum_pseudo. `start`: the sum of the
 * payload's first `start_len` bytes; the payload must have them. */
FRAME_INLINE bool verify_udp(
	const struct frame *frame, uint64_t pseudo, uint64_t start, uint32_t start_len)
{
	const struct frame_udp *udp = frame_udp(frame);
	uint32_t rest = (uint32_t)(frame->l4_len - sizeof(*udp) - start_len);
	uint64_t sum;

	/* No checksum, which only IPv4 allows (RFC 768, RFC 8200 8.1), whatever the port
	 * reports. */
	if (!udp->check)
		return !frame->v6;
	if (frame->checks & FRAME_CHECKSUM_L4_GOOD)
		return true;
	pseudo += htons(frame->l4_len);
	sum = pseudo + load32(udp) + udp->length + udp->check + start;
	if (rest != 0)
		sum += checksum_bytes((const uint8_t *)(udp + 1) + start_len, rest);
	if (__builtin_expect(checksum_right(sum), 1))
		return true;
	/* A sender on this host leaves the rest for offload (CHECKSUM_PARTIAL). */
	return udp->check == checksum_fold(pseudo);
}

#endif
