/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A program that is attached but never runs, as with some drivers, is noticed and attached again.
 */
#include "tests/bpf/engine_world.h"

#include "dataplane/xdp/link_state.h"
#include "dataplane/xdp/xdp.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <unistd.h>

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
	/* Many, but none reaches the program: it is attached again, after another program. */
	each_second = 1000;
	seconds(6);
	assert_int_equal(updates, 2);
	assert_int_equal(world.engine->reattached, 1);
	assert_int_equal(world_program("t0"), program);
	/* That did not help: it is tried on, at doubling distances. */
	seconds(3);
	assert_int_equal(updates, 4);
	seconds(6);
	assert_int_equal(updates, 6);
	seconds(9);
	assert_int_equal(updates, 6);
	seconds(3);
	assert_int_equal(updates, 8);
	seconds(3 * 1000);
	assert_in_range(updates, 30, 50);
	assert_int_equal(world.engine->reattached, 1);
	/* It runs, and is lost again. */
	updates = 2;
	meet_packet();
	seconds(1);
	seconds(5);
	assert_int_equal(updates, 4);
	assert_int_equal(world.engine->reattached, 2);
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* An XDP program at the other end, or none. */
static void pass_at_other_end(bool there)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int index = (int)if_nametoindex("t1"), fd;

	if (!there) {
		assert_int_equal(bpf_xdp_detach(index, XDP_FLAGS_DRV_MODE, NULL), 0);
		return;
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, 2, NULL);
	assert_true(fd >= 0);
	assert_int_equal(bpf_xdp_attach(index, fd, XDP_FLAGS_DRV_MODE, NULL), 0);
	close(fd);
}

static bool is_native(void)
{
	return world.engine->links[0].native;
}

/* A veth whose other end has no program loses native XDP's replies. auto takes generic XDP: at
 * start, in place of the last daemon's native program, and within seconds while running. */
static void veth_without_program(void **state)
{
	uint32_t program;

	(void)state;
	world_shows_veth = true;
	each_second = 0;
	world_reset(&world);
	world_run(&world);
	assert_false(is_native());
	world_close(&world, ENGINE_CLOSE_REMOVE);

	world.config.xdp_mode = XDP_MODE_NATIVE;
	world_run(&world);
	seconds(10);
	assert_true(is_native());
	world_close(&world, ENGINE_CLOSE_KEEP);
	world.config.xdp_mode = XDP_MODE_AUTO;
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_false(is_native());
	world_close(&world, ENGINE_CLOSE_REMOVE);

	pass_at_other_end(true);
	world_run(&world);
	seconds(10);
	assert_true(is_native());
	program = world_program("t0");
	pass_at_other_end(false);
	seconds(2);
	assert_true(is_native()); /* one may be on its way */
	pass_at_other_end(true);
	seconds(2);
	pass_at_other_end(false);
	seconds(2);
	assert_true(is_native());
	seconds(1);
	assert_false(is_native());
	assert_int_not_equal(world_program("t0"), program);
	assert_int_not_equal(world_program("t0"), 0);
	/* The pin is the new link's. */
	world_close(&world, ENGINE_CLOSE_KEEP);
	assert_int_not_equal(world_program("t0"), 0);
	world_run(&world);
	assert_false(is_native());
	world_close(&world, ENGINE_CLOSE_REMOVE);
	assert_int_equal(world_program("t0"), 0);
	world_shows_veth = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(forgotten),
		world_test(veth_without_program),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
