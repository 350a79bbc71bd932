/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of sessions: key -> slot and, in the modes that serve from user space, the values.
 *
 * One writer, any number of readers, no locks. Memory is reserved at creation; nothing is
 * allocated, rehashed or moved later. A slot holds one session; its number is stable for the
 * session's lifetime. Functions marked [writer] are for the one writer thread, [reader] for any
 * thread.
 *
 * The index is an array of 64-byte buckets of ten cells (a 16-bit tag and a slot number each). A
 * session whose home bucket is full goes to the next bucket with room, and each bucket that it
 * passes counts it, so that a lookup ends at the first bucket that no session has passed: nearly
 * always the first. Each slot has a sequence number, odd while the slot is being written.
 */
#ifndef SESSIOND_DATAPLANE_TABLE_TABLE_H
#define SESSIOND_DATAPLANE_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>
#include <sessiond/visited.h>

#define TABLE_NO_SLOT UINT32_MAX

/* Bytes of a value that are stored next to the key; an overflow block holds the rest. With the 48
 * bytes of struct table_slot that makes four cache lines per session. */
#define TABLE_INLINE_MAX 208

/* How table_create gets its memory. The default is anonymous memory. Must be valid until
 * table_destroy. */
struct table_memory {
	void *(*alloc)(size_t bytes, const char *what, void *ctx); /* zeroed, 64-byte aligned */
	void (*free)(void *memory, size_t bytes, void *ctx);
	void *ctx;
};

struct table_config {
	uint32_t capacity;  /* sessions, 1 to SESSD_SLOT_LIMIT - 1 */
	uint16_t value_max; /* bytes of the longest value; 0: an index only, see below */
	uint64_t *marks; /* visited marks (visited.h), owned by the caller; NULL: the table's own */
	const struct table_memory *memory; /* NULL: the default */
	/* Populate the default memory of index and slots now, with huge pages; else see
	 * table_populate_slots. */
	bool populate;
};

/* An index holds no values. Of the functions for readers it has table_hash and
 * table_prefetch_bucket only; ends, lengths, sums and TAKEs of its sessions are kept elsewhere. */
struct table;
struct session_facts; /* session_der.h */

/* A session without its value. */
struct session {
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t expires; /* tick (map_abi.h) at which it expires */
	uint32_t slot;
	uint16_t len; /* bytes of the value; 0: not known, as it was read from an index */
	uint16_t sum; /* the value's Internet checksum, not complemented */
	/* Set for adopted sessions only; the table does not store them. */
	bool tls13;
	const struct session_facts *facts; /* valid while the session is reported */
};

/* Returns NULL with errno set: ENOMEM, or EINVAL for values out of range. */
struct table *table_create(const struct table_config *config);
/* Wipes values and frees the memory. NULL is allowed. */
void table_destroy(struct table *table);

/* Bytes that a table of this config reserves: the worst case, every value of value_max bytes. */
size_t table_reserved_bytes(const struct table_config *config);

/* Of these, the bytes that every lookup may touch; a special allocator may place the rest
 * elsewhere. */
size_t table_hot_bytes(const struct table_config *config);

/* Whether values stay out of swap; false if the limit of locked memory is too low. */
bool table_locked(const struct table *table);

uint32_t table_capacity(const struct table *table);
/* Slots from this one on were never filled. [writer] */
uint32_t table_used_end(const struct table *table);
/* Takes the default memory of slots from `first` on, below `end`, or of the index, with huge pages,
 * ahead of use. Any thread, while others use the table. 0; -ENOMEM: then pages are taken when they
 * are touched; or -ENOTSUP: the memory is a caller's. */
int table_populate_slots(struct table *table, uint32_t first, uint32_t end);
int table_populate_index(struct table *table);
/* Bytes of a slot. */
uint32_t table_slot_size(const struct table *table);
/* Number of sessions, including expired ones that were not deleted yet. [reader] */
uint32_t table_count(const struct table *table);

