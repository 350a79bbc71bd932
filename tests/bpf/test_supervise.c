/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A program that is attached but never runs, as with some drivers, is noticed and attached again.
 */
#include "tests/bpf/engine_world.h"

#include "dataplane/xdp/link_packets.h"
#include "dataplane/xdp/xdp.h"

#include <bpf/bpf.h>

static struct world world;

static uint64_t received, each_second, met;
static unsigned updates;

int __wrap_link_packets(int ifindex, uint64_t *packets);
int __wrap_link_packets(int ifindex, uint64_t *packets)
{
	(void)ifindex;
	*packets = received += each_second;
	return 0;
}

uint64_t __wrap_stats_xdp_packets(struct engine *engine);
uint64_t __wrap_stats_xdp_packets(struct engine *engine)
{
	(void)engine;
	return met;
}

int __real_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts)
{
	updates++;
	return __real_bpf_link_update(fd, prog_fd, opts);
}

static void seconds(unsigned n)
{
	while (n-- > 0)
		engine_xdp.supervise(world.engine);
}

/* One packet reaches the program. The kernel's own packets on the link are not counted. */
static void meet_packet(void)
{
	met++;
}

static void forgotten(void **state)
{
	uint32_t program;

	(void)state;
	world_reset(&world);
	world_run(&world);
	program = world_program("t0");
	/* Packets, of which some reach the program. */
	each_second = 1000;
	updates = 0;
	for (unsigned i = 0; i < 5; i++) {
		meet_packet();
		seconds(1);
	}
	assert_int_equal(updates, 0);
	/* Too few to judge. */
	each_second = 3;
	seconds(10);
	assert_int_equal(updates, 0);
	/* Many, but none reaches the program: it is attached again once, after another program. */
	each_second = 1000;
	seconds(20);
	assert_int_equal(updates, 2);
	assert_int_equal(world.engine->reattached, 1);
	assert_int_equal(world_program("t0"), program);
	/* It runs, and is lost again. */
	meet_packet();
	seconds(1);
	seconds(5);
	assert_int_equal(updates, 4);
	assert_int_equal(world.engine->reattached, 2);
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {world_test(forgotten)};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
