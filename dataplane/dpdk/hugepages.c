/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/locked_memory.h"
#include "dataplane/dpdk/dpdk.h"
#include "dataplane/dpdk/eal.h"

#include "common/log.h"

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>

/* Whether lookups read this part. The rest (free lists and the blocks of the few long values) would
 * reserve hugepages that are hardly ever used. */
static bool is_hot(const char *what)
{
	return strcmp(what, "table_buckets") == 0 || strcmp(what, "table_slots") == 0 ||
	       strcmp(what, "table_marks") == 0;
}

/* Parts of the table that are in hugepages, so that free knows. */
#define HUGE_MAX 8
static void *huge[HUGE_MAX];

static size_t free_hugepage_bytes(void)
{
	struct rte_malloc_socket_stats stats;
	size_t bytes = 0;

	for (unsigned i = 0; i < rte_socket_count(); i++) {
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats) == 0)
			bytes += stats.heap_freesz_bytes;
	}
	return bytes;
}

void *hugepages_near(const char *what, size_t bytes, int socket)
{
	void *memory = rte_zmalloc_socket(what, bytes, RTE_CACHE_LINE_SIZE, socket);

	if (memory || socket == SOCKET_ID_ANY)
		return memory;
	memory = rte_zmalloc_socket(what, bytes, RTE_CACHE_LINE_SIZE, SOCKET_ID_ANY);
	if (memory)
		log_warning(MEMORY_FAR, what, socket);
	return memory;
}

const char *hugepages_hint(void)
{
	return rte_eal_has_hugepages()
		       ? "raise vm.nr_hugepages"
		       : "with --no-huge DPDK has 64 MB, or the size that -m in --dpdk-args sets";
}

/* Normal pages, allocated and locked as they are touched. */
static void *locked_alloc(size_t bytes)
{
	void *memory = memory_reserve(bytes, true);

	if (memory)
		memory_lock(memory, bytes);
	return memory;
}

static void *memory_alloc(size_t bytes, const char *what, void *ctx)
{
	(void)ctx;
	if (!rte_eal_has_hugepages() || !is_hot(what))
		return locked_alloc(bytes);
	for (unsigned i = 0; i < HUGE_MAX; i++) {
		if (huge[i])
			continue;
		huge[i] = hugepages_near(
			what, bytes, (int)rte_lcore_to_socket_id(rte_get_main_lcore()));
		if (huge[i]) {
			eal_hold();
			return huge[i];
		}
		log_error("%s needs %zu MB of hugepages, but there are fewer (%zu MB are "
			  "left in DPDK's heap): raise vm.nr_hugepages, lower --capacity, or add "
			  "--no-huge to --dpdk-args",
			what, (bytes >> 20) + 1, free_hugepage_bytes() >> 20);
		return NULL;
	}
	return NULL;
}

static void memory_free(void *memory, size_t bytes, void *ctx)
{
	(void)ctx;
	for (unsigned i = 0; i < HUGE_MAX; i++) {
		if (huge[i] == memory) {
			huge[i] = NULL;
			rte_free(memory);
			eal_release();
			return;
		}
	}
	memory_release(memory, bytes);
}

static void *near_alloc(size_t bytes, const char *what, void *ctx)
{
	return hugepages_near(what, bytes, (int)(intptr_t)ctx);
}

static void near_free(void *memory, size_t bytes, void *ctx)
{
	(void)bytes;
	(void)ctx;
	rte_free(memory);
}

void near_memory_init(struct table_memory *memory, int socket)
{
	*memory = (struct table_memory){near_alloc, near_free, (void *)(intptr_t)socket};
}

void table_memory_init(struct table_memory *memory)
{
	*memory = (struct table_memory){memory_alloc, memory_free, NULL};
}
