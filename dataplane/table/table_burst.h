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
	uint8_t *slots;
	uint64_t *marks;
	uint64_t slot_bytes;
	unsigned whole; /* values of up to so many bytes are copied as TABLE_BURST_COPY bytes */
	unsigned inline_bytes; /* longer ones are not copied by the third stage */
};

static inline struct table_view table_view(const struct table *table)
{
	return (struct table_view){
		.table = table,
		.slots = table->slots,
		.marks = table->marks,
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
	const struct bucket *home = &view->table->buckets[table_home(view->table, hash)];

	__builtin_prefetch(home);
	return (struct table_burst_key){hash, home};
}

/* Vectors of many bytes, at any alignment. What a writer may be changing is read by volatile loads,
 * so that each load is done once; their halves are words, which are never seen half written. */
typedef uint64_t table_chunk __attribute__((vector_size(16), aligned(8), may_alias));
typedef uint64_t table_chunk_any __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint16_t table_half __attribute__((may_alias));
typedef short table_short __attribute__((may_alias));
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

/* The cells of a bucket that have the hash's tag: one bit per cell, two with SSE2. */
#if defined(__AVX2__) && !defined(__SANITIZE_THREAD__)
#define TABLE_BURST_BITS 2
static inline uint32_t table_burst_cells(const struct bucket *bucket, const uint64_t *hash)
{
	const volatile table_wide *wide = (const volatile table_wide *)bucket->words;
	/* table_tag, from memory into all lanes. */
	__m256i tag = _mm256_or_si256(
		_mm256_set1_epi16(*(const table_short *)hash), _mm256_set1_epi16(1));
	__m256i equal = _mm256_cmpeq_epi16((__m256i)*wide, tag);

	return (uint32_t)_mm256_movemask_epi8(equal) & ((1U << 2 * TABLE_CELLS) - 1);
}
#elif defined(__SSE2__) && !defined(__SANITIZE_THREAD__)
#define TABLE_BURST_BITS 2
static inline uint32_t table_burst_cells(const struct bucket *bucket, const uint64_t *hash)
{
	const volatile table_chunk *chunk = (const volatile table_chunk *)bucket->words;
	__m128i pattern = _mm_set1_epi16((short)table_tag(*hash)), first, last;

	first = _mm_cmpeq_epi16((__m128i)*chunk, pattern);
	last = _mm_cmpeq_epi16(_mm_cvtsi32_si128((int)load_relaxed(&bucket->words[2])), pattern);
	return ((uint32_t)_mm_movemask_epi8(first) | (uint32_t)_mm_movemask_epi8(last) << 16) &
	       ((1U << 2 * TABLE_CELLS) - 1);
}
#else
#define TABLE_BURST_BITS 1
static inline uint32_t table_burst_cells(const struct bucket *bucket, const uint64_t *hash)
{
	uint64_t words[3], tag = table_tag(*hash), bits;
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
	const struct table *table, const struct table_burst_key *key)
{
	struct probe probe;

	probe_start(&probe, table, key->hash);
	return probe_next(&probe);
}

/* The slot of a number that the second stage found. */
static inline struct table_slot *table_burst_at(const struct table_view *view, uint32_t number)
{
	return (struct table_slot *)(void *)(view->slots + number * view->slot_bytes);
}

/* Second stage: finds and prefetches the first slot that may hold the key; TABLE_NO_SLOT if there
 * is no such session. */
static inline uint32_t table_burst_find(
	const struct table_view *view, const struct table_burst_key *key)
{
	const struct bucket *home = key->home;
	uint32_t cells = table_burst_cells(home, &key->hash), number;
	const uint8_t *slot;

	if (__builtin_expect(cells != 0, 1)) {
		/* Read the slot after the bucket that refers to it. */
		table_burst_fence();
		number = table_burst_slot(home, cells);
	} else {
		if (load_acquire(&home->words[2]) < BUCKET_PASSED)
			return TABLE_NO_SLOT;
		number = table_burst_probe(view->table, key);
		if (number == TABLE_NO_SLOT)
			return number;
	}
	slot = (const uint8_t *)table_burst_at(view, number);
	for (unsigned i = 0; i < TABLE_BURST_LINES; i++)
		__builtin_prefetch(slot + 64 * i);
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

/* Copies `len` bytes of a slot's value, rounded up to a multiple of 16. */
static inline void table_burst_copy(uint8_t *to, const uint64_t *from, unsigned len)
{
	const uint8_t *at = (const uint8_t *)from;
	unsigned i = 0;

#ifdef __AVX2__
	/* A value begins 16 bytes before the end of a cache line: after these, no load crosses
	 * one. */
	if ((len + 15) & 16) {
		*(table_chunk_any *)to = *(const volatile table_chunk *)(const void *)at;
		i = 16;
	}
	for (; i < len; i += 32)
		*(table_wide_any *)(to + i) = *(const volatile table_wide *)(const void *)(at + i);
#else
	for (; i < len; i += 16)
		*(table_chunk_any *)(to + i) =
			*(const volatile table_chunk *)(const void *)(at + i);
#endif
}

/* table_burst_copy, out of line. */
__attribute__((noinline)) static void table_burst_copy_more(
	uint8_t *to, const uint64_t *from, unsigned len)
{
	table_burst_copy(to, from, len);
}

/* Length, or more than any value has, in a slot's head: a load of its own takes fewer instructions
 * than a shift. To read between two equal heads. */
static inline uint32_t table_burst_len(const struct table_slot *slot, uint64_t head)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)head;
	return ((const volatile table_half *)&slot->head)[2];
#else
	(void)slot;
	return slot_head_len_or_taken(head);
#endif
}

