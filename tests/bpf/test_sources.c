/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The main thread reads and deletes a thousand sources with a few system calls.
 */
#include "tests/bpf/engine_world.h"

#include "ebpf/sessiond.skel.h"

#include <sessiond/request_event.h>

#include <bpf/bpf.h>

#include <string.h>

#define SOURCES 1000

static struct world world;
static unsigned calls;

int __real_bpf_map_get_next_key(int fd, const void *key, void *next);
int __wrap_bpf_map_get_next_key(int fd, const void *key, void *next);
int __wrap_bpf_map_get_next_key(int fd, const void *key, void *next)
{
	calls++;
	return __real_bpf_map_get_next_key(fd, key, next);
}

int __real_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_lookup_batch(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts)
{
	calls++;
	return __real_bpf_map_lookup_batch(fd, in, out, keys, values, count, opts);
}

static struct address source(unsigned number)
{
	struct address addr;

	address_from_ipv4(
		&addr, (const uint8_t[4]){10, 1, (uint8_t)(number >> 8), (uint8_t)number});
	return addr;
}

struct seen {
	unsigned count, times[SOURCES];
};

static void found(void *ctx, const struct talker *talker)
{
	struct seen *seen = ctx;
	unsigned number = talker->source.bytes[14] * 256U + talker->source.bytes[15];

	assert_in_range(number, 0, SOURCES - 1);
	assert_int_equal(talker->gets, number);
	assert_int_equal(talker->news, 2 * number);
	assert_int_equal(talker->removes, 3 * number);
	assert_int_equal(talker->drops, 4 * number);
	seen->count++;
	seen->times[number]++;
}

static void a_thousand_sources(void **state)
{
	struct seen seen = {0};
	int fd;

	(void)state;
	world_reset(&world);
	world_run(&world);
	engine_xdp.watch(world.engine, 1);
	fd = bpf_map__fd(world.engine->skel->maps.talkers);
	for (unsigned i = 0; i < SOURCES; i++) {
		struct address key = source(i);
		struct sessd_talker_counts counts = {
			.of = {[SESSD_GET] = i, [SESSD_NEW] = 2ULL * i, [SESSD_REMOVE] = 3ULL * i},
			.drops = 4ULL * i};

		assert_int_equal(bpf_map_update_elem(fd, &key, &counts, BPF_ANY), 0);
	}
	calls = 0;
	engine_xdp.talkers(world.engine, found, &seen);
	/* A full map discards some, and it is almost full. */
	assert_in_range(seen.count, SOURCES / 2, SOURCES);
	for (unsigned i = 0; i < SOURCES; i++)
		assert_in_range(seen.times[i], 0, 1);
	assert_in_range(calls, 1, 5);

	calls = 0;
	engine_xdp.watch(world.engine, 0);
	assert_in_range(calls, 0, 5);
	memset(&seen, 0, sizeof(seen));
	engine_xdp.talkers(world.engine, found, &seen);
	assert_int_equal(seen.count, 0);
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(a_thousand_sources),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
