/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's side of the table.
 */
#include "dataplane/table/table_private.h"

#include <assert.h>

static uint32_t numbers_take(struct numbers *numbers, uint32_t limit)
{
	if (numbers->returned_count)
		return numbers->returned[--numbers->returned_count];
	return numbers->fresh < limit ? numbers->fresh++ : TABLE_NO_SLOT;
}

static void numbers_return(struct numbers *numbers, uint32_t number)
{
	numbers->returned[numbers->returned_count++] = number;
}

static void set_held(struct table *table, uint32_t slot)
{
	table->held[slot / 64] |= 1ULL << slot % 64;
}

static void clear_held(struct table *table, uint32_t slot)
{
	table->held[slot / 64] &= ~(1ULL << slot % 64);
}

uint32_t table_alloc(struct table *table)
{
	struct numbers *numbers = &table->free_slots;

	/* Skips adopted slots; each is skipped once in the table's lifetime. */
	while (!numbers->returned_count && numbers->fresh < table->capacity &&
		table_holds(table, numbers->fresh)) {
		if (numbers->fresh % 64 == 0 && table->held[numbers->fresh / 64] == UINT64_MAX)
			numbers->fresh += 64;
		else
			numbers->fresh++;
	}
	return numbers_take(numbers, table->capacity);
}

bool table_alloc_at(struct table *table, uint32_t slot)
{
	if (slot >= table->capacity || slot < table->free_slots.fresh || table_holds(table, slot))
		return false;
	set_held(table, slot);
	return true;
}

void table_unalloc(struct table *table, uint32_t slot)
{
	/* table_alloc will find an adopted slot that it has not skipped yet by itself. */
	if (slot >= table->free_slots.fresh)
		clear_held(table, slot);
	else
		numbers_return(&table->free_slots, slot);
}

static void add_passed(struct bucket *bucket, uint64_t by)
{
	store_release(&bucket->words[2], load_relaxed(&bucket->words[2]) + by);
}

/* There are more cells than slots, so the loop ends. */
static void index_add(struct table *table, uint64_t hash, uint32_t slot)
{
	uint32_t at = table_home(table, hash);

	for (;; at = table_next_bucket(table, at)) {
		struct bucket *bucket = &table->buckets[at];
		uint64_t free_cells = cells_equal(bucket->words, 0);
		uint64_t *word;
		unsigned cell;

		if (!free_cells) {
			add_passed(bucket, BUCKET_PASSED);
			continue;
		}
		cell = cell_of_bit(__builtin_ctzll(free_cells));
		word = &bucket->words[cell / 4];
		store_release(&bucket->slots[cell], slot);
		/* This publishes it. */
		store_release(word, load_relaxed(word) | table_tag(hash) << cell % 4 * 16);
		return;
	}
}

static void index_remove(struct table *table, uint64_t hash, uint32_t slot)
{
	struct probe probe;
	uint64_t *word;
	uint32_t at;

	probe_start(&probe, table, hash);
	while ((at = probe_next(&probe)) != slot)
		assert(at != TABLE_NO_SLOT);
	word = &table->buckets[probe.bucket].words[probe.cell / 4];
	store_release(word, load_relaxed(word) & ~(0xffffULL << probe.cell % 4 * 16));
	for (at = table_home(table, hash); at != probe.bucket; at = table_next_bucket(table, at))
		add_passed(&table->buckets[at], -BUCKET_PASSED);
}

/* Copies `bytes` bytes and zeroes the rest of the last word. */
static void put_words(uint64_t *to, const void *from, unsigned bytes)
{
	unsigned words = bytes / 8;
	uint64_t word;

	for (unsigned i = 0; i < words; i++)
		store_release(&to[i], load64((const uint8_t *)from + 8 * i));
	if (bytes % 8) {
		word = 0;
		memcpy(&word, (const uint8_t *)from + 8 * words, bytes % 8);
		store_release(&to[words], word);
	}
}

/* Not memset: readers may be looking, and the compiler must not drop these stores. They are
 * atomic. */
static void wipe_words(uint64_t *words, unsigned bytes)
{
	for (unsigned i = 0; i < (bytes + 7) / 8; i++)
		store_release(&words[i], 0);
}

static void put_value(struct table *table, uint32_t number, const uint8_t *value, unsigned len)
{
	struct table_slot *slot = table_slot_at(table, number);
	uint32_t block;

	if (len <= table->inline_bytes) {
		put_words(slot->value, value, len);
		return;
	}
	/* There are as many blocks as slots. */
	block = numbers_take(&table->free_blocks, table->capacity);
	put_words(slot->value, value, table->inline_bytes);
	put_words(table_block_at(table, block), value + table->inline_bytes,
		len - table->inline_bytes);
	store_release(&table->slot_block[number], block);
}

static void wipe_value(struct table *table, uint32_t number, unsigned len)
{
	struct table_slot *slot = table_slot_at(table, number);
	uint32_t block;

	if (len <= table->inline_bytes) {
		wipe_words(slot->value, len);
		return;
	}
	block = table->slot_block[number];
	wipe_words(slot->value, table->inline_bytes);
	wipe_words(table_block_at(table, block), len - table->inline_bytes);
	numbers_return(&table->free_blocks, block);
}

uint32_t table_find(const struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE])
{
	struct probe probe;
	uint32_t slot;

	probe_start(&probe, table, hash);
	while ((slot = probe_next(&probe)) != TABLE_NO_SLOT) {
		if (words_are_key(table_key_at(table, slot), key))
			return slot;
	}
	return TABLE_NO_SLOT;
}

