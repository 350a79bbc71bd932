/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/rests.h"

#include "common/locked_memory.h"
#include "dataplane/xdp/mirror/map_changes.h"

#include <bpf/bpf.h>

#include <stdlib.h>
#include <string.h>

/* Blocks that are stored with one system call. */
#define AT_ONCE 8

/* Blocks that wait for rests_settle. */
#define EMPTIED_MAX 256

/* 64^5 blocks: more than there are. */
#define LEVELS 5

#define ALL UINT64_MAX

struct rests {
	struct rest_reader reader;
	uint32_t blocks, slots;
	size_t words[LEVELS]; /* of `full` */
	uint64_t *used;	      /* for each block: a bit for each of its rests */
	/* For each block, a bit: all its rests are in use. On the higher levels, a bit for each
	 * word below: it is all ones. */
	uint64_t *full[LEVELS];
	uint32_t *of_slot; /* number + 1, or 0 */
	uint8_t *stored;   /* AT_ONCE blocks */
	uint32_t keys[AT_ONCE];
	bool refused[AT_ONCE];
	bool adopting; /* not all rests are in `used` yet: delete no block */
	uint32_t emptied[EMPTIED_MAX];
	unsigned emptied_count;
	struct undeleted old;
};

static size_t used_bytes(uint32_t blocks)
{
	return (size_t)blocks * sizeof(uint64_t);
}

static size_t slot_bytes(uint32_t slots)
{
	return (size_t)slots * sizeof(uint32_t);
}

static uint64_t all_used(const struct rests *rests)
{
	return rests->reader.rests == SESSD_RESTS_MAX ? ALL : (1ULL << rests->reader.rests) - 1;
}

static bool allocate(struct rests *rests)
{
	size_t words = rests->blocks;

	rests->used = memory_reserve(used_bytes(rests->blocks), false);
	rests->of_slot = memory_reserve(slot_bytes(rests->slots), false);
	rests->stored = calloc(AT_ONCE, rests->reader.block_size);
	if (!rests->used || !rests->of_slot || !rests->stored)
		return false;
	memory_lock(rests->stored, (size_t)AT_ONCE * rests->reader.block_size);
	for (unsigned level = 0; level < LEVELS; level++) {
		words = (words + 63) / 64;
		rests->words[level] = words;
		rests->full[level] = calloc(words, sizeof(uint64_t));
		if (!rests->full[level])
			return false;
	}
	return true;
}

struct rests *rests_create(int fd, uint16_t value_max, uint32_t slots)
{
	struct rests *rests = calloc(1, sizeof(*rests));
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);

	if (!rests)
		return NULL;
	rests->old.key_size = sizeof(uint32_t);
	rests->slots = value_max > SESSD_INLINE_MAX ? slots : 1;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0)
		rests->blocks = info.max_entries;
	if (rests->blocks && rest_reader_open(&rests->reader, fd, value_max) == 0 &&
		allocate(rests))
		return rests;
	rests_destroy(rests);
	return NULL;
}

void rests_destroy(struct rests *rests)
{
	if (!rests)
		return;
	if (rests->stored)
		explicit_bzero(rests->stored, (size_t)AT_ONCE * rests->reader.block_size);
	free(rests->stored);
	rest_reader_close(&rests->reader);
	memory_release(rests->used, used_bytes(rests->blocks));
	memory_release(rests->of_slot, slot_bytes(rests->slots));
	for (unsigned level = 0; level < LEVELS; level++)
		free(rests->full[level]);
	free(rests->old.keys);
	free(rests);
}

uint64_t rests_bytes(uint32_t blocks, uint16_t value_max, uint32_t slots)
{
	/* A bit in `full` for each block, and less than another on the levels above. */
	uint64_t bytes = used_bytes(blocks) + blocks / 4 + LEVELS * sizeof(uint64_t) +
			 (AT_ONCE + 1) * SESSD_BLOCK_SIZE(value_max);

	return value_max > SESSD_INLINE_MAX ? bytes + slot_bytes(slots) : bytes;
}

struct rest_reader *rests_reader(struct rests *rests)
{
	return &rests->reader;
}

/* The lowest block that has room; false if there is none. */
static bool find_room(const struct rests *rests, uint32_t *block)
{
	size_t at = 0;

	for (unsigned level = LEVELS; level-- > 0;) {
		if (at >= rests->words[level] || rests->full[level][at] == ALL)
			return false;
		at = at * 64 + (size_t)__builtin_ctzll(~rests->full[level][at]);
	}
	*block = (uint32_t)at;
	return at < rests->blocks;
}

static void set_full(struct rests *rests, size_t at)
{
	for (unsigned level = 0; level < LEVELS; level++, at /= 64) {
		uint64_t *word = &rests->full[level][at / 64];

		*word |= 1ULL << at % 64;
		if (*word != ALL)
			return;
	}
}

static void clear_full(struct rests *rests, size_t at)
{
	for (unsigned level = 0; level < LEVELS; level++, at /= 64) {
		uint64_t *word = &rests->full[level][at / 64], was = *word;

		*word &= ~(1ULL << at % 64);
		if (was != ALL)
			return;
	}
}

