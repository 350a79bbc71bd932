/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of sessions: key -> slot, and in the modes that serve from user space the values too.
 *
 * One writer, any number of readers, no locks. Memory is reserved once, at creation; nothing is
 * allocated, rehashed or moved after. A slot holds one session; its number is stable for as long
 * as the session lives. Functions marked [writer] are for the one writer thread, [reader] for any.
 *
 * The index is an array of 64-byte buckets of ten cells (a 16-bit tag and a slot number each). A
 * session whose home bucket is full goes to the next one that has room, and every bucket that it
 * passes counts it, so that a lookup ends at the first bucket which nobody has passed: nearly
 * always the first. Slots are guarded by a sequence number each (odd while being written).
 */
#ifndef SESSIOND_DATAPLANE_TABLE_TABLE_H
#define SESSIOND_DATAPLANE_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>
#include <sessiond/visited.h>

#define TABLE_NO_SLOT UINT32_MAX

/* Bytes of a value that stand beside the key; the rest of a longer one is in an overflow block.
 * With the 48 bytes of struct table_slot that makes four cache lines a session. */
#define TABLE_INLINE_MAX 208

/* How `table_create` gets its memory. The default is anonymous memory. */
struct table_memory {
	void *(*alloc)(size_t bytes, const char *what, void *ctx); /* zeroed, 64-byte aligned */
	void (*free)(void *memory, size_t bytes, void *ctx);
	void *ctx;
};

struct table_config {
	uint32_t capacity;  /* sessions, 1 to SESSD_SLOT_LIMIT - 1 */
	uint16_t value_max; /* bytes of the longest value; 0: an index only, without values */
	uint64_t *marks;    /* visited marks (visited.h), kept by the caller; NULL: own ones */
	const struct table_memory *memory; /* NULL: the default */
	bool populate; /* take the default memory of index and slots at once, in huge pages */
};

struct table;

/* What a session is, apart from its value. */
struct session {
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t expires; /* tick, see map_abi.h */
	uint32_t slot;
	uint16_t len; /* bytes of the value */
	uint16_t sum; /* its Internet checksum, not complemented */
	bool tls13;   /* of adopted sessions only; the table keeps no note of it */
};

/* Returns NULL with errno set: ENOMEM, or EINVAL for a config out of its ranges. */
struct table *table_create(const struct table_config *config);
/* Wipes values before it gives memory back. NULL is allowed. */
void table_destroy(struct table *table);

/* Bytes that a table of this config reserves, its worst case: every value of value_max bytes. */
size_t table_reserved_bytes(const struct table_config *config);

/* Of these, the bytes that every lookup touches; a special allocator may have another place for the
 * rest. */
size_t table_hot_bytes(const struct table_config *config);

/* Whether values stay out of swap space: false where the limit of locked memory is too low. */
bool table_locked(const struct table *table);

uint32_t table_capacity(const struct table *table);
/* No slot from this one on was ever filled. [writer] */
uint32_t table_used_end(const struct table *table);
/* Sessions held, expired ones that were not swept yet included. [reader] */
uint32_t table_count(const struct table *table);

/* A keyed 64-bit hash of the key; the same value serves every call about that key. */
uint64_t table_hash(const struct table *table, const uint8_t key[SESSD_KEY_SIZE]);

/* The slot of a key, expired or not, or TABLE_NO_SLOT. [writer] */
uint32_t table_find(const struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE]);

/* Takes a free slot, or TABLE_NO_SLOT if there is none: the caller then evicts. [writer] */
uint32_t table_alloc(struct table *table);
/* Takes this very slot, for adoption; false if it is out of range or taken. Use it only before the
 * first table_alloc. [writer] */
bool table_alloc_at(struct table *table, uint32_t slot);
/* Gives back a slot that was taken but not filled by table_insert. [writer] */
void table_unalloc(struct table *table, uint32_t slot);

/* Fills a slot that was taken and publishes it, its mark clear. The key must not be in the table.
 * `value` may be NULL in an index-only table. Cannot fail. [writer] */
void table_insert(
	struct table *table, uint64_t hash, const struct session *session, const void *value);

/* A slot beyond the capacity, for an entry that is no session: table_alloc never gives it, it is
 * not counted, and table_take does not take it. Its value must be inline. */
uint32_t table_extra_slot(const struct table *table);
/* Gives what is in a slot another end, seen by readers at once. [writer] */
void table_renew(struct table *table, uint32_t slot, uint64_t expires);

/* Unpublishes a session, wipes its key and value and frees its slot. [writer] */
void table_delete(struct table *table, uint32_t slot);

/* What is in a slot: false if it is free. [writer] */
bool table_slot(const struct table *table, uint32_t slot, struct session *session);

enum table_result {
	TABLE_HIT,
	TABLE_MISS,
	TABLE_EXPIRED,
	TABLE_TORN, /* it still changed after every retry: answer as a miss */
	TABLE_LOST, /* of table_take alone: another has taken it meanwhile */
};

/* Copies a live session's value to `value` (room for value_max bytes), its length to `*len` and its
 * checksum to `*sum`, and sets its visited mark if it is clear. Never blocks: after a bounded
 * number of retries it gives up. `*retries` is added to. [reader] */
enum table_result table_get(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries);

/* The same for a TAKE: of all that take a session, one gets TABLE_HIT, and from then on it is a
 * miss for every reader. The slot stays in use until the writer deletes it. [reader] */
enum table_result table_take(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries);
/* Takes the session in a slot without its value: true if it was there and nobody had. [writer] */
bool table_claim(struct table *table, uint32_t slot);
/* Whether the session in a slot was taken. [writer] */
bool table_taken(const struct table *table, uint32_t slot);

/* The stages of a lookup, to be interleaved over a burst so that their cache misses overlap:
 * first prefetch the bucket; then find the candidate slot and prefetch it; then table_get. They
 * have no effect but on the cache. [reader] */
void table_prefetch_bucket(const struct table *table, uint64_t hash);
void table_prefetch_slot(const struct table *table, uint64_t hash);

/* Visited marks (visited.h). The writer clears, readers set. */
uint64_t *table_marks(struct table *table);

#endif
