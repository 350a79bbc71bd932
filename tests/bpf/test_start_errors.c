/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The kernel refuses one step of a start: the start reports which, removes what it made, keeps the
 * old program answering, and the next start works normally.
 */
#include "tests/bpf/faults.h"

#include <errno.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct world world;

static void nothing_left(unsigned descriptors)
{
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
	assert_int_equal(world_descriptors(), descriptors);
}

static void first_start(void **state)
{
	static const struct fault faults[] = {
		{"bpf_object__open_skeleton", NULL, ENOMEM, "cannot read the XDP program: Cannot"},
		{"getrandom", NULL, EIO, "cannot get random numbers"},
		{"bpf_object__load_skeleton", NULL, EPERM,
			"the kernel refused the XDP program: xdp mode needs root"},
		{"bpf_object__load_skeleton", NULL, EACCES,
			"the kernel refused the XDP program: xdp mode needs root", EPERM},
		{"bpf_object__load_skeleton", NULL, ENOMEM,
			"no kernel memory for 200 sessions: choose a smaller capacity"},
		{"bpf_object__load_skeleton", NULL, E2BIG,
			"no kernel memory for 200 sessions: choose a smaller capacity"},
		{"bpf_object__load_skeleton", NULL, EINVAL,
			"the kernel refused the XDP program: Invalid argument (it needs Linux"},
		{"mmap64", "shared", EACCES, "cannot map the visited marks: Permission denied"},
		{"bpf_map_update_elem", "allow4", ENOMEM, "cannot write the allow list"},
		{"bpf_map_update_elem", "config", EIO, "cannot write the program's settings"},
		{"bpf_obj_pin", "/sessions", ENOSPC, "cannot pin"},
		{"bpf_obj_pin", "/events", ENOSPC, "cannot pin"},
		{"bpf_obj_pin", "/link-", ENOSPC, "cannot pin"},
		{"if_nametoindex", "t0", EMFILE, "cannot look up interface t0: Too many open"},
		{"bpf_link_create", NULL, EPERM, "not allowed to attach to t0"},
		{"bpf_link_create", NULL, EINVAL, "cannot attach to t0"},
		{"bpf_link_create", NULL, EOPNOTSUPP, "has no native XDP"},
		{"bpf_link_create", NULL, EBUSY, "already has an XDP program", EEXIST},
	};
	unsigned descriptors = world_descriptors();

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		world_reset(&world);
		fault_start(&world, &faults[i]);
		nothing_left(descriptors);
	}
	world_clean_start(&world);
	nothing_left(descriptors);
}

static void next_start(void **state)
{
	static const struct fault faults[] = {
		{"bpf_object__open_skeleton", NULL, ENOMEM, "cannot read the XDP program: Cannot"},
		{"bpf_object__load_skeleton", NULL, ENOMEM, "no kernel memory for 200 sessions"},
		{"mmap64", "shared", ENOMEM, "cannot map the visited marks"},
		{"bpf_map_lookup_batch", NULL, EIO, "cannot read the pinned sessions"},
		{"bpf_obj_get", "/link-", EACCES, "cannot open the pin"},
		{"bpf_xdp_query", NULL, EINVAL, "cannot query the XDP mode of t0"},
		{"if_nametoindex", "t0", ENFILE, "cannot look up interface t0: Too many open"},
		{"bpf_map_update_elem", "allow4", ENOMEM, "cannot write the allow list"},
		{"bpf_map_update_elem", "config", EIO, "cannot write the program's settings"},
	};
	unsigned descriptors = world_descriptors();

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		fault_next_start(&world, &faults[i]);
		nothing_left(descriptors);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(first_start),
		world_test(next_start),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
