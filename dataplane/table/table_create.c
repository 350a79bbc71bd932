/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Creates and destroys a table.
 */
#include "common/locked_memory.h"
#include "dataplane/table/table_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* A huge page. */
#define POPULATE_STEP ((size_t)2 << 20)

static const char *const region_names[TABLE_REGIONS] = {
	[REGION_BUCKETS] = "table_buckets",
	[REGION_SLOTS] = "table_slots",
	[REGION_FREE_SLOTS] = "table_free_slots",
	[REGION_HELD] = "table_held",
	[REGION_BLOCKS] = "table_blocks",
	[REGION_SLOT_BLOCK] = "table_slot_block",
	[REGION_FREE_BLOCKS] = "table_free_blocks",
	[REGION_MARKS] = "table_marks",
};

static size_t round_to_line(size_t bytes)
{
	return (bytes + 63) / 64 * 64;
}

static uint32_t bucket_count(const struct table_config *config)
{
	uint32_t load = config->value_max ? TABLE_BUCKET_LOAD : TABLE_INDEX_LOAD;

	return (config->capacity + load - 1) / load;
}

/* Slots with values fill whole cache lines; those of an index alone are as small as possible. */
static uint32_t slot_bytes(const struct table_config *config)
{
	size_t value = config->value_max;

	if (!value)
		return INDEX_SLOT_BYTES;
	if (value > TABLE_INLINE_MAX)
		value = TABLE_INLINE_MAX;
	return round_to_line(sizeof(struct table_slot) + value);
}

static uint32_t block_bytes(const struct table_config *config)
{
	if (config->value_max <= TABLE_INLINE_MAX)
		return 0;
	return round_to_line(config->value_max - TABLE_INLINE_MAX);
}

/* Bytes of each region; 0 for those that are not needed. */
static void region_sizes(const struct table_config *config, size_t bytes[TABLE_REGIONS])
{
	size_t capacity = config->capacity;
	size_t numbers = round_to_line(capacity * sizeof(uint32_t));

	memset(bytes, 0, TABLE_REGIONS * sizeof(*bytes));
	bytes[REGION_BUCKETS] = bucket_count(config) * sizeof(struct bucket);
	bytes[REGION_SLOTS] = round_to_line((capacity + 1) * slot_bytes(config));
	bytes[REGION_FREE_SLOTS] = numbers;
	bytes[REGION_HELD] = round_to_line(MARKS_WORDS(capacity) * sizeof(uint64_t));
	if (block_bytes(config)) {
		bytes[REGION_BLOCKS] = capacity * block_bytes(config);
		bytes[REGION_SLOT_BLOCK] = numbers;
		bytes[REGION_FREE_BLOCKS] = numbers;
	}
	if (!config->marks)
		bytes[REGION_MARKS] = round_to_line(MARKS_WORDS(capacity + 1) * sizeof(uint64_t));
}

/* Whether every lookup may touch the region. Overflow blocks are for the few long values. */
static bool is_hot(unsigned region)
{
	return region == REGION_BUCKETS || region == REGION_SLOTS || region == REGION_MARKS;
}

size_t table_hot_bytes(const struct table_config *config)
{
	size_t bytes[TABLE_REGIONS], total = 0;

	region_sizes(config, bytes);
	for (unsigned i = 0; i < TABLE_REGIONS; i++)
		total += is_hot(i) ? bytes[i] : 0;
	return total;
}

size_t table_reserved_bytes(const struct table_config *config)
{
	size_t bytes[TABLE_REGIONS], total = sizeof(struct table);

	region_sizes(config, bytes);
	for (unsigned i = 0; i < TABLE_REGIONS; i++)
		total += bytes[i];
	return total;
}

static void *default_alloc(size_t bytes, const char *what, void *ctx)
{
	(void)what;
	(void)ctx;
	return memory_reserve(bytes, true);
}

static void default_free(void *memory, size_t bytes, void *ctx)
{
	(void)ctx;
	memory_release(memory, bytes);
}

/* In steps, so that a page of a region that is not yet due is not taken as a huge one when it is
 * touched: clearing that may take a millisecond. */
static int populate(void *region, size_t from, size_t to)
{
	for (size_t at = from; at < to; at += POPULATE_STEP) {
		size_t rest = to - at;

		if (memory_populate((uint8_t *)region + at,
			    rest < POPULATE_STEP ? rest : POPULATE_STEP) < 0)
			return -ENOMEM;
	}
	return 0;
}

