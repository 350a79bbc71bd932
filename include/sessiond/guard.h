/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The guard: a 64-bit keyed sum over a session's key, value, length, checksum and lifetime.
 *
 * The kernel reuses elements of a BPF hash map while readers still hold a pointer to them. The XDP
 * program therefore recomputes the guard over what it copied into the packet, and answers only if
 * it equals the entry's guard: a mix of two sessions, or another session, does not match.
 *
 * It is a multilinear hash modulo 2^64: the sum of the products of each 8-byte word with an odd
 * secret number of its own. Two inputs that differ by d_i in word i collide with a probability of
 * at most 2^-(63 - z), z being the fewest trailing zero bits of any d_i; the keys and master
 * secrets of two sessions are random, so z is 0 to 3 in practice. For z = 63 there is no bound: if
 * an even number of words differs, each in its highest bit only, the sums are equal whatever the
 * secrets, since those are odd. For an odd number of such words they differ, and so they do if any
 * single word changes. Two sessions whose random words agree in all other bits do not occur: a
 * reader that meets a change sees words of either session, not bits.
 *
 * It protects against races, not against forgery: the allow list controls who may write entries.
 * The multiplications are independent of one another, which makes it cheap enough for every packet.
 *
 * Words are read in host byte order: the guard never leaves the host.
 */
#ifndef SESSIOND_GUARD_H
#define SESSIOND_GUARD_H

#include <linux/types.h>

#include <sessiond/protocol.h>

/* Words before the value: lifetime, length and sum, four of the key. */
#define SESSD_GUARD_HEAD_WORDS 6

/* Number of secrets: for the longest value, including its partial last word. */
#define SESSD_GUARD_KEYS (SESSD_GUARD_HEAD_WORDS + SESSD_VALUE_LIMIT / 8 + 1)

/* The guard of the words before the value. `len`: bytes. `key`: the session id as four words. */
static inline __attribute__((always_inline)) __u64 sessd_guard_head(
	const __u64 *secret, __u64 life, __u16 len, __u16 sum, const __u64 key[4])
{
	return life * secret[0] + (len | (__u64)sum << 16) * secret[1] + key[0] * secret[2] +
	       key[1] * secret[3] + key[2] * secret[4] + key[3] * secret[5];
}

/* The secret for word `i` of the value. A value whose length is not a multiple of 8 has one more
 * word, of index len / 8: its last 8 bytes (which overlap the word before), or, if the value is
 * shorter than 8 bytes, its bytes padded with zeros on the right. */
#define SESSD_GUARD_SECRET(secret, i) ((secret)[SESSD_GUARD_HEAD_WORDS + (i)])

#ifndef __bpf__
#include <string.h>

#include <sessiond/unaligned.h>

/* The guard of the value. `len`: bytes, 1 to SESSD_VALUE_LIMIT. */
static inline __u64 sessd_guard_value(const __u64 *secret, const void *value, unsigned len)
{
	const __u8 *p = value;
	unsigned words = len / 8;
	__u64 acc = 0, w;

	for (unsigned i = 0; i < words; i++)
		acc += load64(p + 8 * i) * SESSD_GUARD_SECRET(secret, i);
	if (len % 8) {
		w = 0;
		if (len > 8)
			w = load64(p + len - 8);
		else
			memcpy(&w, p, len);
		acc += w * SESSD_GUARD_SECRET(secret, words);
	}
	return acc;
}

/* The guard of a whole session, computed in user space. */
static inline __u64 sessd_guard(
	const __u64 *secret, const void *key, __u64 life, __u16 sum, const void *value, __u16 len)
{
	__u64 words[4];

	memcpy(words, key, sizeof(words));
	return sessd_guard_head(secret, life, len, sum, words) +
	       sessd_guard_value(secret, value, len);
}
#endif

#endif