/* A keyed 64-bit hash of the key, for every call about that key. [reader] */
uint64_t table_hash(const struct table *table, const uint8_t key[SESSD_KEY_SIZE]);

/* The slot of a key, expired or not, or TABLE_NO_SLOT. [writer] */
uint32_t table_find(const struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE]);

/* Allocates a slot, or returns TABLE_NO_SLOT if none is free: the caller then evicts. [writer] */
uint32_t table_alloc(struct table *table);
/* Allocates this slot, for adoption; false if it is out of range or taken. Only before the first
 * table_alloc. [writer] */
bool table_alloc_at(struct table *table, uint32_t slot);
/* Frees a slot that was allocated but not filled by table_insert. [writer] */
void table_unalloc(struct table *table, uint32_t slot);

/* A session is soon inserted in a slot. [writer] */
void table_prefetch_new(const struct table *table, uint64_t hash, uint32_t slot);

/* Fills an allocated slot and publishes it with its mark clear. The key must not be in the table.
 * `value` may be NULL in an index-only table. Cannot fail. [writer] */
void table_insert(
	struct table *table, uint64_t hash, const struct session *session, const void *value);

/* A slot beyond the capacity, for an entry that is no session: table_alloc never gives it, it is
 * not counted, and table_take does not take it. Its value must be inline. */
uint32_t table_extra_slot(const struct table *table);
/* Gives what is in a slot another end, seen by readers at once; nothing in an index. [writer] */
void table_renew(struct table *table, uint32_t slot, uint64_t expires);

/* Gives the entry in the extra slot, which keeps its key, another value, length and sum. Cannot
 * fail. [writer] */
void table_rewrite_extra(struct table *table, const struct session *session, const void *value);

/* Copies the value of the session in a slot, as long as table_slot says, to `value`. Not for an
 * index-only table. Sets no mark. [writer] */
void table_value(const struct table *table, uint32_t slot, void *value);

/* Unpublishes a session, wipes its key and value and frees its slot. [writer] */
void table_delete(struct table *table, uint32_t slot);

/* Reads a slot's session; false if the slot is free. An index gives 0 for end, length and sum.
 * [writer] */
bool table_slot(const struct table *table, uint32_t slot, struct session *session);

enum table_result {
	TABLE_HIT,
	TABLE_MISS,
	TABLE_EXPIRED,
	TABLE_TORN, /* it changed during every try: answer as a miss */
	TABLE_LOST, /* of table_take alone: another has taken it meanwhile */
};

/* Copies a live session's value to `value` (value_max bytes), its length in bytes to `*len` and its
 * checksum to `*sum`, and sets its visited mark. `now`: tick. Never blocks: it gives up after a
 * bounded number of retries, which it adds to `*retries`. [reader] */
enum table_result table_get(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries);

/* The same for a TAKE: of all that take a session, one gets TABLE_HIT, and from then on it is a
 * miss for every reader. The slot stays in use until the writer deletes it. [reader] */
enum table_result table_take(struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value, uint16_t *len, uint16_t *sum, unsigned *retries);
/* Ticks that a session has left, at least 1; 0: it is not there, or it was taken. [reader] */
uint64_t table_left(
	struct table *table, uint64_t hash, const uint8_t key[SESSD_KEY_SIZE], uint64_t now);
/* Takes the session in a slot without its value: true if it was there and nobody had. An index has
 * no TAKEs. [writer] */
bool table_claim(struct table *table, uint32_t slot);
/* Whether the session in a slot was taken. [writer] */
bool table_taken(const struct table *table, uint32_t slot);

/* The stages of a lookup, to be interleaved over a burst so that their cache misses overlap: first
 * prefetch the bucket; then find the candidate slot and prefetch it; then table_get. The first two
 * only affect the cache. [reader] */
void table_prefetch_bucket(const struct table *table, uint64_t hash);
void table_prefetch_slot(const struct table *table, uint64_t hash);

/* The visited marks (visited.h). The writer clears, readers set. */
uint64_t *table_marks(struct table *table);

#endif