static void use(struct rests *rests, uint32_t slot, uint32_t number)
{
	uint32_t block = number >> SESSD_REST_BITS;

	rests->used[block] |= 1ULL << number % SESSD_RESTS_MAX;
	if (rests->used[block] == all_used(rests))
		set_full(rests, block);
	rests->of_slot[slot] = number + 1;
}

void rests_settle(struct rests *rests)
{
	map_delete_all(rests->reader.fd, rests->emptied, rests->emptied_count, &rests->old);
	rests->emptied_count = 0;
}

void rests_retry(struct rests *rests)
{
	undeleted_retry(rests->reader.fd, &rests->old);
}

bool rests_take(struct rests *rests, uint32_t slot, uint32_t *number)
{
	if (slot >= rests->slots || !rests->of_slot[slot])
		return false;
	*number = rests->of_slot[slot] - 1;
	rests->of_slot[slot] = 0;
	return true;
}

void rests_free(struct rests *rests, uint32_t number)
{
	uint32_t block = number >> SESSD_REST_BITS;

	if (rests->used[block] == all_used(rests))
		clear_full(rests, block);
	rests->used[block] &= ~(1ULL << number % SESSD_RESTS_MAX);
	if (rests->used[block] || rests->adopting)
		return;
	if (rests->emptied_count == EMPTIED_MAX)
		rests_settle(rests);
	rests->emptied[rests->emptied_count++] = block;
}

/* Reads a block that has rests, and wipes what is no rest's. */
static void load(struct rests *rests, uint32_t block, uint8_t *to)
{
	uint64_t used = rests->used[block];

	if (!used || !rest_reader_block(&rests->reader, block, to)) {
		memset(to, 0, rests->reader.block_size);
		return;
	}
	for (uint32_t i = 0; i < rests->reader.rests; i++) {
		if (!(used >> i & 1))
			memset(to + (size_t)i * rests->reader.rest_size, 0,
				rests->reader.rest_size);
	}
}

static void block_refused(void *ctx, unsigned index)
{
	struct rests *rests = ctx;

	rests->refused[index] = true;
}

/* Stores `count` blocks with the rests of `puts`. */
static void store_blocks(
	struct rests *rests, unsigned count, struct rest_put *puts, unsigned put_count)
{
	const struct map_puts blocks = {
		.keys = rests->keys,
		.values = rests->stored,
		.key_size = sizeof(rests->keys[0]),
		.value_size = rests->reader.block_size,
		.refused = block_refused,
		.ctx = rests,
	};

	memset(rests->refused, 0, sizeof(rests->refused));
	for (unsigned i = 0; i < count && rests->old.count; i++)
		undeleted_forget(&rests->old, &rests->keys[i]);
	map_put_all(rests->reader.fd, &blocks, count);
	explicit_bzero(rests->stored, (size_t)count * rests->reader.block_size);
	for (unsigned i = 0; i < put_count; i++)
		puts[i].refused = puts[i].refused || rests->refused[puts[i].at];
}

/* Numbers ascend within a call: nothing is freed meanwhile. */
void rests_store(struct rests *rests, struct rest_put *puts, unsigned count)
{
	unsigned blocks = 0, first = 0;

	for (unsigned i = 0; i < count; i++) {
		struct rest_put *put = &puts[i];
		uint32_t block, place, number;

		put->at = 0;
		put->refused = !find_room(rests, &block);
		if (put->refused)
			continue;
		if (blocks && rests->keys[blocks - 1] != block && blocks == AT_ONCE) {
			store_blocks(rests, blocks, puts + first, i - first);
			blocks = 0;
			first = i;
		}
		if (!blocks || rests->keys[blocks - 1] != block) {
			load(rests, block,
				rests->stored + (size_t)blocks * rests->reader.block_size);
			rests->keys[blocks++] = block;
		}
		place = (uint32_t)__builtin_ctzll(~rests->used[block]);
		number = block << SESSD_REST_BITS | place;
		use(rests, put->slot, number);
		put->at = (uint8_t)(blocks - 1);
		memcpy(put->entry->data + SESSD_SPLIT, &number, sizeof(number));
		memcpy(rests->stored + (size_t)put->at * rests->reader.block_size +
				(size_t)place * rests->reader.rest_size,
			put->rest, rests->reader.rest_size);
	}
	store_blocks(rests, blocks, puts + first, count - first);
}

bool rests_adopt(struct rests *rests, uint32_t slot, uint32_t number)
{
	uint32_t block = number >> SESSD_REST_BITS, place = number % SESSD_RESTS_MAX;

	rests->adopting = true;
	if (slot >= rests->slots || rests->of_slot[slot] || block >= rests->blocks ||
		place >= rests->reader.rests || rests->used[block] >> place & 1)
		return false;
	use(rests, slot, number);
	return true;
}

void rests_drop_orphans(struct rests *rests)
{
	int fd = rests->reader.fd;
	uint32_t block, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	while (more) {
		block = next;
		more = bpf_map_get_next_key(fd, &block, &next) == 0;
		if (block >= rests->blocks || !rests->used[block])
			bpf_map_delete_elem(fd, &block);
	}
	rests->adopting = false;
}
