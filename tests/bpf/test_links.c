/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program on the interfaces: attached, kept, detached; changed interfaces.
 */
#include "tests/bpf/engine_world.h"

#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct world world;

static int update_error; /* of updated links; 0: the kernel's result */

int __real_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts)
{
	return update_error ? update_error : __real_bpf_link_update(fd, prog_fd, opts);
}

/* A failed start removes what it made, and leaves what was there. */
static void failed_start(void **state)
{
	uint32_t program;

	(void)state;
	world_reset(&world);
	world.config.interface_count = 2;
	strcpy(world.config.interfaces[1], "nosuch0");
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -ENODEV);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);

	world_keep_one(&world);
	program = world_program("t0");
	assert_int_not_equal(program, 0);
	world.config.interface_count = 2;
	strcpy(world.config.interfaces[1], "nosuch0");
	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	assert_int_equal(world_start(&world), -ENODEV);
	world_close(&world, false);
	assert_int_not_equal(world_program("t0"), 0);
	world.config.interface_count = 1;
	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	assert_int_equal(world.found_count, 1);
	assert_int_equal(world_start(&world), 0);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
}

/* A link that cannot be updated keeps the previous program, unless it has another XDP mode. */
static void failed_update(void **state)
{
	uint32_t program;

	(void)state;
	world_keep_one(&world);
	program = world_program("t0");
	update_error = -ENOMEM;
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -ENOMEM);
	assert_non_null(strstr(error_message(), "t0"));
	world_close(&world, false);
	assert_int_equal(world_program("t0"), program);
	world.config.xdp_mode = XDP_MODE_GENERIC;
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_int_not_equal(world_program("t0"), program);
	update_error = 0;
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
}

/* Interfaces that are no longer configured, renamed, or recreated. */
static void other_interfaces(void **state)
{
	char name[32];

	(void)state;
	world_reset(&world);
	world.config.interface_count = 2;
	world_run(&world);
	assert_int_not_equal(world_program("t1"), 0);
	world_close(&world, true);
	world_sh("ip link set t0 down && ip link set t0 name r0 && ip link set r0 up");
	world.config.interface_count = 1;
	strcpy(world.config.interfaces[0], "r0");
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_false(world.engine->links[0].created);
	usleep(100000); /* an unlinked link goes when the kernel comes to it */
	assert_int_equal(world_program("t1"), 0);
	snprintf(name, sizeof(name), "link-%u", if_nametoindex("r0"));
	world_close(&world, true);

	world_sh("ip link del r0");
	world_make_veth();
	strcpy(world.config.interfaces[0], "t0");
	assert_true(world_has_pin(&world, name));
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_true(world.engine->links[0].created);
	assert_false(world_has_pin(&world, name));
	assert_int_not_equal(world_program("t0"), 0);
	world_close(&world, false);
}

/* From native to generic and back, with a kept link. */
static void other_mode(void **state)
{
	(void)state;
	world_keep_one(&world);
	for (int i = 0; i < 6; i++) {
		world.config.xdp_mode = i % 2 ? XDP_MODE_NATIVE : XDP_MODE_GENERIC;
		world_run(&world);
		assert_true(world.engine->adopted);
		assert_int_equal(world.engine->links[0].native, i % 2);
		world_close(&world, true);
	}
	world.config.xdp_mode = XDP_MODE_AUTO;
	world_run(&world);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
}

/* Another program stays. */
static void occupied(void **state)
{
	struct sessiond_bpf *other = sessiond_bpf__open_and_load();
	uint32_t program;
	int link;

	(void)state;
	assert_non_null(other);
	link = bpf_link_create(bpf_program__fd(other->progs.sessiond_xdp),
		(int)if_nametoindex("t0"), BPF_XDP, NULL);
	assert_true(link >= 0);
	program = world_program("t0");
	world_reset(&world);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -EEXIST);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), program);
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(bpf_link_detach(link), 0);
	close(link);
	sessiond_bpf__destroy(other);
}

/* A program of somebody else is named, with the command that detaches it. */
static void occupied_by_another(void **state)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "filter", "GPL", pass, 2, NULL);
	int ifindex = (int)if_nametoindex("t0"), link;
	struct bpf_link_info info = {0};
	__u32 size = sizeof(info);
	char remedy[64];

	(void)state;
	assert_true(program >= 0);
	assert_int_equal(bpf_xdp_attach(ifindex, program, XDP_FLAGS_DRV_MODE, NULL), 0);
	world_reset(&world);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -EEXIST);
	assert_non_null(strstr(error_message(), "t0 already has an XDP program, filter: "));
	assert_non_null(strstr(error_message(), "(ip link set dev t0 xdp off), or use --mode"));
	world_close(&world, false);
	assert_int_equal(bpf_xdp_detach(ifindex, XDP_FLAGS_DRV_MODE, NULL), 0);

	link = bpf_link_create(program, ifindex, BPF_XDP, NULL);
	assert_true(link >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(link, &info, &size), 0);
	snprintf(remedy, sizeof(remedy), "(bpftool link detach id %u)", info.id);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -EEXIST);
	assert_non_null(strstr(error_message(), remedy));
	world_close(&world, false);
	assert_int_equal(bpf_link_detach(link), 0);
	close(link);
	close(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(failed_start),
		world_test(failed_update),
		world_test(other_interfaces),
		world_test(other_mode),
		world_test(occupied),
		world_test(occupied_by_another),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
