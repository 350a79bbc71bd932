/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Internet checksums (RFC 1071), for BPF programs and for user space.
 *
 * Sums add words as they lie in memory, which is right in either byte order, and stay unfolded in
 * 64 bits. A sum that a function returns is below 2^40, so that many of them can be added, unless
 * the function says otherwise.
 */
#ifndef SESSIOND_CHECKSUM_H
#define SESSIOND_CHECKSUM_H

#include <linux/types.h>
#include <stdbool.h>

#define CHECKSUM_INLINE static inline __attribute__((always_inline))

/* Makes any sum one below 2^33. */
CHECKSUM_INLINE __u64 checksum_halve(__u64 sum)
{
	return (sum >> 32) + (__u32)sum;
}

/* The 16 bits of a sum below 2^48; 0 only if the sum is 0. The factor adds the sum's three 16-bit
 * words, and the carries of that addition, in the upper 16 bits of the product. */
CHECKSUM_INLINE __u16 checksum_fold(__u64 sum)
{
	return sum * 0x0001000100010001ULL >> 48;
}

/* Whether any sum but 0 folds to 0xffff, that is, whether 65535 divides it. An odd number divides
 * another if the product with its inverse modulo 2^64 is at most the greatest possible quotient. */
CHECKSUM_INLINE bool checksum_right(__u64 sum)
{
	return sum * 0xfffefffefffeffffULL <= ~0ULL / 65535;
}

#ifdef __bpf__
/* Of `count` 32-bit words, a constant. */
CHECKSUM_INLINE __u64 checksum_words(const void *data, __u32 count)
{
	const __u32 *word = data;
	__u64 sum = 0;

	for (__u32 i = 0; i < count; i++)
		sum += word[i];
	return sum;
}
#else
#include <sessiond/unaligned.h>

/* Compilers do not make one chain of carries. The address sanitizer sees no loads in assembly. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define CHECKSUM_CHAIN
#endif

/* Adds 8 bytes, and the carry. Any sum; the result may be any, too. */
CHECKSUM_INLINE uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Adds four times 8 bytes likewise. */
CHECKSUM_INLINE uint64_t checksum_add4(uint64_t sum, const void *data)
{
	const uint8_t *at = data;

#ifdef CHECKSUM_CHAIN
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

/* Adds 8 bytes, 32 bytes and a word likewise. */
CHECKSUM_INLINE uint64_t checksum_add6(
	uint64_t sum, const void *first, const void *next, uint64_t last)
{
#ifdef CHECKSUM_CHAIN
	const uint8_t *at = next;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq %5, %0\n\t"
		"adcq %6, %0\n\tadcq $0, %0"
		: "+r"(sum)
		: "m"(*(const uint64_t(*)[1])first), "m"(*(const uint64_t(*)[1])at),
		"m"(*(const uint64_t(*)[1])(at + 8)), "m"(*(const uint64_t(*)[1])(at + 16)),
		"m"(*(const uint64_t(*)[1])(at + 24)), "r"(last)
		: "cc");
	return sum;
#else
	return checksum_add(checksum_add4(checksum_add(sum, load64(first)), next), last);
#endif
}

/* Of any number of bytes; an odd one is padded with a zero. */
CHECKSUM_INLINE uint64_t checksum_bytes(const void *data, uint32_t len)
{
	const uint8_t *at = data;
	uint64_t sum = 0, other = 0;

	/* Two chains, which a CPU adds at the same time. */
	for (; len >= 64; len -= 64, at += 64) {
		sum = checksum_add4(sum, at);
		other = checksum_add4(other, at + 32);
	}
	if (len >= 32) {
		sum = checksum_add4(sum, at);
		len -= 32;
		at += 32;
	}
	for (; len >= 8; len -= 8, at += 8)
		other = checksum_add(other, load64(at));
	sum = checksum_halve(sum) + checksum_halve(other);
	for (; len >= 4; len -= 4, at += 4)
		sum += load32(at);
	if (len & 2) {
		sum += load16(at);
		at += 2;
	}
	if (len & 1)
		sum += __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? *at : (uint32_t)*at << 8;
	return sum;
}
#endif

#endif
