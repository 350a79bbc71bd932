/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The finaliser of splitmix64 (Steele, Lea and Flood, 2014), a bijection that spreads each bit.
 * Nothing secret rests on it.
 */
#ifndef SESSIOND_CLIENT_MIX_H
#define SESSIOND_CLIENT_MIX_H

#include <stdint.h>

static inline uint64_t mix64(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

#endif
