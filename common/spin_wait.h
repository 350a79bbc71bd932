/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A rest without sleeping, for a writer between two looks at a ring that another CPU fills: a look
 * takes the ring's cache line from that CPU, which is about to write it again, and to wake a writer
 * that sleeps would cost it more still.
 */
#ifndef SESSIOND_COMMON_SPIN_WAIT_H
#define SESSIOND_COMMON_SPIN_WAIT_H

#include <stdint.h>

#include "common/latency.h"

static inline void spin_wait_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

static inline void spin_wait(uint64_t ns)
{
	uint64_t end = latency_now() + ns;

	do {
		for (unsigned i = 0; i < 8; i++)
			spin_wait_pause();
	} while (latency_now() < end);
}

#endif
