/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which pins a start finds, adopts or leaves alone, and which an end leaves.
 */
#include "tests/bpf/engine_world.h"

#include "common/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static struct world world;

static bool moved; /* the folder that was opened is on another file system */

int __real_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs);

int __wrap_fstatfs64(int fd, struct statfs *fs)
{
	int ret = __real_fstatfs64(fd, fs);

	if (moved)
		fs->f_type = 0;
	return ret;
}

static void clean_end(void **state)
{
	unsigned descriptors = world_descriptors();

	(void)state;
	world_reset(&world);
	world_run(&world);
	assert_false(world.engine->adopted);
	assert_int_not_equal(world_program("t0"), 0);
	assert_true(world_has_pin(&world, "config"));
	world_close(&world, false);
	/* Immediately, not when the kernel frees it. */
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(world_descriptors(), descriptors);
}

static void keeps_and_adopts(void **state)
{
	unsigned descriptors = world_descriptors();
	uint32_t link_id, size = sizeof(struct bpf_link_info);
	struct bpf_link_info info = {0};
	struct sessd_config settings;
	__u32 zero = 0;
	int fd;

	(void)state;
	world_reset(&world);
	world_run(&world);
	assert_int_equal(bpf_obj_get_info_by_fd(world.engine->links[0].fd, &info, &size), 0);
	link_id = info.id;
	world_close(&world, true);
	assert_int_equal(world_descriptors(), descriptors);
	assert_int_not_equal(world_program("t0"), 0);
	fd = world_pin(&world, "config");
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &settings), 0);
	close(fd);
	assert_int_equal(settings.abi, SESSD_ABI);

	assert_true(engine_xdp.would_adopt(&world.config));
	world_run(&world);
	assert_true(engine_xdp.would_adopt(&world.config));
	assert_true(world.engine->adopted);
	/* The secrets are those of the sessions' guards. */
	assert_memory_equal(
		world.engine->settings.secret, settings.secret, sizeof(settings.secret));
	memset(&info, 0, sizeof(info));
	assert_int_equal(bpf_obj_get_info_by_fd(world.engine->links[0].fd, &info, &size), 0);
	assert_int_equal(info.id, link_id);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* Programs that answer although their daemon has ended, and where. */
static void stale_pins(void **state)
{
	struct engine_stale stale;

	(void)state;
	world_reset(&world);
	assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 0);
	world.config.interface_count = 2;
	world_run(&world);
	/* The daemon runs. */
	assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 0);
	world_close(&world, true);
	assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 1);
	assert_false(stale.elsewhere);
	assert_int_equal(strlen(stale.interfaces), strlen("t0, t1"));
	assert_non_null(strstr(stale.interfaces, "t0"));
	assert_non_null(strstr(stale.interfaces, "t1"));
	/* Pins of interfaces that are gone answer nothing, but keep the sessions. */
	world_sh("ip link del t0");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 1);
		assert_string_equal(stale.interfaces, "");
		assert_false(stale.elsewhere);
		if (i == 0)
			world_make_veth();
	}
	world.config.interface_count = 1;
	world_run(&world);
	world_close(&world, false);
}

/* With another capacity or max-session sessions move, but a start that ends before that changes
 * nothing. */
static void other_size(void **state)
{
	uint32_t program;

	(void)state;
	world_keep_one(&world);
	program = world_program("t0");
	world.config.capacity *= 2;
	assert_int_equal(world_open(&world), 0);
	assert_false(world.engine->adopted);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), program);
	assert_true(world_has_pin(&world, "sessions"));
	world.config.capacity /= 2;
	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	assert_int_equal(world.found_count, 1);
	world_close(&world, false);
	world.config.value_max = 600;
	world_run(&world);
	assert_false(world.engine->adopted);
	assert_int_equal(world.found_count, 1);
	world_close(&world, false);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

static void locked(void **state)
{
	struct world other;

	(void)state;
	world_reset(&world);
	world_run(&world);
	other = world;
	other.config.listen[0].port++; /* the folder is in use, not the port */
	assert_int_equal(world_open(&other), -EBUSY);
	assert_non_null(strstr(error_message(), "another sessiond holds the pin folder"));
	assert_non_null(strstr(error_message(), world.pin_dir));
	assert_true(world_has_pin(&world, "config"));
	other.config.listen[0].port--;
	assert_int_equal(world_open(&other), -EADDRINUSE);
	world_close(&world, false);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* Nothing is created where no map can be pinned. */
static void not_on_bpffs(void **state)
{
	char root[64];

	(void)state;
	world_reset(&world);
	snprintf(root, sizeof(root), "/tmp/sessiond-test-%d/deep/7300", (int)getpid());
	strcpy(world.config.pin_dir, root);
	assert_int_equal(world_open(&world), -ENOTSUP);
	assert_non_null(strstr(error_message(), "is not on a bpffs: mount one"));
	*strstr(root, "/deep") = '\0';
	assert_int_not_equal(access(root, F_OK), 0);
}

/* Nor behind a symbolic link, nor if the folder was replaced before it is opened. */
static void swapped_folder(void **state)
{
	(void)state;
	world_reset(&world);
	moved = true;
	assert_int_equal(world_open(&world), -ENOTSUP);
	moved = false;
	assert_non_null(strstr(error_message(), "is not on a bpffs: mount one"));
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(mkdir(world.root, 0700), 0);
	assert_int_equal(symlink("/sys/fs/bpf", world.pin_dir), 0);
	assert_int_equal(world_open(&world), -ENOTDIR);
	assert_non_null(strstr(error_message(), "cannot open the pin folder"));
	assert_int_equal(unlink(world.pin_dir), 0);
}

/* Last, because it leaves the namespace: pins of a namespace whose interfaces have the same
 * indexes. */
static void other_namespace(void **state)
{
	struct engine_stale stale;

	(void)state;
	world_keep_one(&world);
	assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 1);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_sh("ip link set lo up");
	world_make_veth();
	assert_int_equal(engine_xdp.stale_pins(&world.config, &stale), 0);
	assert_false(engine_xdp.would_adopt(&world.config));
	/* A failure before the start leaves the pins as they are. */
	assert_int_equal(world_open(&world), 0);
	assert_false(world.engine->adopted);
	world_close(&world, false);
	assert_true(world_has_pin(&world, "sessions"));
	world_clean_start(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(clean_end),
		world_test(keeps_and_adopts),
		world_test(stale_pins),
		world_test(other_size),
		world_test(locked),
		world_test(not_on_bpffs),
		world_test(swapped_folder),
		world_test(other_namespace),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
