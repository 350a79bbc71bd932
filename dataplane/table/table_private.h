/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table's memory layout, shared by its reader and its writer.
 *
 * Every word that a reader may see while the writer changes it is read and written by __atomic
 * builtins: acquire for loads, release for stores, which are plain moves on x86. A slot is a
 * seqlock without fences (Boehm, "Can seqlocks get along with programming language memory
 * models?"): each store of its content is a release, so a reader that saw any of the new content
 * also sees the odd sequence number that was stored before it.
 */
#ifndef SESSIOND_DATAPLANE_TABLE_TABLE_PRIVATE_H
#define SESSIOND_DATAPLANE_TABLE_TABLE_PRIVATE_H

#include <string.h>

#include <sessiond/unaligned.h>

#include "dataplane/table/table.h"

#define TABLE_CELLS 10

/* Average number of used cells per bucket, of 10, in a full table. */
#define TABLE_BUCKET_LOAD 5
/* The same in an index without values, which no GET reads. */
#define TABLE_INDEX_LOAD 8

#define TABLE_KEY_WORDS (SESSD_KEY_SIZE / 8)

/* Four 16-bit tags in each of the first two words, two in the lower half of the third; tag 0 is a
 * free cell. The third word's upper half counts the sessions that live in a later bucket because
 * this one was full: at most capacity, so it cannot wrap. */
struct bucket {
	uint64_t words[3];
	uint32_t slots[TABLE_CELLS];
};

_Static_assert(sizeof(struct bucket) == 64, "a bucket is a cache line");

#define BUCKET_TAGS_TAIL 0xffffffffULL
#define BUCKET_PASSED	 (1ULL << 32)
#define EVERY_TAG	 0x0001000100010001ULL

/* `head` is one word, so that a length is always read with its sequence number: bits 0-31 sequence,
 * 32-47 length in bytes, 48-63 sum. The sequence number grows by two per change; its lowest bit
 * says "being written", the one above it "holds a session". */
struct table_slot {
	uint64_t head;
	uint64_t expires;
	uint64_t key[TABLE_KEY_WORDS];
	uint64_t value[]; /* table.inline_bytes bytes */
};

_Static_assert(sizeof(struct table_slot) == 48, "a slot without a value");

/* A slot of an index without values is its key, which the writer alone uses; a free one is zero. */
#define INDEX_SLOT_BYTES SESSD_KEY_SIZE

_Static_assert(sizeof(struct table_slot) + TABLE_INLINE_MAX == 256, "four cache lines");

#define SLOT_WRITING 1U
#define SLOT_LIVE    2U
#define SLOT_STATE   3U

/* A reader has taken the session: the only change of a head that is not the writer's. The bit is
 * the length's highest, so that such a session is too long for the fast copy of table_burst.h,
 * which needs no check of its own. The writer may overwrite it when it deletes the session, and
 * never writes a head for the second time: a compare-and-swap of a head that was read while the
 * session was live succeeds once. */
#define SLOT_TAKEN (0x8000ULL << 32)

_Static_assert(SESSD_VALUE_LIMIT < 0x8000, "the length leaves its highest bit free");

static inline uint64_t slot_head(uint32_t seq, uint16_t len, uint16_t sum)
{
	return seq | (uint64_t)len << 32 | (uint64_t)sum << 48;
}

/* More than any value has, if it was taken. */
static inline uint16_t slot_head_len_or_taken(uint64_t head)
{
	return head >> 32;
}

static inline uint16_t slot_head_len(uint64_t head)
{
	return slot_head_len_or_taken(head & ~SLOT_TAKEN);
}

static inline uint16_t slot_head_sum(uint64_t head)
{
	return head >> 48;
}

enum table_region {
	REGION_BUCKETS,
	REGION_SLOTS,
	REGION_FREE_SLOTS, /* u32 stack */
	/* One bit per slot: allocated by table_alloc_at or, in an index, holds a session. */
	REGION_HELD,
	REGION_BLOCKS,	    /* overflow blocks */
	REGION_SLOT_BLOCK,  /* u32 per slot: its overflow block, if its value is long */
	REGION_FREE_BLOCKS, /* u32 stack */
	REGION_MARKS,
	TABLE_REGIONS
};

/* Allocates numbers: returned ones first, last in first out, so that memory in use stays small and
 * cached; then unused ones. */
struct numbers {
	uint32_t *returned;
	uint32_t returned_count;
	uint32_t fresh; /* numbers from here on were never allocated by numbers_take */
};

struct table {
	/* Used by readers; constant after creation. */
	struct bucket *buckets;
	uint8_t *slots;
	uint64_t *marks;
	uint8_t *blocks;
	uint32_t *slot_block;
	uint32_t bucket_count;
	uint32_t capacity;
	uint32_t slot_bytes;
	uint32_t block_bytes;
	uint16_t value_max;
	uint16_t inline_bytes;
	uint16_t key_offset;		  /* of a key in a slot */
	uint64_t secret[TABLE_KEY_WORDS]; /* see table_hash_key */

	/* Written by the writer: in other cache lines than the readers' fields. */
	uint32_t count __attribute__((aligned(64)));
	uint32_t used_end; /* slots from here on were never filled (table_used_end) */
	struct numbers free_slots;
	struct numbers free_blocks;
	uint64_t *held;
	bool unlocked; /* the memory of values is not locked */

	struct table_memory memory;
	void *region[TABLE_REGIONS];
	size_t region_bytes[TABLE_REGIONS];
};

#define load_acquire(p)	    __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define load_relaxed(p)	    __atomic_load_n(p, __ATOMIC_RELAXED)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define store_relaxed(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)

static inline struct table_slot *table_slot_at(const struct table *table, uint32_t slot)
{
	return (struct table_slot *)(void *)(table->slots + (size_t)slot * table->slot_bytes);
}

static inline bool table_is_index(const struct table *table)
{
	return !table->value_max;
}

/* A slot's bit of REGION_HELD. */
static inline bool table_holds(const struct table *table, uint32_t slot)
{
	return table->held[slot / 64] >> slot % 64 & 1;
}

static inline uint8_t *index_key_at(const struct table *table, uint32_t slot)
{
	return table->slots + (size_t)slot * INDEX_SLOT_BYTES;
}

static inline const uint64_t *table_key_at(const struct table *table, uint32_t slot)
{
	return (const uint64_t *)(const void *)(table->slots + (size_t)slot * table->slot_bytes +
						table->key_offset);
}

static inline uint64_t *table_block_at(const struct table *table, uint32_t block)
{
	return (uint64_t *)(void *)(table->blocks + (size_t)block * table->block_bytes);
}

/* The hash's upper bits select the bucket, its lowest bits are the tag. */
static inline uint64_t table_bucket_of(uint64_t hash, uint64_t bucket_count)
{
	return (unsigned __int128)hash * bucket_count >> 64;
}

static inline uint32_t table_home(const struct table *table, uint64_t hash)
{
	return (uint32_t)table_bucket_of(hash, table->bucket_count);
}

static inline uint32_t table_next_bucket(const struct table *table, uint32_t bucket)
{
	return bucket + 1 == table->bucket_count ? 0 : bucket + 1;
}

/* Odd, because tag 0 is a free cell. */
static inline uint64_t table_tag(uint64_t hash)
{
	return (uint16_t)(hash | 1);
}

/* Sets the top bit of each 16-bit lane that equals the tag that `pattern` repeats. Exact: no carry
 * crosses lanes. */
static inline uint64_t lanes_equal(uint64_t word, uint64_t pattern)
{
	const uint64_t low = 0x7fff * EVERY_TAG;
	uint64_t diff = word ^ pattern;

	return ~(((diff & low) + low) | diff | low);
}

/* One bit per cell that equals the tag: bit 16 * lane + word, see cell_of_bit. */
static inline uint64_t cells_equal(const uint64_t words[3], uint64_t pattern)
{
	return lanes_equal(words[0], pattern) >> 15 | lanes_equal(words[1], pattern) >> 14 |
	       (lanes_equal(words[2], pattern) & BUCKET_TAGS_TAIL) >> 13;
}

static inline unsigned cell_of_bit(unsigned bit)
{
	return bit % 16 * 4 + bit / 16;
}

/* Iterates over the cells that may hold a key. */
struct probe {
	const struct table *table;
	uint64_t pattern;
	uint64_t cells; /* matching cells of this bucket that are not yet visited */
	uint32_t bucket;
	uint32_t left; /* buckets left after this one */
	unsigned cell; /* cell of the last slot returned */
	bool passed;   /* a session passed this bucket */
};

static inline void probe_load(struct probe *probe)
{
	const struct bucket *bucket = &probe->table->buckets[probe->bucket];
	uint64_t words[3];

	for (unsigned i = 0; i < 3; i++)
		words[i] = load_acquire(&bucket->words[i]);
	probe->cells = cells_equal(words, probe->pattern);
	probe->passed = words[2] >= BUCKET_PASSED;
}

static inline void probe_start(struct probe *probe, const struct table *table, uint64_t hash)
{
	probe->table = table;
	probe->pattern = table_tag(hash) * EVERY_TAG;
	probe->bucket = table_home(table, hash);
	probe->left = table->bucket_count - 1;
	probe_load(probe);
}

/* The next slot that may hold the key, or TABLE_NO_SLOT. */
static inline uint32_t probe_next(struct probe *probe)
{
	while (!probe->cells) {
		if (!probe->passed || !probe->left)
			return TABLE_NO_SLOT;
		probe->left--;
		probe->bucket = table_next_bucket(probe->table, probe->bucket);
		probe_load(probe);
	}
	probe->cell = cell_of_bit(__builtin_ctzll(probe->cells));
	probe->cells &= probe->cells - 1;
	return load_acquire(&probe->table->buckets[probe->bucket].slots[probe->cell]);
}

static inline bool words_are_key(const uint64_t *words, const uint8_t *key)
{
	uint64_t diff = 0;

	for (unsigned i = 0; i < TABLE_KEY_WORDS; i++)
		diff |= load64(key + 8 * i) ^ load_acquire(&words[i]);
	return !diff;
}

static inline bool slot_key_equal(const struct table_slot *slot, const uint8_t *key)
{
	return words_are_key(slot->key, key);
}

static inline uint64_t table_hash_key(const struct table *table, const uint8_t key[SESSD_KEY_SIZE])
{
	const uint64_t *secret = table->secret;
	unsigned __int128 sum = 0;

	/* NH (Black et al., "UMAC: fast and secure message authentication"): any two different keys
	 * have the same sum with a probability of at most 2^-64. */
	for (unsigned i = 0; i < TABLE_KEY_WORDS; i += 2)
		sum += (unsigned __int128)(load64(key + 8 * i) + secret[i]) *
		       (load64(key + 8 * i + 8) + secret[i + 1]);
	/* Mixes: every bit of the sum affects every bit of the hash. It needs no secrets of its
	 * own: who chooses keys does not know their sums. */
	sum = (unsigned __int128)(uint64_t)sum * (uint64_t)(sum >> 64);
	return (uint64_t)sum ^ (uint64_t)(sum >> 64);
}

#ifdef TABLE_WIDE_WINDOW
/* For tests only: lets others run, at one call in `every`, between a reader's finding a session and
 * using it. A daemon under load meets that too rarely for a test of seconds. */
#include <time.h>
static inline void table_window(unsigned every)
{
	static const struct timespec moment = {.tv_nsec = 1};
	static _Thread_local unsigned reads;

	if (++reads % every == 0)
		nanosleep(&moment, NULL);
}
#else
static inline void table_window(unsigned every)
{
	(void)every;
}
#endif

#endif