int table_populate_slots(struct table *table, uint32_t first, uint32_t end)
{
	size_t from = (size_t)first * table->slot_bytes / POPULATE_STEP * POPULATE_STEP;
	size_t to = ((size_t)end * table->slot_bytes + POPULATE_STEP - 1) / POPULATE_STEP *
		    POPULATE_STEP;

	if (table->memory.alloc != default_alloc)
		return -ENOTSUP;
	if (to > table->region_bytes[REGION_SLOTS])
		to = table->region_bytes[REGION_SLOTS];
	return populate(table->slots, from, to);
}

int table_populate_index(struct table *table)
{
	int err;

	if (table->memory.alloc != default_alloc)
		return -ENOTSUP;
	err = populate(table->buckets, 0, table->region_bytes[REGION_BUCKETS]);
	if (!err && table->region[REGION_MARKS])
		err = populate(table->region[REGION_MARKS], 0, table->region_bytes[REGION_MARKS]);
	return err;
}

uint32_t table_slot_size(const struct table *table)
{
	return table->slot_bytes;
}

static const struct table_memory default_memory = {default_alloc, default_free, NULL};

/* Regions to lock, in default memory; a caller's allocator locks its own. */
static bool holds_values(unsigned region)
{
	return region == REGION_SLOTS || region == REGION_BLOCKS;
}

bool table_locked(const struct table *table)
{
	return !table->unlocked;
}

struct table *table_create(const struct table_config *config)
{
	struct table *table;
	int err;

	if (config->capacity < 1 || config->capacity >= SESSD_SLOT_LIMIT ||
		config->value_max > SESSD_VALUE_LIMIT) {
		errno = EINVAL;
		return NULL;
	}
	table = aligned_alloc(_Alignof(struct table), sizeof(*table));
	if (!table)
		return NULL;
	memset(table, 0, sizeof(*table));
	table->memory = config->memory ? *config->memory : default_memory;
	if (getrandom(table->secret, sizeof(table->secret), 0) != sizeof(table->secret))
		goto err;
	region_sizes(config, table->region_bytes);
	for (unsigned i = 0; i < TABLE_REGIONS; i++) {
		if (!table->region_bytes[i])
			continue;
		table->region[i] = table->memory.alloc(
			table->region_bytes[i], region_names[i], table->memory.ctx);
		if (table->region[i] && config->value_max && !config->memory && holds_values(i) &&
			!memory_lock(table->region[i], table->region_bytes[i]))
			table->unlocked = true;
		if (!table->region[i] ||
			(config->populate && !config->memory && is_hot(i) &&
				memory_populate(table->region[i], table->region_bytes[i]) < 0)) {
			errno = ENOMEM;
			goto err;
		}
		/* The first sessions touch all of the index, before it can be populated. */
		if (!config->memory && i == REGION_BUCKETS)
			memory_prefer_huge(table->region[i], table->region_bytes[i]);
	}
	table->buckets = table->region[REGION_BUCKETS];
	table->slots = table->region[REGION_SLOTS];
	table->marks = config->marks ? config->marks : table->region[REGION_MARKS];
	table->blocks = table->region[REGION_BLOCKS];
	table->slot_block = table->region[REGION_SLOT_BLOCK];
	table->free_slots.returned = table->region[REGION_FREE_SLOTS];
	table->free_blocks.returned = table->region[REGION_FREE_BLOCKS];
	table->held = table->region[REGION_HELD];
	table->bucket_count = bucket_count(config);
	table->capacity = config->capacity;
	table->slot_bytes = slot_bytes(config);
	table->block_bytes = block_bytes(config);
	table->value_max = config->value_max;
	table->key_offset = config->value_max ? offsetof(struct table_slot, key) : 0;
	table->inline_bytes = config->value_max ? table->slot_bytes - sizeof(struct table_slot) : 0;
	return table;
err:
	err = errno;
	table_destroy(table);
	errno = err;
	return NULL;
}

void table_destroy(struct table *table)
{
	if (!table)
		return;
	/* Wipe only slots that were filled: pages never written stay unallocated. */
	for (uint32_t i = 0; i < table->used_end; i++) {
		struct table_slot *slot = table_slot_at(table, i);

		if (table_is_index(table) ? table_holds(table, i) : slot->head)
			explicit_bzero(slot, table->slot_bytes);
	}
	if (table->blocks)
		explicit_bzero(
			table->blocks, (size_t)table->free_blocks.fresh * table->block_bytes);
	for (unsigned i = 0; i < TABLE_REGIONS; i++) {
		if (table->region[i])
			table->memory.free(
				table->region[i], table->region_bytes[i], table->memory.ctx);
	}
	explicit_bzero(table, sizeof(*table));
	free(table);
}
