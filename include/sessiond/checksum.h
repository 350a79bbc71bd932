/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Internet checksums (RFC 1071), for BPF programs and user space.
 *
 * Sums add words as they lie in memory, which is right in either byte order, and stay unfolded in
 * 64 bits. Unless stated otherwise, a sum that a function returns is below 2^40, so that many can
 * be added. All functions are pure; any thread may call them.
 */
#ifndef SESSIOND_CHECKSUM_H
#define SESSIOND_CHECKSUM_H

#include <linux/types.h>
#include <stdbool.h>

#define CHECKSUM_INLINE static inline __attribute__((always_inline))

/* Reduces any sum to one below 2^33. */
CHECKSUM_INLINE __u64 checksum_halve(__u64 sum)
{
	return (sum >> 32) + (__u32)sum;
}

/* Folds a sum below 2^48 to 16 bits; 0 only if the sum is 0. The multiplication adds the sum's
 * three 16-bit words, with their carries, in the upper 16 bits of the product. */
CHECKSUM_INLINE __u16 checksum_fold(__u64 sum)
{
	return sum * 0x0001000100010001ULL >> 48;
}

/* Whether a sum, of any size but 0, folds to 0xffff, that is, is divisible by 65535. An odd number
 * divides another if the product with its inverse modulo 2^64 is at most the largest possible
 * quotient. */
CHECKSUM_INLINE bool checksum_right(__u64 sum)
{
	return sum * 0xfffefffefffeffffULL <= ~0ULL / 65535;
}

#ifdef __bpf__
/* Sum of `count` 32-bit words; `count` is a constant. */
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

/* In assembly, because compilers do not emit a chain of carries. Not with the address sanitizer,
 * which does not see loads in assembly. */
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define CHECKSUM_CHAIN
#endif

/* Adds 8 bytes with end-around carry. `sum` and the result may be any 64-bit value. */
CHECKSUM_INLINE uint64_t checksum_add(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* checksum_add for four times 8 bytes. */
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

/* checksum_add for 8 bytes and a word. */
CHECKSUM_INLINE uint64_t checksum_add2(uint64_t sum, const void *data, uint64_t last)
{
#ifdef CHECKSUM_CHAIN
	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq $0, %0"
		: "+r"(sum)
		: "m"(*(const uint64_t(*)[1])data), "r"(last)
		: "cc");
	return sum;
#else
	return checksum_add(checksum_add(sum, load64(data)), last);
#endif
}

/* checksum_add for 8 bytes, 32 bytes and a word. */
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

/* Sum of `len` bytes; an odd number is padded with a zero byte. */
CHECKSUM_INLINE uint64_t checksum_bytes(const void *data, uint32_t len)
{
	const uint8_t *at = data;
	uint64_t sum = 0, other = 0;

	/* Two chains, which a CPU executes in parallel. */
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
