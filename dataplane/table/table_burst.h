/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Lookups for a reader with many keys at a time: the stages of table.h, inline, each passing what
 * it found to the next. [reader]
 */
#ifndef SESSIOND_DATAPLANE_TABLE_TABLE_BURST_H
#define SESSIOND_DATAPLANE_TABLE_TABLE_BURST_H

#include "dataplane/table/table_private.h"

#ifdef __SSE2__
#include <immintrin.h>
#endif

/* A value of up to this many bytes is copied as if it had them all, without a branch. They end at a
 * cache line's end, so no further line is read. */
#define TABLE_BURST_COPY 144

/* Bytes that table_burst_get may write past the value; their contents are undefined. */
#define TABLE_BURST_SLACK TABLE_BURST_COPY

/* Cache lines of a slot that a value of up to 144 bytes takes: nearly every session's. */
#define TABLE_BURST_LINES 3

/* The fields of a table that readers need, as a local copy that stays in registers over a burst:
 * the compiler must assume that any store changes the table itself. */
struct table_view {
	const struct table *table;
	const struct bucket *buckets;
	uint8_t *slots;
	uint64_t *marks;
	uint64_t bucket_count;
	uint64_t slot_bytes;
	unsigned whole; /* values of up to so many bytes are copied as TABLE_BURST_COPY bytes */
	unsigned inline_bytes; /* longer ones are not copied by the third stage */
};

static inline struct table_view table_view(const struct table *table)
{
	return (struct table_view){
		.table = table,
		.buckets = table->buckets,
		.slots = table->slots,
		.marks = table->marks,
		.bucket_count = table->bucket_count,
		.slot_bytes = table->slot_bytes,
		.whole = table->inline_bytes >= TABLE_BURST_COPY ? TABLE_BURST_COPY : 0,
		.inline_bytes = table->inline_bytes,
	};
}

/* Passed from the first stage to the second. */
struct table_burst_key {
	uint64_t hash;
	const struct bucket *home;
};

/* First stage: prefetches the key's bucket. */
static inline struct table_burst_key table_burst_start(
	const struct table_view *view, const uint8_t *key)
{
	uint64_t hash = table_hash_key(view->table, key);
	const struct bucket *home = &view->buckets[table_bucket_of(hash, view->bucket_count)];

	__builtin_prefetch(home);
	return (struct table_burst_key){hash, home};
}

/* Vectors of many bytes, at any alignment. What a writer may be changing is read by volatile loads,
 * so that each load is done once; their halves are words, which are never seen half written. */
typedef uint64_t table_chunk __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t table_chunk_any __attribute__((vector_size(16), aligned(1), may_alias));
#ifdef __AVX2__
typedef uint64_t table_wide __attribute__((vector_size(32), aligned(8), may_alias));
typedef uint64_t table_wide_any __attribute__((vector_size(32), aligned(1), may_alias));
#endif

