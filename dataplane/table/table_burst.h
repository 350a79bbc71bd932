/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Lookups for a reader that has many keys at a time and few nanoseconds for each: the stages of
 * table.h, inline, where one hands on to the next what it found. [reader]
 */
#ifndef SESSIOND_TABLE_BURST_H
#define SESSIOND_TABLE_BURST_H

#include "table/table_private.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A value of up to this many bytes, which end with a cache line, is copied as if it had them all:
 * without a branch, and without a line that was not fetched. */
#define TABLE_BURST_COPY 144

/* Bytes that table_burst_get may write past the value, of no meaning. */
#define TABLE_BURST_SLACK TABLE_BURST_COPY

/* Cache lines of a slot that a value of up to 144 bytes takes: nearly every session's. */
#define TABLE_BURST_LINES 3

/* First stage: has the key's bucket fetched. */
static inline uint64_t table_burst_start(const struct table *table, const uint8_t *key)
{
	uint64_t hash = table_hash_key(table, key);

	__builtin_prefetch(&table->buckets[table_home(table, hash)]);
	return hash;
}

/* 16 bytes at once, wherever they lie. What a writer may be at work on is read by volatile loads,
 * so that each is made once; their halves are words, which are never seen half written. */
typedef uint64_t table_chunk __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t table_chunk_any __attribute__((vector_size(16), aligned(1), may_alias));

/* The thread sanitizer knows no fences: with it, what the third stage copies is left to table_get.
 */
static inline void table_burst_fence(void)
{
#ifndef __SANITIZE_THREAD__
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* The cells of a bucket that have the tag, a bit each; two bits for each cell with SSE2. */
#if defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define TABLE_BURST_BITS 2
static inline uint32_t table_burst_cells(const struct bucket *bucket, uint64_t tag)
{
	const volatile table_chunk *chunk = (const volatile table_chunk *)bucket->words;
	__m128i pattern = _mm_set1_epi16((short)tag), first, last;

	first = _mm_cmpeq_epi16((__m128i)*chunk, pattern);
	last = _mm_cmpeq_epi16(_mm_cvtsi32_si128((int)load_relaxed(&bucket->words[2])), pattern);
	return (uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(last) << 16;
}
#else
#define TABLE_BURST_BITS 1
static inline uint32_t table_burst_cells(const struct bucket *bucket, uint64_t tag)
{
	uint64_t words[3], bits;
	uint32_t cells = 0;

	for (unsigned i = 0; i < 3; i++)
		words[i] = load_relaxed(&bucket->words[i]);
	for (bits = cells_equal(words, tag * EVERY_TAG); bits; bits &= bits - 1)
		cells |= 1U << cell_of_bit((unsigned)__builtin_ctzll(bits));
	return cells;
}
#endif

/* Second stage: the first slot that may hold the key, which is fetched, or TABLE_NO_SLOT: there is
 * no such session. */
static inline uint32_t table_burst_find(const struct table *table, uint64_t hash)
{
	const struct bucket *bucket = &table->buckets[table_home(table, hash)];
	uint32_t cells = table_burst_cells(bucket, table_tag(hash)), number;
	const uint8_t *slot;

	if (__builtin_expect(cells != 0, 1)) {
		/* What a bucket says of a slot is older than what the slot says. */
		table_burst_fence();
		number = load_acquire(
			&bucket->slots[(unsigned)__builtin_ctz(cells) / TABLE_BURST_BITS]);
	} else if (load_acquire(&bucket->words[2]) < BUCKET_PASSED) {
		return TABLE_NO_SLOT;
	} else {
		struct probe probe;

		probe_start(&probe, table, hash);
		number = probe_next(&probe);
		if (number == TABLE_NO_SLOT)
			return number;
	}
	slot = (const uint8_t *)table_slot_at(table, number);
	for (unsigned i = 0; i < TABLE_BURST_LINES; i++)
		__builtin_prefetch(slot + 64 * i);
	__builtin_prefetch(&table->marks[number / 64]);
	return number;
}

static inline bool table_burst_key_equal(const struct table_slot *slot, const uint8_t *key)
{
	const volatile table_chunk *have = (const volatile table_chunk *)slot->key;
	const table_chunk_any *want = (const table_chunk_any *)key;
	table_chunk differ = (have[0] ^ want[0]) | (have[1] ^ want[1]);

	return !(differ[0] | differ[1]);
}

static inline void table_burst_copy(uint8_t *to, const uint64_t *from, unsigned len)
{
	const volatile table_chunk *chunk = (const volatile table_chunk *)from;
	table_chunk_any *out = (table_chunk_any *)to;

	for (unsigned i = 0; i < len; i += 16)
		*out++ = *chunk++;
}

/* Third stage: as table_get, for the slot that the second has found. False if it is not that simple
 * (another key of the same tag, a change under our eyes, an expired or a long value): table_get
 * then says what it is. Writes up to TABLE_BURST_SLACK bytes past the value. */
static inline bool table_burst_get(struct table *table, uint32_t number, const uint8_t *key,
	uint64_t now, uint8_t *value, uint16_t *len, uint16_t *sum)
{
	const struct table_slot *slot = table_slot_at(table, number);
	uint64_t head = load_acquire(&slot->head);

#ifdef __SANITIZE_THREAD__
	return false;
#endif
	if (!table_burst_key_equal(slot, key) || (head & SLOT_STATE) != SLOT_LIVE ||
		now >= load_relaxed(&slot->expires) || slot_head_len(head) > table->inline_bytes)
		return false;
	if (__builtin_expect(slot_head_len(head) <= TABLE_BURST_COPY &&
				     table->inline_bytes >= TABLE_BURST_COPY,
		    1))
		table_burst_copy(value, slot->value, TABLE_BURST_COPY);
	else
		table_burst_copy(value, slot->value, slot_head_len(head));
	/* If any of what was copied is new, so is the head that is read now. */
	table_burst_fence();
#ifndef TABLE_UNSAFE_NO_BURST_RECHECK /* for the test that shows what it is for */
	if (load_relaxed(&slot->head) != head)
		return false;
#endif
	*len = slot_head_len(head);
	*sum = slot_head_sum(head);
	mark_set(table->marks, number);
	return true;
}

#endif
