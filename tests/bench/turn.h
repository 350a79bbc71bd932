/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Swapping a frame's addresses, for the baseline programs.
 */
#ifndef TESTS_BENCH_TURN_H
#define TESTS_BENCH_TURN_H

#include <linux/types.h>

#define SWAP(type, a, b) \
	do { \
		type swapped = a; \
		a = b; \
		b = swapped; \
	} while (0)

/* The addresses of an Ethernet frame. */
static __always_inline void turn_ethernet(void *frame)
{
	__u16 *mac = frame;

	for (int i = 0; i < 3; i++)
		SWAP(__u16, mac[i], mac[i + 3]);
}

#endif
