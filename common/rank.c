/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/rank.h"

#include <stdlib.h>

static int by_rank(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

uint64_t rank_least(uint64_t *ranks, size_t count, size_t room)
{
	if (count <= room || room == 0)
		return 0;
	qsort(ranks, count, sizeof(*ranks), by_rank);
	return ranks[count - room];
}
