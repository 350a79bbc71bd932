/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Internet checksums (RFC 1071) over words as they lie in memory, which is right in either byte
 * order. Sums that functions return are below 2^40, so that a good many can be added up, but where
 * they say otherwise.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_CHECKSUM_H
#define SESSIOND_DATAPLANE_PACKET_CHECKSUM_H

#include "dataplane/packet/frame.h"

/* Of any sum: its 16 bits, 0 only if `sum` is 0. */
FRAME_INLINE uint16_t checksum_fold(uint64_t sum)
{
	uint32_t high = (uint32_t)(sum >> 32), half = high + (uint32_t)sum;

	half += half < high;
	half += half >> 16 | half << 16;
	return (uint16_t)(half >> 16);
}

/* Of a sum below 2^48, whose three parts are below 2^17 together: their sum with its carries, times
 * 2^48, is what a product's upper 16 bits are. */
FRAME_INLINE uint16_t checksum_fold48(uint64_t sum)
{
	return (uint16_t)(sum * 0x0001000100010001 >> 48);
}

/* Whether a sum that is not 0 folds to 0xffff, which is to say that 65535 divides it. A number is
 * divided by an odd one if its product with that one's inverse modulo 2^64 is no greater than the
 * greatest quotient there is. Cheaper than to fold. */
FRAME_INLINE bool checksum_right(uint64_t sum)
{
	return sum * 0xfffefffefffeffff <= UINT64_MAX / 65535;
}

/* Adds 8 bytes, with the carry brought round. */
FRAME_INLINE uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Adds four times 8 bytes. */
FRAME_INLINE uint64_t checksum_add4(uint64_t sum, const uint8_t *at)
{
#ifdef __x86_64__
	/* No compiler makes one chain of carries of it by itself. */
	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq $0, %0"
		: "+r"(sum)
		: "m"(*(const uint64_t(*)[1])at), "m"(*(const uint64_t(*)[1])(at + 8)),
		"m"(*(const uint64_t(*)[1])(at + 16)), "m"(*(const uint64_t(*)[1])(at + 24))
		: "cc");
	return sum;
#else
	for (unsigned i = 0; i < 32; i += 8)
		sum = checksum_add(sum, load64(at + i));
	return sum;
#endif
}

FRAME_INLINE uint64_t checksum_halve(uint64_t sum)
{
	return (sum >> 32) + (uint32_t)sum;
}

FRAME_INLINE uint64_t checksum_bytes(const void *data, uint32_t len)
{
	const uint8_t *at = data;
	uint64_t sum = 0;

	for (; len >= 32; len -= 32, at += 32)
		sum = checksum_add4(sum, at);
	for (; len >= 8; len -= 8, at += 8)
		sum = checksum_add(sum, load64(at));
	sum = checksum_halve(sum);
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

/* Of an IPv4 header's 20 bytes: all 64 bits. */
FRAME_INLINE uint64_t checksum_ip4(const struct frame_ip4 *ip)
{
	const uint8_t *at = (const uint8_t *)ip;

	return checksum_add(checksum_add(load64(at), load64(at + 8)), load32(at + 16));
}

/* What the pseudo header has but for the length: the same in a request and in its reply. */
FRAME_INLINE uint64_t checksum_pseudo(const struct frame *frame)
{
	const uint8_t *at;
	uint64_t sum;

	if (frame->v6) {
		at = frame_ip6(frame)->source;
		sum = checksum_add(checksum_add(load64(at), load64(at + 8)),
			checksum_add(load64(at + 16), load64(at + 24)));
	} else {
		sum = load64(&frame_ip4(frame)->source);
	}
	return checksum_halve(sum) + htons(frame->proto);
}

#endif
