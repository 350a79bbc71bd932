/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The readers' side of the table.
 */
#include "dataplane/table/table_private.h"

/* A session that changes during a read was nearly always deleted, and the next try finds it gone.
 * More than one retry needs a key that is deleted and stored again continuously. */
#define READ_RETRIES 8

static inline void copy_words(uint8_t *to, const uint64_t *from, unsigned bytes)
{
	unsigned words = bytes / 8;
	uint64_t word;

	for (unsigned i = 0; i < words; i++)
		store64(to + 8 * i, load_acquire(&from[i]));
	if (bytes % 8) {
		word = load_acquire(&from[words]);
		memcpy(to + 8 * words, &word, bytes % 8);
	}
}

static inline void copy_value(
	const struct table *table, uint32_t number, unsigned len, uint8_t *value)
{
	const struct table_slot *slot = table_slot_at(table, number);

	if (__builtin_expect(len <= table->inline_bytes, 1)) {
		copy_words(value, slot->value, len);
		return;
	}
	/* Safe while torn: any block number that is read is within the table. */
	copy_words(value, slot->value, table->inline_bytes);
	copy_words(value + table->inline_bytes,
		table_block_at(table, load_acquire(&table->slot_block[number])),
		len - table->inline_bytes);
}

/* Whether what was copied is whole: nothing was written since `head` was read. */
static inline bool unchanged(const struct table_slot *slot, uint64_t head)
{
#ifdef TABLE_UNSAFE_NO_RECHECK /* for the test that shows what it is for */
	return true;
#endif
	return load_relaxed(&slot->head) == head;
}

/* Takes a session that was copied: TABLE_TORN if it has changed since. */
static inline enum table_result claim(struct table_slot *slot, uint64_t head)
{
#ifdef TABLE_UNSAFE_NO_CLAIM /* for the test that shows what it is for */
	if (!unchanged(slot, head))
		return TABLE_TORN;
	table_window(1);
	store_release(&slot->head, head | SLOT_TAKEN);
	return TABLE_HIT;
#endif
	uint64_t now = head;

	if (__atomic_compare_exchange_n(&slot->head, &now, head | SLOT_TAKEN, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return TABLE_HIT;
	return now == (head | SLOT_TAKEN) ? TABLE_LOST : TABLE_TORN;
}

/* One try; TABLE_TORN: try again. */
static inline enum table_result read_once(struct table *table, uint64_t hash, const uint8_t *key,
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, bool take)
{
	struct probe probe;
	uint32_t number;

	probe_start(&probe, table, hash);
	while ((number = probe_next(&probe)) != TABLE_NO_SLOT) {
		struct table_slot *slot = table_slot_at(table, number);
		uint64_t head = load_acquire(&slot->head);
		enum table_result result = TABLE_HIT;
		uint64_t expires;

		__builtin_prefetch(&table->marks[number / 64]);
		/* Another key, or a slot that is being changed: a session's key is stored before
		 * its cell, so our session could only be missing here if it was deleted. */
		if (!slot_key_equal(slot, key))
			continue;
		if ((head & SLOT_STATE) != SLOT_LIVE)
			return TABLE_TORN;
		expires = load_acquire(&slot->expires);
		table_window(16);
		if (now < expires)
			copy_value(table, number, slot_head_len(head), value);
		if (take && number == table->capacity)
			return TABLE_MISS;
		if (!take || now >= expires || head & SLOT_TAKEN)
			result = unchanged(slot, head) ? TABLE_HIT : TABLE_TORN;
		else
			result = claim(slot, head);
		if (result != TABLE_HIT)
			return result;
		if (head & SLOT_TAKEN)
			return TABLE_MISS;
		if (now >= expires)
			return TABLE_EXPIRED;
		*len = slot_head_len(head);
		*sum = slot_head_sum(head);
		if (!take)
			mark_set(table->marks, number);
		return TABLE_HIT;
	}
	return TABLE_MISS;
}

static inline enum table_result look_up(struct table *table, uint64_t hash, const uint8_t *key,
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries, bool take)
{
	for (unsigned retry = 0;; retry++) {
		enum table_result result = read_once(table, hash, key, now, value, len, sum, take);

		if (__builtin_expect(result != TABLE_TORN, 1) || retry == READ_RETRIES)
			return result;
		++*retries;
#if defined(__x86_64__) || defined(__i386__)
		__builtin_ia32_pause();
#endif
	}
}

enum table_result table_get(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries)
{
	return look_up(table, hash, key, now, value, len, sum, retries, false);
}

enum table_result table_take(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries)
{
	return look_up(table, hash, key, now, value, len, sum, retries, true);
}

uint64_t table_left(
	struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE], uint64_t now)
{
	struct probe probe;
	uint32_t number;

	probe_start(&probe, table, hash);
	while ((number = probe_next(&probe)) != TABLE_NO_SLOT) {
		struct table_slot *slot = table_slot_at(table, number);

		for (unsigned retry = 0; retry <= READ_RETRIES && slot_key_equal(slot, key);
			retry++) {
			uint64_t head = load_acquire(&slot->head);
			uint64_t expires = load_acquire(&slot->expires);

			if ((head & SLOT_STATE) != SLOT_LIVE || !slot_key_equal(slot, key) ||
				!unchanged(slot, head))
				continue;
			return number < table->capacity && !(head & SLOT_TAKEN) && now < expires
				       ? expires - now
				       : 0;
		}
	}
	return 0;
}

uint64_t table_hash(const struct table *table, const uint8_t key[SESSD_KEY_SIZE])
{
	return table_hash_key(table, key);
}

void table_prefetch_bucket(const struct table *table, uint64_t hash)
{
	__builtin_prefetch(&table->buckets[table_home(table, hash)]);
}

void table_prefetch_slot(const struct table *table, uint64_t hash)
{
	const uint8_t *slot;
	struct probe probe;
	uint32_t number;

	probe_start(&probe, table, hash);
	number = probe_next(&probe);
	if (number == TABLE_NO_SLOT)
		return;
	slot = (const uint8_t *)table_slot_at(table, number);
	for (unsigned line = 0; line < table->slot_bytes; line += 64)
		__builtin_prefetch(slot + line);
	__builtin_prefetch(&table->marks[number / 64]);
}

uint32_t table_used_end(const struct table *table)
{
	return table->used_end;
}

uint32_t table_capacity(const struct table *table)
{
	return table->capacity;
}

uint32_t table_count(const struct table *table)
{
	return load_relaxed(&table->count);
}

uint64_t *table_marks(struct table *table)
{
	return table->marks;
}
