/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dpdk/updates.h"

#include <sessiond/log.h>

#include <arpa/inet.h>
#include <errno.h>
#include <rte_ring.h>

#include <rte_errno.h>
#include <rte_memcpy.h>
#include <stdlib.h>
#include <string.h>

struct update {
	uint16_t type;	  /* SESSD_NEW or SESSD_REMOVE */
	uint16_t timeout; /* seconds, host order */
	uint32_t len;	  /* of the value as it came */
	uint8_t key[SESSD_KEY_SIZE];
	uint8_t value[]; /* value_max */
};

/* Of each element, what a session of 144 bytes takes. */
#define PREFETCH_BYTES (sizeof(struct update) + 144)

int updates_open(
	struct updates *updates, unsigned lcore, int socket, uint32_t depth, uint16_t value_max)
{
	char name[RTE_RING_NAMESIZE];

	/* Whole cache lines: each is fetched from the writer's core once. */
	updates->element = (uint32_t)(sizeof(struct update) + value_max + 63) / 64 * 64;
	updates->value_max = value_max;
	snprintf(name, sizeof(name), "updates%u", lcore);
	updates->ring = rte_ring_create_elem(
		name, updates->element, depth, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
	updates->reserved = aligned_alloc(64, sizeof(struct rte_ring_zc_data));
	if (!updates->ring || !updates->reserved)
		return error_set(ENOMEM, "no memory for lcore %u's ring of %u updates (%zu kB): %s",
			lcore, depth, (size_t)updates->element * depth / 1024,
			rte_strerror(rte_errno));
	return 0;
}

void updates_close(struct updates *updates)
{
	rte_ring_free(updates->ring);
	free(updates->reserved);
	updates->ring = NULL;
	updates->reserved = NULL;
}

/* The element after `at`, the first one of all being `i` 0. */
static void *next_element(
	const struct updates *updates, const struct rte_ring_zc_data *zcd, void *at, unsigned i)
{
	return i == zcd->n1 ? zcd->ptr2 : (uint8_t *)at + updates->element;
}

static void fill(
	const struct updates *updates, struct update *update, const struct update_request *from)
{
	const struct sessd_header *request = from->request;
	uint32_t len = from->len - SESSD_HEADER_SIZE;

	update->type = request->type;
	update->timeout = ntohs(request->timeout);
	update->len = len;
	rte_mov32(update->key, request->key);
	if (request->type == SESSD_NEW && len <= updates->value_max)
		rte_memcpy(update->value, request + 1, len);
}

unsigned updates_reserve(struct updates *updates, unsigned n)
{
	struct rte_ring_zc_data *zcd = updates->reserved;
	void *element;

	n = rte_ring_enqueue_zc_burst_elem_start(updates->ring, updates->element, n, zcd, NULL);
	element = zcd->ptr1;
	for (unsigned i = 0; i < n;) {
		for (unsigned line = 0; line < PREFETCH_BYTES; line += 64)
			__builtin_prefetch((const uint8_t *)element + line, 1);
		element = next_element(updates, zcd, element, ++i);
	}
	return n;
}

void updates_push(struct updates *updates, const struct update_request *requests, unsigned n)
{
	void *element = updates->reserved->ptr1;

	for (unsigned i = 0; i < n;) {
		fill(updates, element, &requests[i]);
		element = next_element(updates, updates->reserved, element, ++i);
	}
	if (n)
		rte_ring_enqueue_zc_elem_finish(updates->ring, n);
}

/* The value is a secret: it is wiped as soon as it is in the table. */
static void deliver(
	const struct updates *updates, const struct update_sink *sink, struct update *update)
{
	if (update->type != SESSD_NEW) {
		sink->on_remove(sink->ctx, update->key);
		return;
	}
	sink->on_new(sink->ctx, update->key, update->timeout, update->value, update->len);
	if (update->len <= updates->value_max)
		explicit_bzero(update->value, update->len);
}

unsigned updates_pull(struct updates *updates, const struct update_sink *sink, unsigned max)
{
	struct rte_ring_zc_data zcd;
	unsigned n = rte_ring_dequeue_zc_burst_elem_start(
		updates->ring, updates->element, max, &zcd, NULL);

	/* NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): unset only if n is 0 */
	void *element = zcd.ptr1;

	for (unsigned i = 0; i < n;) {
		deliver(updates, sink, element);
		element = next_element(updates, &zcd, element, ++i);
	}
	if (n)
		rte_ring_dequeue_zc_elem_finish(updates->ring, n);
	return n;
}