/* The thread sanitizer does not support fences: with it, table_get does the third stage's work. */
static inline void table_burst_fence(void)
{
#ifndef __SANITIZE_THREAD__
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* The cells of a bucket that have the tag: one bit per cell, two with SSE2. */
#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
#define TABLE_BURST_BITS 2
static inline uint32_t table_burst_cells(const struct bucket *bucket, uint64_t tag)
{
	const volatile table_wide *wide = (const volatile table_wide *)bucket->words;
	__m256i equal = _mm256_cmpeq_epi16((__m256i)*wide, _mm256_set1_epi16((short)tag));

	return (uint32_t)_mm256_movemask_epi8(equal) & ((1U << 2 * TABLE_CELLS) - 1);
}
#elif defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define TABLE_BURST_BITS 2
static inline uint32_t table_burst_cells(const struct bucket *bucket, uint64_t tag)
{
	const volatile table_chunk *chunk = (const volatile table_chunk *)bucket->words;
	__m128i pattern = _mm_set1_epi16((short)tag), first, last;

	first = _mm_cmpeq_epi16((__m128i)*chunk, pattern);
	last = _mm_cmpeq_epi16(_mm_cvtsi32_si128((int)load_relaxed(&bucket->words[2])), pattern);
	return ((uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(last) << 16) &
	       ((1U << 2 * TABLE_CELLS) - 1);
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

/* The first cell's slot. */
static inline uint32_t table_burst_slot(const struct bucket *bucket, uint32_t cells)
{
	/* ctz counts TABLE_BURST_BITS per cell, so this is the byte offset, without a shift. */
	size_t at = (size_t)__builtin_ctz(cells) * (sizeof(*bucket->slots) / TABLE_BURST_BITS);

	return load_acquire((const uint32_t *)(const void *)((const uint8_t *)bucket->slots + at));
}

/* For a home bucket without the tag. */
__attribute__((noinline, cold)) static uint32_t table_burst_probe(
	const struct table *table, uint64_t hash)
{
	struct probe probe;

	probe_start(&probe, table, hash);
	return probe_next(&probe);
}

/* Second stage: finds and prefetches the first slot that may hold the key; TABLE_NO_SLOT if there
 * is no such session. */
static inline uint32_t table_burst_find(const struct table_view *view, struct table_burst_key key)
{
	uint32_t cells = table_burst_cells(key.home, table_tag(key.hash)), number;
	const uint8_t *slot;

	if (__builtin_expect(cells != 0, 1)) {
		/* Read the slot after the bucket that refers to it. */
		table_burst_fence();
		number = table_burst_slot(key.home, cells);
	} else {
		if (load_acquire(&key.home->words[2]) < BUCKET_PASSED)
			return TABLE_NO_SLOT;
		number = table_burst_probe(view->table, key.hash);
		if (number == TABLE_NO_SLOT)
			return number;
	}
	slot = view->slots + number * view->slot_bytes;
	for (unsigned i = 0; i < TABLE_BURST_LINES; i++)
		__builtin_prefetch(slot + 64 * i);
	__builtin_prefetch(&view->marks[number / 64]);
	return number;
}

#ifdef __AVX2__
static inline bool table_burst_key_equal(const struct table_slot *slot, const uint8_t *key)
{
	__m256i differ =
		(__m256i)(*(const volatile table_wide *)slot->key ^ *(const table_wide_any *)key);

	return _mm256_testz_si256(differ, differ);
}
#else
static inline bool table_burst_key_equal(const struct table_slot *slot, const uint8_t *key)
{
	const volatile table_chunk *have = (const volatile table_chunk *)slot->key;
	const table_chunk_any *want = (const table_chunk_any *)key;
	table_chunk differ = (have[0] ^ want[0]) | (have[1] ^ want[1]);

	return !(differ[0] | differ[1]);
}
#endif

/* Copies `len` bytes, rounded up to a multiple of 16. */
static inline void table_burst_copy(uint8_t *to, const uint64_t *from, unsigned len)
{
	const uint8_t *at = (const uint8_t *)from;
	unsigned i = 0;

#ifdef __AVX2__
	for (; i + 32 <= len; i += 32)
		*(table_wide_any *)(to + i) = *(const volatile table_wide *)(const void *)(at + i);
#endif
	for (; i < len; i += 16)
		*(table_chunk_any *)(to + i) =
			*(const volatile table_chunk *)(const void *)(at + i);
}

/* Result of the third stage. */
struct table_burst_value {
	bool found;
	uint16_t len;
	uint16_t sum;
};

/* Whether the copied session is whole, and with `take` this reader's. */
static inline bool table_burst_settle(struct table_slot *slot, uint64_t head, bool take)
{
	if (take) {
#ifdef TABLE_UNSAFE_NO_CLAIM /* for the test that shows what it is for */
		if (load_relaxed(&slot->head) != head)
			return false;
		table_window(1);
		store_release(&slot->head, head | SLOT_TAKEN);
		return true;
#endif
		return __atomic_compare_exchange_n(&slot->head, &head, head | SLOT_TAKEN, false,
			__ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	}
	/* If any copied word is new, the head read after the fence is new, too. */
	table_burst_fence();
#ifdef TABLE_UNSAFE_NO_BURST_RECHECK /* for the negative control of its test */
	return true;
#endif
	return load_relaxed(&slot->head) == head;
}

/* table_burst_get or table_burst_take. */
static inline struct table_burst_value table_burst_read(const struct table_view *view,
	uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value, bool take)
{
	const struct table_burst_value nothing = {.found = false};
	struct table_slot *slot =
		(struct table_slot *)(void *)(view->slots + number * view->slot_bytes);
	uint64_t head = load_acquire(&slot->head);

#ifdef __SANITIZE_THREAD__
	return nothing;
#endif
	if (!table_burst_key_equal(slot, key) || (head & SLOT_STATE) != SLOT_LIVE ||
		now >= load_relaxed(&slot->expires) || (take && number == view->table->capacity))
		return nothing;
	if (__builtin_expect(slot_head_len_or_taken(head) <= view->whole, 1))
		table_burst_copy(value, slot->value, TABLE_BURST_COPY);
	else if (slot_head_len_or_taken(head) <= view->inline_bytes)
		table_burst_copy(value, slot->value, slot_head_len_or_taken(head));
	else
		return nothing;
	if (!table_burst_settle(slot, head, take))
		return nothing;
	if (!take)
		mark_set(view->marks, number);
	return (struct table_burst_value){true, slot_head_len_or_taken(head), slot_head_sum(head)};
}

/* Third stage: table_get for the slot that the second stage found. Finds nothing in the rarer cases
 * (another key with the same tag, a concurrent change, an expired, taken or long value): call
 * table_get then. Writes up to TABLE_BURST_SLACK bytes past the value. */
static inline struct table_burst_value table_burst_get(const struct table_view *view,
	uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value)
{
	return table_burst_read(view, number, key, now, value, false);
}

/* The same for a TAKE, and table_take. */
static inline struct table_burst_value table_burst_take(const struct table_view *view,
	uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value)
{
	return table_burst_read(view, number, key, now, value, true);
}

#endif
