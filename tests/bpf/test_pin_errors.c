/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A pin folder that cannot be created, opened, locked or given away; and other daemons that remove
 * it meanwhile.
 */
#include "tests/bpf/faults.h"

#include "common/log.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct world world;
static unsigned removals; /* by another daemon, each time while we lock the folder */

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
	if (removals > 0) {
		removals--;
		assert_int_equal(rmdir(world.pin_dir), 0);
		assert_int_equal(rmdir(world.root), 0);
	}
	return __real_flock(fd, operation);
}

static void refused(const struct fault *fault)
{
	unsigned descriptors = world_descriptors();

	fault_start(&world, fault);
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(world_descriptors(), descriptors);
	world_clean_start(&world);
	assert_int_equal(world_descriptors(), descriptors);
}

static void unusable(void **state)
{
	static const struct fault faults[] = {
		{"mkdir", "/sessiond-test-", EPERM, "xdp mode cannot make /sys/fs/bpf/sessiond"},
		{"mkdir", "/7300", EACCES, "it needs root, or CAP_NET_ADMIN", EPERM},
		{"mkdir", "/7300", ENOSPC, "cannot make the pin folder /sys/fs/bpf/sessiond-test"},
		{"mkdir", "/7300", ENOENT, "cannot make the pin folder /sys/fs/bpf/sessiond-test"},
		{"open64", "/7300", EMFILE, "cannot open the pin folder /sys/fs/bpf/sessiond-test"},
		{"openat64", "..", EMFILE, "cannot open the pin folder /sys/fs/bpf/sessiond-test"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		world_reset(&world);
		refused(&faults[i]);
	}
}

/* Existing files stay. */
static void unusable_with_pins(void **state)
{
	static const struct fault faults[] = {
		{"open64", "/7300", EMFILE, "cannot open the pin folder"},
		{"openat64", "..", EMFILE, "cannot open the pin folder"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		fault_next_start(&world, &faults[i]);
	}
}

/* Folders that the kernel itself refuses. */
static void no_folder(void **state)
{
	char name[300], in[310];
	int fd;

	(void)state;
	world_reset(&world);
	assert_int_equal(mkdir(world.root, 0700), 0);
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "file", 4, 4, 1, NULL);
	assert_true(fd >= 0);
	snprintf(name, sizeof(name), "%s/file", world.root);
	assert_int_equal(bpf_obj_pin(fd, name), 0);
	close(fd);
	snprintf(in, sizeof(in), "%s/7300", name);
	strcpy(world.config.pin_dir, in);
	assert_int_equal(world_open(&world), -ENOTDIR);
	assert_non_null(strstr(error_message(), "cannot make the pin folder"));
	assert_int_equal(unlink(name), 0);
	memset(name, 'a', sizeof(name));
	memcpy(name, world.root, strlen(world.root));
	name[strlen(world.root)] = '/';
	name[sizeof(name) - 1] = '\0';
	strcpy(world.config.pin_dir, name);
	assert_int_equal(world_open(&world), -ENAMETOOLONG);
	assert_non_null(strstr(error_message(), "cannot make the pin folder"));
	assert_int_equal(rmdir(world.root), 0);
}

/* Another daemon ends, and its folder has just been removed. */
static void removed_meanwhile(void **state)
{
	static const struct fault moments[] = {
		{"mkdir", "/7300", ENOENT, .times = 2},
		{"open64", "/7300", ENOENT, .times = 2},
	};
	const struct fault none = {"flock", NULL, EBUSY, "keeps removing the pin folder"};
	unsigned descriptors = world_descriptors();

	(void)state;
	world_reset(&world);
	for (size_t i = 0; i < COUNT(moments); i++) {
		fault_set(&moments[i]);
		world_clean_start(&world);
		assert_int_equal(fault_count(), 2);
		fault_set(NULL);
	}
	removals = 3;
	world_clean_start(&world);
	assert_int_equal(removals, 0);
	removals = 1000;
	fault_start(&world, &none);
	assert_in_range(removals, 980, 999);
	removals = 0;
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(world_descriptors(), descriptors);
}

/* To another user: a failure to give is reported. */
static void given(void **state)
{
	static const struct fault faults[] = {
		{"openat64", ".", EMFILE, "cannot read the pin folder"},
		{"fdopendir", NULL, ENOMEM, "cannot read the pin folder"},
		{"fchownat", "config", EPERM, "to the new user: Operation not permitted"},
		{"fchown", NULL, EPERM, "to the new user: Operation not permitted"},
	};
	struct stat st;
	unsigned descriptors;
	char path[128];

	(void)state;
	world_reset(&world);
	world_run(&world);
	descriptors = world_descriptors();
	for (size_t i = 0; i < COUNT(faults); i++) {
		fault_set(&faults[i]);
		assert_int_equal(engine_xdp.give(world.engine, 12345, 12346), -faults[i].error);
		fault_set(NULL);
		assert_non_null(strstr(error_message(), faults[i].message));
		assert_non_null(strstr(error_message(), world.pin_dir));
		assert_int_equal(world_descriptors(), descriptors);
	}
	assert_int_equal(engine_xdp.give(world.engine, 12345, 12346), 0);
	snprintf(path, sizeof(path), "%s/config", world.pin_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	assert_int_equal(st.st_gid, 12346);
	assert_int_equal(stat(world.root, &st), 0);
	assert_int_equal(st.st_uid, 12345);
	world_close(&world, false);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* Last, because it leaves the mount namespace: without a mounted bpffs the daemon mounts one. */
static void no_bpffs(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		umount2("/sys/fs/bpf", MNT_DETACH) < 0)
		skip();
	world_reset(&world);
	heard_notice[0] = '\0';
	world_clean_start(&world);
	assert_string_equal(heard_notice, "mounted a bpffs on /sys/fs/bpf, where there was none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(unusable),
		world_test(unusable_with_pins),
		world_test(no_folder),
		world_test(removed_meanwhile),
		world_test(given),
		world_test(no_bpffs),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
