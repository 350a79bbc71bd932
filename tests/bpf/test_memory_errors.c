/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Out of memory: each allocation of a start fails once, on a first start and on one that adopts.
 * The start reports it and changes nothing, or continues without that memory.
 */
#include "tests/bpf/engine_world.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct world world;
static unsigned allowed; /* allocations until one fails; 0: all are */
static bool failed;
static size_t bytes; /* requested */

static bool fails(size_t size)
{
	bytes += size;
	if (allowed == 0 || --allowed > 0)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

#define WRAP(type, name, parameters, arguments, size, failure) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return fails(size) ? (failure) : __real_##name arguments; \
	}

WRAP(void *, malloc, (size_t size), (size), size, NULL)
WRAP(void *, calloc, (size_t count, size_t each), (count, each), count *each, NULL)
WRAP(void *, reallocarray, (void *from, size_t count, size_t each), (from, count, each),
	count *each, NULL)
WRAP(void *, aligned_alloc, (size_t to, size_t size), (to, size), size, NULL)
WRAP(void *, memory_reserve, (size_t size, bool secret), (size, secret), size, NULL)
WRAP(int, eventfd, (unsigned value, int flags), (value, flags), 0, -1)

static const struct {
	const char *text;
	bool adopting; /* only then */
} messages[] = {
	{"out of memory at start"},
	{"out of memory or descriptors for the sockets"},
	{"out of memory for sockets"},
	{"cannot read the XDP program: Cannot allocate memory"},
	{"out of memory for local addresses"},
	{"out of memory for the allow list; the old one stays"},
	{"out of memory while adopting sessions", true},
};
#define MESSAGES (sizeof(messages) / sizeof(messages[0]))

static bool heard[MESSAGES];

/* The steps of a daemon's start; 0, or the error. */
static int start(void)
{
	struct address addr;
	int err = world_open(&world);

	assert_int_equal(address_parse("127.0.0.1", &addr), 0);
	if (!err)
		err = engine_xdp.set_local(world.engine, &addr, true);
	return err ? err : world_start(&world);
}

static void hear(void)
{
	size_t i = 0;

	while (i < MESSAGES && !strstr(error_message(), messages[i].text))
		i++;
	if (i == MESSAGES)
		fail_msg("unexpected: %s", error_message());
	heard[i] = true;
}

static void every_allocation(bool adopting)
{
	unsigned descriptors = world_descriptors(), refused = 0;
	int err;

	memset(heard, 0, sizeof(heard));
	if (adopting)
		world_keep_one(&world);
	for (unsigned n = 1;; n++) {
		world_reset(&world);
		world.config.limit_gets = 1000; /* which also gets its memory */
		failed = false;
		allowed = n;
		err = start();
		allowed = 0;
		if (!failed)
			break;
		assert_true(n < 100);
		if (!err) {
			world_close(&world, adopting);
			continue;
		}
		refused++;
		hear();
		assert_int_equal(err, -ENOMEM);
		if (world.engine)
			world_close(&world, false);
		if (!adopting) {
			assert_int_equal(world_program("t0"), 0);
			assert_int_not_equal(access(world.root, F_OK), 0);
			assert_int_equal(world_descriptors(), descriptors);
			continue;
		}
		assert_int_not_equal(world_program("t0"), 0);
		assert_int_equal(start(), 0);
		assert_true(world.engine->adopted);
		assert_int_equal(world.found_count, 1);
		world_close(&world, true);
		assert_int_equal(world_descriptors(), descriptors);
	}
	assert_int_equal(err, 0);
	world_close(&world, false);
	assert_int_equal(world_descriptors(), descriptors);
	assert_true(refused >= 8);
	for (size_t i = 0; i < MESSAGES; i++) {
		if (!heard[i] && (adopting || !messages[i].adopting))
			fail_msg("not heard: %s", messages[i].text);
	}
}

static void first_start(void **state)
{
	(void)state;
	every_allocation(false);
}

static void next_start(void **state)
{
	(void)state;
	every_allocation(true);
}

/* While it runs: the allow list stays the same. */
static void running(void **state)
{
	static const struct allow_list none;

	(void)state;
	world_reset(&world);
	assert_int_equal(start(), 0);
	allowed = 1;
	assert_int_equal(engine_xdp.set_allow(world.engine, &none), -ENOMEM);
	assert_true(failed);
	hear();
	assert_true(world.engine->allow->count > 0);
	world_close(&world, false);
}

/* The estimate of the memory check for it. */
static void adoption_takes_little(void **state)
{
	struct table_config index = {0};
	uint64_t counted;

	(void)state;
	world_keep_one(&world);
	world_reset(&world);
	index.capacity = world.config.capacity;
	counted = engine_xdp.memory_needed(&world.config) - table_reserved_bytes(&index) -
		  xsk_bytes(world.config.interfaces, world.config.interface_count, false) -
		  frame_rings_bytes(maps_cpus());
	counted -= mirror_bytes(maps_overflows(world.config.capacity, world.config.value_max),
		&(struct mirror_shape){world.config.capacity, world.config.value_max});
	/* And the map of addresses, of 8192 buckets of 16 bytes, should it have to be made anew. */
	assert_in_range(counted, adopt_bytes() + 131072, adopt_bytes() + 131072 + 1024);
	counted = adopt_bytes();
	assert_int_equal(engine_xdp.open(&world.engine, &world.config), 0);
	bytes = 0;
	assert_int_equal(engine_xdp.adopt(world.engine,
				 &(struct adoption){.found = world_found, .ctx = &world}),
		0);
	assert_int_equal(world.found_count, 1);
	assert_in_range(bytes, 1, counted);
	assert_int_equal(world_start(&world), 0);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(first_start),
		world_test(next_start),
		world_test(running),
		world_test(adoption_takes_little),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
