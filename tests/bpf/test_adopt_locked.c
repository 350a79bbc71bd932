/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Adoption reads values only into locked memory, which is wiped before it is freed.
 */
#include "tests/bpf/engine_world.h"

#include "common/locked_memory.h"
#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONG  400
#define SHORT 100

static struct world world;
static bool watching;

static struct {
	const uint8_t *begin;
	size_t bytes;
} locked[16];
static unsigned locked_count, freed, read_whole, read_rest;

bool __real_memory_lock(void *memory, size_t bytes);
bool __wrap_memory_lock(void *memory, size_t bytes);
bool __wrap_memory_lock(void *memory, size_t bytes)
{
	if (watching && locked_count < sizeof(locked) / sizeof(locked[0])) {
		locked[locked_count].begin = memory;
		locked[locked_count++].bytes = bytes;
	}
	return __real_memory_lock(memory, bytes);
}

static bool is_locked(const void *memory, size_t bytes)
{
	const uint8_t *at = memory;

	for (unsigned i = 0; i < locked_count; i++) {
		if (at >= locked[i].begin && at + bytes <= locked[i].begin + locked[i].bytes)
			return true;
	}
	return false;
}

static bool is_map(int fd, const struct bpf_map *map)
{
	return watching && fd == bpf_map__fd(map);
}

int __real_bpf_map_lookup_elem(int fd, const void *key, void *value);
int __wrap_bpf_map_lookup_elem(int fd, const void *key, void *value);
int __wrap_bpf_map_lookup_elem(int fd, const void *key, void *value)
{
	if (world.engine && is_map(fd, world.engine->skel->maps.overflow)) {
		assert_true(is_locked(value, SESSD_BLOCK_SIZE(world.config.value_max)));
		read_rest++;
	}
	return __real_bpf_map_lookup_elem(fd, key, value);
}

int __real_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts)
{
	assert_true(is_locked(values, *count * sizeof(struct sessd_entry)));
	read_whole++;
	return __real_bpf_map_lookup_batch(fd, in, out, keys, values, count, opts);
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
	for (unsigned i = 0; watching && memory && i < locked_count; i++) {
		if (locked[i].begin != memory)
			continue;
		for (size_t k = 0; k < locked[i].bytes; k++)
			assert_int_equal(locked[i].begin[k], 0);
		freed++;
	}
	__real_free(memory);
}

static void values(void **state)
{
	(void)state;
	world_reset(&world);
	world_run(&world);
	world_put(&world, 1, 100000, SHORT);
	world_put(&world, 2, 100000, LONG);
	world_commit(&world);
	world_close(&world, true);
	/* As in world_open, and watched once there is an engine. */
	assert_int_equal(engine_xdp.open(&world.engine, &world.config), 0);
	assert_true(world.engine->adopted);
	watching = true;
	world.found_count = 0;
	assert_int_equal(engine_xdp.adopt(world.engine,
				 &(struct adoption){.found = world_found, .ctx = &world}),
		0);
	watching = false;
	assert_int_equal(world.found_count, 2);
	assert_true(read_whole > 0);
	assert_int_equal(read_rest, 1);
	/* A value, a block of rests, and two pages: one thread reads a map so small. */
	assert_int_equal(locked_count, 4);
	assert_int_equal(freed, 4);
	assert_int_equal(world_start(&world), 0);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(values),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
