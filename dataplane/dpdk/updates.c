/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/updates.h"
#include "dataplane/dpdk/dpdk.h"

#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <rte_malloc.h>
#include <rte_memcpy.h>
#include <string.h>

struct update {
	uint32_t len; /* of the value as it came */
	uint32_t unused;
	struct sessd_header request;
	uint8_t value[]; /* value_max */
};

/* Of each element, what a session of 144 bytes takes. */
#define PREFETCH_BYTES (sizeof(struct update) + 144)

int updates_open(
	struct updates *updates, unsigned lcore, int socket, uint32_t depth, uint16_t value_max)
{
	memset(updates, 0, sizeof(*updates));
	/* Whole cache lines: each is fetched from the writer's core once. */
	updates->element = (uint32_t)(sizeof(struct update) + value_max + 63) / 64 * 64;
	updates->value_max = value_max;
	updates->depth = depth;
	updates->elements = hugepages_near("updates", (size_t)updates->element * depth, socket);
	if (!updates->elements)
		return error_set(ENOMEM, "no memory for lcore %u's ring of %u updates (%zu kB): %s",
			lcore, depth, (size_t)updates->element * depth / 1024, hugepages_hint());
	return 0;
}

void updates_close(struct updates *updates)
{
	rte_free(updates->elements);
	updates->elements = NULL;
}

static struct update *element_at(const struct updates *updates, uint32_t index)
{
	return (struct update *)(void *)(updates->elements +
					 (size_t)(index & (updates->depth - 1)) * updates->element);
}

unsigned updates_reserve(struct updates *updates, unsigned n)
{
	uint32_t given = updates->given;
	uint32_t room = updates->depth - (given - updates->seen_taken);

	if (n > room) {
		updates->seen_taken = __atomic_load_n(&updates->taken, __ATOMIC_ACQUIRE);
		room = updates->depth - (given - updates->seen_taken);
		if (n > room)
			n = room;
	}
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *element = (const uint8_t *)element_at(updates, given + i);

		for (unsigned line = 0; line < PREFETCH_BYTES; line += 64)
			__builtin_prefetch(element + line, 1);
	}
	return n;
}

static void fill(
	const struct updates *updates, struct update *update, const struct update_request *from)
{
	const struct sessd_header *request = from->request;
	uint32_t len = from->len - SESSD_HEADER_SIZE;

	update->len = len;
	if (request->type == SESSD_NEW && len <= updates->value_max)
		rte_memcpy(&update->request, request, from->len);
	else
		update->request = *request;
}

void updates_push(struct updates *updates, const struct update_request *requests, unsigned n)
{
	uint32_t given = updates->given;

	for (unsigned i = 0; i < n; i++)
		fill(updates, element_at(updates, given + i), &requests[i]);
	__atomic_store_n(&updates->given, given + n, __ATOMIC_RELEASE);
}

/* The value is a secret: it is wiped as soon as it is in the table. */
static void deliver(
	const struct updates *updates, const struct update_sink *sink, struct update *update)
{
	const struct sessd_header *request = &update->request;

	if (request->type != SESSD_NEW) {
		sink->on_remove(sink->ctx, request->key);
		return;
	}
	sink->on_new(sink->ctx, request->key, ntohs(request->timeout), update->value, update->len);
	if (update->len <= updates->value_max)
		explicit_bzero(update->value, update->len);
}

unsigned updates_pull(struct updates *updates, const struct update_sink *sink, unsigned max)
{
	uint32_t taken = updates->taken, n = updates->seen_given - taken;

	if (n == 0) {
		updates->seen_given = __atomic_load_n(&updates->given, __ATOMIC_ACQUIRE);
		n = updates->seen_given - taken;
	}
	if (n > max)
		n = max;
	for (uint32_t i = 0; i < n; i++)
		deliver(updates, sink, element_at(updates, taken + i));
	if (n)
		__atomic_store_n(&updates->taken, taken + n, __ATOMIC_RELEASE);
	return n;
}

unsigned updates_waiting(const struct updates *updates)
{
	uint32_t taken = __atomic_load_n(&updates->taken, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&updates->given, __ATOMIC_RELAXED) - taken;
}
