/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Loads and stores words at any alignment, in memory's byte order. For user space: BPF programs
 * read packets directly.
 */
#ifndef SESSIOND_UNALIGNED_H
#define SESSIOND_UNALIGNED_H

#include <stdint.h>
#include <string.h>

#define UNALIGNED_INLINE static inline __attribute__((always_inline))

UNALIGNED_INLINE uint16_t load16(const void *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

UNALIGNED_INLINE uint32_t load32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

UNALIGNED_INLINE uint64_t load64(const void *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

UNALIGNED_INLINE void store16(void *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

UNALIGNED_INLINE void store32(void *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

UNALIGNED_INLINE void store64(void *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

#endif
