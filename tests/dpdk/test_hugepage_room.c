/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Available hugepages, on hosts simulated by files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dpdk/hugepage_room.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB (1ULL << 20)

static char root[64];

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/test_hugepages.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static void put(const char *size, const char *name, unsigned count)
{
	char command[512];

	snprintf(command, sizeof(command),
		"mkdir -p '%s/sys/kernel/mm/hugepages/hugepages-%s' && "
		"echo %u >'%s/sys/kernel/mm/hugepages/hugepages-%s/%s'",
		root, size, count, root, size, name);
	assert_int_equal(system(command), 0);
}

static void room(void **state)
{
	(void)state;
	assert_true(hugepage_room(root) == UINT64_MAX); /* unknown */
	put("2048kB", "nr_hugepages", 256);
	put("2048kB", "free_hugepages", 0);
	assert_int_equal(hugepage_room(root), 0);
	put("2048kB", "free_hugepages", 200);
	assert_int_equal(hugepage_room(root), 400 * MIB);
	/* Mapped by a process, but not touched yet. */
	put("2048kB", "resv_hugepages", 50);
	assert_int_equal(hugepage_room(root), 300 * MIB);
	put("1048576kB", "free_hugepages", 2);
	assert_int_equal(hugepage_room(root), (2048 + 300) * MIB);
	/* The kernel may add that many more, some of which exist already. */
	put("2048kB", "nr_overcommit_hugepages", 100);
	put("2048kB", "surplus_hugepages", 25);
	assert_int_equal(hugepage_room(root), (2048 + 300 + 150) * MIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(room, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
