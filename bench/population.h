/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The sessions of a benchmark, each computed from its number alone. The generator in BPF, the
 * sockets and the verification of replies share this. A session's number can be computed from its
 * key, because the first word of a key is a bijection of the number.
 *
 * Words are in the host's byte order, so all load generators of a server must have the same byte
 * order.
 */
#ifndef BENCH_POPULATION_H
#define BENCH_POPULATION_H

#include <linux/types.h>

#include <sessiond/protocol.h>

/* Spreads the numbers of a population over it: any prime above its size does. */
#define POPULATION_SPREAD 2654435761ULL

#define POPULATION_INLINE static inline __attribute__((always_inline))

/* Numbers: [0, sessions) are preloaded. The NEWs of a run include the run's number, so that they
 * are new to the server. Numbers with the top bit set are never stored. */
#define POPULATION_NEVER     (1ULL << 63)
#define POPULATION_RUN_SHIFT 40
#define POPULATION_RUN_MASK  ((1ULL << 22) - 1)
#define POPULATION_LANE_BITS 32 /* within a run, each thread counts in its own lane */

#define POPULATION_KEY_WORDS   (SESSD_KEY_SIZE / 8)
#define POPULATION_VALUE_WORDS ((SESSD_VALUE_LIMIT + 7) / 8)

struct population {
	__u64 seed;
	__u32 value_min; /* bytes, 1 to SESSD_VALUE_LIMIT */
	__u32 value_max; /* at least value_min */
};

/* The finaliser of splitmix64, a bijection, and its inverse. */
POPULATION_INLINE __u64 mix64(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

POPULATION_INLINE __u64 unmix64(__u64 x)
{
	x = (x ^ x >> 31 ^ x >> 62) * 0x319642b2d24d8ec3ULL;
	x = (x ^ x >> 27 ^ x >> 54) * 0x96de1b173f119089ULL;
	return x ^ x >> 30 ^ x >> 60;
}

#define POPULATION_GOLDEN 0x9e3779b97f4a7c15ULL

/* A uniform number below `range`, from 64 random bits. */
POPULATION_INLINE __u32 scale32(__u64 random, __u32 range)
{
	return (__u32)((random >> 32) * range >> 32);
}

POPULATION_INLINE void population_key(
	const struct population *p, __u64 number, __u64 key[POPULATION_KEY_WORDS])
{
	key[0] = mix64(number + p->seed * POPULATION_GOLDEN);
	key[1] = mix64(key[0] + POPULATION_GOLDEN);
	key[2] = mix64(key[0] + 2 * POPULATION_GOLDEN);
	key[3] = mix64(key[0] + 3 * POPULATION_GOLDEN);
}

POPULATION_INLINE __u64 population_number(const struct population *p, __u64 key0)
{
	return unmix64(key0) - p->seed * POPULATION_GOLDEN;
}

/* Length of a session's value in bytes. */
POPULATION_INLINE __u32 population_value_len(
	const struct population *p, const __u64 key[POPULATION_KEY_WORDS])
{
	return p->value_min + scale32(key[1], p->value_max - p->value_min + 1);
}

/* Word `i` of a session's value; the last word is truncated to the length. */
POPULATION_INLINE __u64 population_value_word(const __u64 key[POPULATION_KEY_WORDS], __u32 i)
{
	return (key[2] ^ i * POPULATION_GOLDEN) + key[3];
}

/* For sessions that are stored repeatedly with different values: length and value are computed from
 * `words` instead of the key, and so depend on the key and the generation, the number of the store.
 * The value's first word is the generation itself, so such a value has at least 8 bytes. */
POPULATION_INLINE void population_generation(
	const __u64 key[POPULATION_KEY_WORDS], __u64 generation, __u64 words[POPULATION_KEY_WORDS])
{
	__u64 mixed = mix64(generation + POPULATION_GOLDEN);

	words[0] = key[0];
	words[1] = key[1] ^ mixed;
	words[2] = key[2] ^ mixed;
	words[3] = key[3] + mixed;
}

#endif