void table_prefetch_new(const struct table *table, uint64_t hash, uint32_t number)
{
	const uint8_t *slot = (const uint8_t *)table_slot_at(table, number);

	__builtin_prefetch(&table->buckets[table_home(table, hash)], 1);
	__builtin_prefetch(slot, 1);
	__builtin_prefetch(slot + table->slot_bytes - 1, 1);
	__builtin_prefetch(&table->held[number / 64], 1);
	__builtin_prefetch(&table->marks[number / 64], 1);
}

static void fill_slot(struct table *table, const struct session *session, const void *value)
{
	struct table_slot *slot = table_slot_at(table, session->slot);
	uint64_t head = load_relaxed(&slot->head);
	uint32_t seq = head;

	assert(!(seq & SLOT_STATE) && session->len <= table->value_max);
	store_relaxed(&slot->head, head | SLOT_WRITING);
	store_release(&slot->expires, session->expires);
	put_words(slot->key, session->key, SESSD_KEY_SIZE);
	put_value(table, session->slot, value, session->len);
	store_release(&slot->head, slot_head(seq + 2, session->len, session->sum));
}

void table_insert(
	struct table *table, uint64_t hash, const struct session *session, const void *value)
{
	assert(session->slot <= table->capacity);
	if (table_is_index(table))
		memcpy(index_key_at(table, session->slot), session->key, SESSD_KEY_SIZE);
	else
		fill_slot(table, session, value);
	mark_clear(table->marks, session->slot);
	index_add(table, hash, session->slot);
	if (session->slot == table->capacity)
		return;
	if (table_is_index(table))
		set_held(table, session->slot);
	if (session->slot >= table->used_end)
		table->used_end = session->slot + 1;
	store_relaxed(&table->count, table->count + 1);
}

uint32_t table_extra_slot(const struct table *table)
{
	return table->capacity;
}

void table_renew(struct table *table, uint32_t number, uint64_t expires)
{
	if (!table_is_index(table))
		store_release(&table_slot_at(table, number)->expires, expires);
}

void table_rewrite_extra(struct table *table, const struct session *session, const void *value)
{
	struct table_slot *slot = table_slot_at(table, table->capacity);
	uint64_t head;
	uint32_t seq;

	if (table_is_index(table))
		return;
	head = load_relaxed(&slot->head);
	seq = head;
	assert((seq & SLOT_STATE) == SLOT_LIVE && session->len <= table->inline_bytes);
	store_relaxed(&slot->head, head | SLOT_WRITING);
	put_value(table, table->capacity, value, session->len);
	store_release(&slot->head, slot_head(seq + 4, session->len, session->sum));
}

void table_value(const struct table *table, uint32_t number, void *value)
{
	const struct table_slot *slot = table_slot_at(table, number);
	unsigned len = slot_head_len(load_relaxed(&slot->head)), first = len;

	assert(table->value_max && number < table->capacity);
	if (first > table->inline_bytes)
		first = table->inline_bytes;
	memcpy(value, slot->value, first);
	if (len > first)
		memcpy((uint8_t *)value + first, table_block_at(table, table->slot_block[number]),
			len - first);
}

static void wipe_slot(struct table *table, uint32_t number)
{
	struct table_slot *slot = table_slot_at(table, number);
	uint64_t head = load_relaxed(&slot->head);
	uint32_t seq = head;

	assert((seq & SLOT_STATE) == SLOT_LIVE);
	store_relaxed(&slot->head, head | SLOT_WRITING);
	store_release(&slot->expires, 0);
	wipe_words(slot->key, SESSD_KEY_SIZE);
	wipe_value(table, number, slot_head_len(head));
	store_release(&slot->head, slot_head(seq + 2, 0, 0));
}

void table_delete(struct table *table, uint32_t number)
{
	assert(number < table->capacity);
	index_remove(
		table, table_hash(table, (const uint8_t *)table_key_at(table, number)), number);
	if (table_is_index(table)) {
		assert(table_holds(table, number));
		clear_held(table, number);
		explicit_bzero(index_key_at(table, number), SESSD_KEY_SIZE);
	} else {
		wipe_slot(table, number);
	}
	table_unalloc(table, number);
	store_relaxed(&table->count, table->count - 1);
}

bool table_claim(struct table *table, uint32_t number)
{
	struct table_slot *slot = table_slot_at(table, number);
	uint64_t head;

	if (table_is_index(table))
		return false;
	head = load_relaxed(&slot->head);
	/* Readers change it to this alone. */
	return !(head & SLOT_TAKEN) &&
	       __atomic_compare_exchange_n(&slot->head, &head, head | SLOT_TAKEN, false,
		       __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

bool table_taken(const struct table *table, uint32_t number)
{
	return !table_is_index(table) &&
	       load_relaxed(&table_slot_at(table, number)->head) & SLOT_TAKEN;
}

static bool read_index_slot(const struct table *table, uint32_t number, struct session *session)
{
	if (!table_holds(table, number))
		return false;
	memcpy(session->key, index_key_at(table, number), SESSD_KEY_SIZE);
	session->expires = 0;
	session->slot = number;
	session->len = session->sum = 0;
	return true;
}

bool table_slot(const struct table *table, uint32_t number, struct session *session)
{
	const struct table_slot *slot;
	uint64_t head;

	if (number >= table->capacity)
		return false;
	if (table_is_index(table))
		return read_index_slot(table, number, session);
	slot = table_slot_at(table, number);
	head = load_relaxed(&slot->head);
	if ((head & SLOT_STATE) != SLOT_LIVE)
		return false;
	memcpy(session->key, slot->key, SESSD_KEY_SIZE);
	session->expires = slot->expires;
	session->slot = number;
	session->len = slot_head_len(head);
	session->sum = slot_head_sum(head);
	return true;
}
