/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Random numbers for tests, determined by a seed; and the seeds of a test.
 */
#ifndef SESSIOND_TESTS_RANDOM_H
#define SESSIOND_TESTS_RANDOM_H

#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/* A bijection of 64 bits that looks random (splitmix64's finaliser). */
static inline uint64_t random_mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline uint64_t random_next(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15;
	return random_mix(*state);
}

/* 0 to limit - 1 */
static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
	return (random_next(state) >> 32) * limit >> 32;
}

/* Only SESSIOND_TEST_SEED, if it is set; otherwise three constant seeds and a new one. Returns how
 * many. */
static inline unsigned random_seeds(uint64_t seeds[4])
{
	const char *text = getenv("SESSIOND_TEST_SEED");

	if (text) {
		seeds[0] = strtoull(text, NULL, 0);
		return 1;
	}
	seeds[0] = 1;
	seeds[1] = 2;
	seeds[2] = 3;
	seeds[3] = random_mix(time(NULL)) >> 32;
	return 4;
}

#endif
