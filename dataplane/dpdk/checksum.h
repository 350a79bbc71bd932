/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Internet checksums (RFC 1071). Sums are kept unfolded in 64 bits: what they add are 16- and
 * 32-bit words as they lie in memory, which is right in either byte order. No frame has 2^16 words,
 * so a sum stays below 2^48.
 */
#ifndef SESSIOND_DPDK_CHECKSUM_H
#define SESSIOND_DPDK_CHECKSUM_H

#include "dpdk/frame.h"

/* Of a sum below 2^48: its 16 bits, 0 only if `sum` is 0. */
FRAME_INLINE uint16_t checksum_fold(uint64_t sum)
{
	sum = (sum >> 32) + (uint32_t)sum;
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)sum;
}

FRAME_INLINE uint64_t checksum_bytes(const void *data, uint32_t len)
{
	const uint8_t *at = data;
	uint64_t sum = 0;

	for (; len >= 4; len -= 4, at += 4)
		sum += load32(at);
	if (len & 2) {
		sum += load16(at);
		at += 2;
	}
	if (len & 1)
		sum += htons((uint16_t)(*at << 8));
	return sum;
}

FRAME_INLINE uint64_t checksum_ip4(const struct frame_ip4 *ip)
{
	const uint8_t *at = (const uint8_t *)ip;

	return (uint64_t)load32(at) + load32(at + 4) + load32(at + 8) + load32(at + 12) +
	       load32(at + 16);
}

/* What the pseudo header has but for the length: the same in a request and in its reply. */
FRAME_INLINE uint64_t checksum_pseudo(const struct frame *frame)
{
	uint64_t sum = htons(frame->proto);

	if (frame->v6) {
		const uint8_t *at = frame_ip6(frame)->source;

		for (unsigned i = 0; i < 32; i += 4)
			sum += load32(at + i);
		return sum;
	}
	return sum + frame_ip4(frame)->source + frame_ip4(frame)->dest;
}

#endif
