/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/update_ring.h"

#include "common/locked_memory.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

struct update {
	uint32_t length;     /* bytes of the value, as sent */
	uint32_t source_len; /* 4, 16, or 0: unknown */
	uint8_t source[16];
	struct sessd_header request;
	uint8_t value[]; /* value_max */
};

/* Bytes prefetched per entry: enough for a session of 144 bytes. */
#define PREFETCH_BYTES (sizeof(struct update) + 144)

static void *locked_alloc(size_t bytes, const char *what, void *ctx)
{
	void *memory = memory_reserve(bytes, true);

	(void)what;
	(void)ctx;
	if (memory)
		memory_lock(memory, bytes);
	return memory;
}

static void locked_free(void *memory, size_t bytes, void *ctx)
{
	(void)ctx;
	memory_release(memory, bytes);
}

static const struct table_memory locked_memory = {locked_alloc, locked_free, NULL};

/* Whole cache lines, so that each is fetched from the other side's core only once. */
static uint32_t stride_of(uint16_t value_max)
{
	return (uint32_t)(sizeof(struct update) + value_max + 63) / 64 * 64;
}

size_t update_ring_bytes(uint32_t depth, uint16_t value_max)
{
	return (size_t)depth * stride_of(value_max);
}

int update_ring_open(struct update_ring *ring, uint32_t depth, uint16_t value_max,
	const struct table_memory *memory)
{
	memset(ring, 0, sizeof(*ring));
	ring->depth = depth;
	ring->stride = stride_of(value_max);
	ring->value_max = value_max;
	ring->memory = memory ? *memory : locked_memory;
	ring->entries = ring->memory.alloc(
		update_ring_bytes(depth, value_max), "updates", ring->memory.ctx);
	if (!ring->entries)
		return -ENOMEM;
	/* If it could not be locked, take its pages now and not when requests arrive. */
	memset(ring->entries, 0, update_ring_bytes(depth, value_max));
	return 0;
}

void update_ring_close(struct update_ring *ring)
{
	size_t bytes = (size_t)ring->depth * ring->stride;

	if (!ring->entries)
		return;
	explicit_bzero(ring->entries, bytes);
	ring->memory.free(ring->entries, bytes, ring->memory.ctx);
	ring->entries = NULL;
}

static struct update *entry_at(const struct update_ring *ring, uint32_t index)
{
	return (struct update *)(void *)(ring->entries +
					 (size_t)(index & (ring->depth - 1)) * ring->stride);
}

unsigned update_ring_reserve(struct update_ring *ring, unsigned n)
{
	uint32_t tail = ring->tail, room = ring->depth - (tail - ring->seen_head);

	if (n > room) {
		ring->seen_head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
		room = ring->depth - (tail - ring->seen_head);
		if (n > room)
			n = room;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *entry = (const uint8_t *)entry_at(ring, tail + i);

		for (unsigned line = 0; line < PREFETCH_BYTES; line += 64)
			__builtin_prefetch(entry + line, 1);
	}
	return n;
}

static inline void copy16(uint8_t *to, const uint8_t *from)
{
	typedef uint64_t words __attribute__((vector_size(16), aligned(1), may_alias));

	*(words *)to = *(const words *)from;
}

/* Copies a request, at least a header long, into its entry. Faster than memcpy, whose call and
 * dispatch would take longer than copying most values. All stores but the first and the last are
 * aligned, so that they do not cross cache lines. */
static inline void copy_request(uint8_t *to, const uint8_t *from, size_t length)
{
	uint8_t *last = to + length - 16;
	const uint8_t *last_from = from + length - 16;

	copy16(to, from);
	to += 8;
	from += 8;
	for (; last - to > 64; to += 64, from += 64) {
		copy16(to, from);
		copy16(to + 16, from + 16);
		copy16(to + 32, from + 32);
		copy16(to + 48, from + 48);
	}
	for (; to < last; to += 16, from += 16)
		copy16(to, from);
	copy16(last, last_from);
}

_Static_assert(offsetof(struct update, request) % 16 == 8, "stores from byte 8 on are aligned");

/* Fills `n` entries and returns the new tail. It copies the ring's fields first: the compiler would
 * reread them after each store. */
static inline uint32_t fill(
	struct update_ring *ring, const struct update_request *requests, unsigned n)
{
	uint32_t tail = ring->tail, mask = ring->depth - 1, stride = ring->stride;
	uint32_t value_max = ring->value_max;
	uint8_t *entries = ring->entries;

	for (unsigned i = 0; i < n; i++) {
		struct update *update =
			(struct update *)(void *)(entries + (size_t)((tail + i) & mask) * stride);
		const struct sessd_header *request = requests[i].request;
		uint32_t length = requests[i].length - SESSD_HEADER_SIZE;

		update->length = length;
		update->source_len = requests[i].source_len;
		if (requests[i].source_len == 4)
			memcpy(update->source, requests[i].source, 4);
		else if (requests[i].source_len)
			memcpy(update->source, requests[i].source, 16);
		if (request->type == SESSD_NEW && length <= value_max)
			copy_request((uint8_t *)&update->request, (const uint8_t *)request,
				requests[i].length);
		else
			update->request = *request;
	}
	return tail + n;
}

void update_ring_push(struct update_ring *ring, const struct update_request *requests, unsigned n)
{
	__atomic_store_n(&ring->tail, fill(ring, requests, n), __ATOMIC_RELEASE);
}

void update_ring_push_seq_cst(
	struct update_ring *ring, const struct update_request *requests, unsigned n)
{
	__atomic_store_n(&ring->tail, fill(ring, requests, n), __ATOMIC_SEQ_CST);
}

/* The value is a secret: wipe it once the sink has it. */
static void deliver(
	const struct update_ring *ring, const struct update_sink *sink, struct update *update)
{
	const struct sessd_header *request = &update->request;
	struct address source;

	if (request->type != SESSD_NEW) {
		(request->type == SESSD_OK ? sink->on_taken : sink->on_remove)(
			sink->ctx, request->key);
		return;
	}
	if (update->source_len == 4)
		address_from_ipv4(&source, update->source);
	else
		memcpy(source.bytes, update->source, sizeof(source.bytes));
	sink->on_new(sink->ctx, request->key, ntohs(request->timeout), update->value,
		update->length, update->source_len ? &source : NULL);
	if (update->length <= ring->value_max)
		explicit_bzero(update->value, update->length);
}

unsigned update_ring_pull(struct update_ring *ring, const struct update_sink *sink, unsigned max)
{
	uint32_t head = ring->head, n = ring->seen_tail - head;

	if (n == 0) {
		ring->seen_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
		n = ring->seen_tail - head;
	}
	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++)
		deliver(ring, sink, entry_at(ring, head + i));
	if (n)
		__atomic_store_n(&ring->head, head + n, __ATOMIC_RELEASE);
	return n;
}

bool update_ring_empty(const struct update_ring *ring)
{
	return __atomic_load_n(&ring->tail, __ATOMIC_SEQ_CST) ==
	       __atomic_load_n(&ring->head, __ATOMIC_RELAXED);
}

unsigned update_ring_waiting(const struct update_ring *ring)
{
	uint32_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) - head;
}
