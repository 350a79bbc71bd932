/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A pause without sleeping, for a writer between two looks at a ring that another CPU fills: each
 * look takes the ring's cache line from that CPU, which is about to write it again, and waking a
 * sleeping writer would cost that CPU even more.
 */
#ifndef SESSIOND_COMMON_SPIN_WAIT_H
#define SESSIOND_COMMON_SPIN_WAIT_H

#include <stdint.h>

#include "common/latency.h"

/* Tells the CPU that this is a spin loop. */
static inline void spin_wait_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Spins for `ns` nanoseconds or slightly more. Any thread. */
static inline void spin_wait(uint64_t ns)
{
	uint64_t end = latency_now() + ns;

	do {
		for (unsigned i = 0; i < 8; i++)
			spin_wait_pause();
	} while (latency_now() < end);
}

#endif
