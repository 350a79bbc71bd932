/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Available memory, on hosts simulated by files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/host_memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MIB (1ULL << 20)

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_host_memory.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/* Writes a file, with the folders that it is in. */
static void put(const char *path, const char *text)
{
	char full[PATH_MAX];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static uint64_t available(void)
{
	return host_memory_available(root);
}

static void machine(void **state)
{
	(void)state;
	assert_int_equal(available(), 0); /* no /proc */
	put("/proc/meminfo", "MemTotal: 999 kB\nMemFree: 10 kB\nMemAvailable:   2048 kB\n");
	assert_int_equal(available(), 2 * MIB);
	put("/proc/self/cgroup", "4:memory:/some/where\n0::/\n");
	assert_int_equal(available(), 2 * MIB);
	assert_int_equal(host_memory_limit(root), 999 * 1024);
	/* This process's, for once. */
	assert_true(host_memory_available("") > 0);
	assert_true(host_memory_limit("") >= host_memory_available(""));
}

static void limits(void **state)
{
	(void)state;
	put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
	put("/proc/self/cgroup", "1:cpu:/\n0::/pod/one\n");
	put("/sys/fs/cgroup/pod/one/memory.max", "max\n");
	put("/sys/fs/cgroup/pod/one/memory.current", "52428800\n");
	put("/sys/fs/cgroup/pod/memory.max", "max\n");
	put("/sys/fs/cgroup/pod/memory.current", "104857600\n");
	assert_int_equal(available(), 1024 * MIB);
	put("/sys/fs/cgroup/pod/one/memory.max", "314572800\n");
	assert_int_equal(available(), 250 * MIB);
	/* The cgroup above leaves less. */
	put("/sys/fs/cgroup/pod/memory.max", "209715200\n");
	assert_int_equal(available(), 100 * MIB);
	/* Half of the used memory is page cache, which can be reclaimed. */
	put("/sys/fs/cgroup/pod/memory.stat",
		"anon 50000000\nfile 52428800\ninactive_file 41943040\nactive_file 10485760\n");
	assert_int_equal(available(), 150 * MIB);
	put("/sys/fs/cgroup/pod/memory.stat", "anon 50000000\n");
	put("/sys/fs/cgroup/pod/memory.max", "104857600\n");
	assert_int_equal(available(), 1); /* nothing left, which is not the same as unknown */
}

/* A container sees its own cgroup as the root of the tree. */
static void container(void **state)
{
	(void)state;
	put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
	put("/proc/self/cgroup", "0::/\n");
	put("/sys/fs/cgroup/memory.max", "67108864\n");
	put("/sys/fs/cgroup/memory.current", "1048576\n");
	assert_int_equal(available(), 63 * MIB);
	/* A cgroup that is not visible is unknown. */
	put("/proc/self/cgroup", "0::/../elsewhere\n");
	assert_int_equal(available(), 1024 * MIB);
}

/* Version 1: a separate hierarchy for memory; /proc names its folder and mount. */
static void limits_v1(void **state)
{
	(void)state;
	put("/proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 1048576 kB\n");
	put("/proc/self/cgroup", "9:name=systemd:/\n4:memory:/pod/one\n1:cpu:/other\n0::/\n");
	put("/proc/self/mountinfo",
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset\n"
		"35 31 0:32 / /cg/mem rw,relatime shared:9 master:1 - cgroup cgroup rw,memory\n"
		"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n");
	put("/cg/mem/memory.limit_in_bytes", "9223372036854771712\n");
	put("/cg/mem/memory.usage_in_bytes", "52428800\n");
	put("/cg/mem/pod/one/memory.limit_in_bytes", "9223372036854771712\n");
	put("/cg/mem/pod/one/memory.usage_in_bytes", "52428800\n");
	assert_int_equal(available(), 1024 * MIB);
	assert_int_equal(host_memory_limit(root), 2048 * MIB);
	put("/cg/mem/pod/one/memory.limit_in_bytes", "209715200\n");
	assert_int_equal(available(), 150 * MIB);
	assert_int_equal(host_memory_limit(root), 200 * MIB);
	/* The page cache can be reclaimed, including that of cgroups below. */
	put("/cg/mem/pod/one/memory.stat", "cache 1\ninactive_file 1\ntotal_inactive_file "
					   "10485760\ntotal_active_file 10485760\n");
	assert_int_equal(available(), 170 * MIB);
	/* The cgroup above has less. */
	put("/cg/mem/pod/memory.limit_in_bytes", "104857600\n");
	put("/cg/mem/pod/memory.usage_in_bytes", "83886080\n");
	assert_int_equal(available(), 20 * MIB);
	assert_int_equal(host_memory_limit(root), 100 * MIB);
	/* Without /proc/self/mountinfo the default path is used. */
	put("/proc/self/mountinfo", "");
	assert_int_equal(available(), 1024 * MIB);
	put("/sys/fs/cgroup/memory/pod/one/memory.limit_in_bytes", "1048576\n");
	assert_int_equal(available(), MIB);
}

/* A container of version 1 has its own cgroup mounted as the topmost, and may still see its path in
 * the tree of the host. memory.stat has the limits of the cgroups above it. */
static void container_v1(void **state)
{
	(void)state;
	put("/proc/meminfo", "MemTotal: 2097152 kB\nMemAvailable: 1048576 kB\n");
	put("/proc/self/cgroup", "4:cpu,memory:/docker/abc\n");
	put("/proc/self/mountinfo",
		"35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup ro,cpu,memory\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "209715200\n");
	put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1048576\n");
	assert_int_equal(available(), 199 * MIB);
	put("/sys/fs/cgroup/memory/memory.stat", "hierarchical_memory_limit 104857600\n");
	assert_int_equal(available(), 99 * MIB);
	assert_int_equal(host_memory_limit(root), 100 * MIB);
	put("/proc/self/cgroup", "4:cpu,memory:/docker/abc/inner\n");
	put("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "10485760\n");
	assert_int_equal(available(), 10 * MIB);
	/* Moved to another cgroup since the mount: only the mounted cgroup is known. */
	put("/proc/self/cgroup", "4:cpu,memory:/docker/abcdef\n");
	assert_int_equal(available(), 99 * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(machine, make_root, remove_root),
		cmocka_unit_test_setup_teardown(limits, make_root, remove_root),
		cmocka_unit_test_setup_teardown(container, make_root, remove_root),
		cmocka_unit_test_setup_teardown(limits_v1, make_root, remove_root),
		cmocka_unit_test_setup_teardown(container_v1, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
