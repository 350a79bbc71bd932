/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which sessions are kept of more than fit: those that were asked for, then those that end last.
 */
#ifndef SESSIOND_COMMON_RANK_H
#define SESSIOND_COMMON_RANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* `expires`: tick (map_abi.h). */
static inline uint64_t rank_of(uint64_t expires, bool visited)
{
	return visited ? expires | 1ULL << 63 : expires;
}

/* The least rank that is kept of `count` ranks if there is room for `room`; 0 if all are kept.
 * Sorts `ranks`. More sessions than fit may have that very rank. */
uint64_t rank_least(uint64_t *ranks, size_t count, size_t room);

#endif
