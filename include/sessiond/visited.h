/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Visited marks: one bit per slot, bit `slot % 64` of word `slot / 64`. A fast path sets them, the
 * writer reads and clears them. The marks of a million sessions fit into a core's own cache, so
 * that a hit does not wait for one more cache line.
 *
 * 64 sessions share a word, so changes are atomic. A bit that is already set or clear is not
 * written: readers of hot sessions must not contend for a cache line. Any thread may call the
 * functions.
 */
#ifndef SESSIOND_VISITED_H
#define SESSIOND_VISITED_H

#include <linux/types.h>

#define MARKS_INLINE static inline __attribute__((always_inline))

/* Words that hold the marks of `slots` slots. */
#define MARKS_WORDS(slots) (((slots) + 63) / 64)

/* The bit of a slot's word. */
MARKS_INLINE __u64 mark_bit(__u32 slot)
{
	return (__u64)1 << slot % 64;
}

#ifndef __bpf__
#include <stdbool.h>
#include <stdint.h>

MARKS_INLINE bool mark_test(const uint64_t *marks, uint32_t slot)
{
	return __atomic_load_n(&marks[slot / 64], __ATOMIC_RELAXED) >> slot % 64 & 1;
}

MARKS_INLINE void mark_set(uint64_t *marks, uint32_t slot)
{
	if (!mark_test(marks, slot))
		__atomic_fetch_or(&marks[slot / 64], mark_bit(slot), __ATOMIC_RELAXED);
}

MARKS_INLINE void mark_clear(uint64_t *marks, uint32_t slot)
{
	if (mark_test(marks, slot))
		__atomic_fetch_and(&marks[slot / 64], ~mark_bit(slot), __ATOMIC_RELAXED);
}
#endif

#endif