/* mark_set, out of line. */
__attribute__((noinline)) static void table_burst_mark(uint64_t *marks, uint32_t number)
{
	mark_set(marks, number);
}

/* Result of the third stage. */
struct table_burst_value {
	bool found;
	uint32_t len; /* bytes */
	uint32_t sum; /* 16 bits */
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

/* table_burst_get or table_burst_take. `slot`: table_burst_at the number. */
static inline struct table_burst_value table_burst_read(const struct table_view *view,
	struct table_slot *slot, uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value,
	bool take)
{
	const struct table_burst_value nothing = {.found = false};
	uint64_t head = load_acquire(&slot->head);
	uint32_t len;

#ifdef __SANITIZE_THREAD__
	return nothing;
#endif
	if (!table_burst_key_equal(slot, key) || ((head - SLOT_LIVE) & SLOT_STATE) ||
		now >= load_relaxed(&slot->expires) || (take && number == view->table->capacity))
		return nothing;
	len = table_burst_len(slot, head);
	if (__builtin_expect(len <= view->whole, 1))
		table_burst_copy(value, slot->value, TABLE_BURST_COPY);
	else if (len <= view->inline_bytes)
		table_burst_copy_more(value, slot->value, len);
	else
		return nothing;
	if (!table_burst_settle(slot, head, take))
		return nothing;
	if (!take && __builtin_expect(!mark_test(view->marks, number), 0))
		table_burst_mark(view->marks, number);
	return (struct table_burst_value){true, len, slot_head_sum(head)};
}

/* Third stage: table_get for the slot that the second stage found. Finds nothing in the rarer cases
 * (another key with the same tag, a concurrent change, an expired, taken or long value): call
 * table_get then. Writes up to TABLE_BURST_SLACK bytes past the value. */
static inline struct table_burst_value table_burst_get(const struct table_view *view,
	uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value)
{
	return table_burst_read(view, table_burst_at(view, number), number, key, now, value, false);
}

/* The same for a TAKE, and table_take. */
static inline struct table_burst_value table_burst_take(const struct table_view *view,
	uint32_t number, const uint8_t *key, uint64_t now, uint8_t *value)
{
	return table_burst_read(view, table_burst_at(view, number), number, key, now, value, true);
}

#endif
