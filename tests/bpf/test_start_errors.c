/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A start that the kernel refuses at one step: it says which, takes back what it made, leaves what
 * answered answering, and the next start is as if nothing had been.
 */
#include "engine_world.h"

#include <sessiond/log.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static struct world world;
static const char *failing; /* the call that fails; NULL: none */
static int failing_error;

static bool fails(const char *call)
{
	return failing && strcmp(failing, call) == 0;
}

/* NAME, parameters, arguments: returns the error, as libbpf does. */
#define WRAP(name, parameters, arguments) \
	int __real_##name parameters; \
	int __wrap_##name parameters; \
	int __wrap_##name parameters \
	{ \
		return fails(#name) ? -failing_error : __real_##name arguments; \
	}

WRAP(bpf_obj_pin, (int fd, const char *path), (fd, path))
WRAP(bpf_xdp_query, (int ifindex, int flags, struct bpf_xdp_query_opts *opts),
	(ifindex, flags, opts))
WRAP(bpf_map_update_elem, (int fd, const void *key, const void *value, __u64 flags),
	(fd, key, value, flags))
WRAP(bpf_map_lookup_batch,
	(int fd, void *in, void *out, void *keys, void *values, __u32 *count,
		const struct bpf_map_batch_opts *opts),
	(fd, in, out, keys, values, count, opts))
WRAP(bpf_link_create,
	(int prog, int target, enum bpf_attach_type type, const struct bpf_link_create_opts *opts),
	(prog, target, type, opts))

int __real_bpf_obj_get(const char *path);
int __wrap_bpf_obj_get(const char *path);
int __wrap_bpf_obj_get(const char *path)
{
	return fails("bpf_obj_get") && strstr(path, "/link-") ? -failing_error
							      : __real_bpf_obj_get(path);
}

ssize_t __real_getrandom(void *to, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *to, size_t size, unsigned flags)
{
	return fails("getrandom") ? -1 : __real_getrandom(to, size, flags);
}

struct fault {
	const char *call;
	int error;
	int expected; /* of the start */
	const char *message;
};

static void start_with(const struct fault *fault)
{
	int err;

	failing = fault->call;
	failing_error = fault->error;
	err = world_open(&world);
	if (!err)
		err = world_start(&world);
	failing = NULL;
	print_message("%s: %s\n", fault->call, error_message());
	assert_int_equal(err, -fault->expected);
	assert_non_null(strstr(error_message(), fault->message));
	if (world.engine)
		world_close(&world, false);
}

static void first_start(void **state)
{
	static const struct fault faults[] = {
		{"getrandom", EIO, EIO, "cannot get random numbers"},
		{"bpf_obj_pin", ENOSPC, ENOSPC, "cannot pin"},
		{"bpf_link_create", EPERM, EPERM, "not allowed to attach to t0"},
		{"bpf_link_create", EINVAL, EINVAL, "cannot attach to t0"},
		{"bpf_link_create", EOPNOTSUPP, EOPNOTSUPP, "has no native XDP"},
		{"bpf_link_create", EBUSY, EEXIST, "already has an XDP program"},
	};
	unsigned descriptors = world_descriptors();

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		world_reset(&world);
		start_with(&faults[i]);
		assert_int_equal(world_program("t0"), 0);
		assert_int_not_equal(access(world.root, F_OK), 0);
		assert_int_equal(world_descriptors(), descriptors);
	}
}

static void next_start(void **state)
{
	static const struct fault faults[] = {
		{"bpf_map_lookup_batch", EIO, EIO, "cannot read the pinned sessions"},
		{"bpf_obj_get", EACCES, EACCES, "cannot open the pin"},
		{"bpf_xdp_query", EINVAL, EINVAL, "cannot ask how XDP is on t0"},
		{"bpf_map_update_elem", ENOMEM, ENOMEM, "cannot write the allow list"},
	};
	unsigned descriptors = world_descriptors();

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		world_reset(&world);
		world_run(&world);
		world_put(&world, 1, 100000, 400);
		world_commit(&world);
		world_close(&world, true);
		start_with(&faults[i]);
		assert_int_not_equal(world_program("t0"), 0);
		world_run(&world);
		assert_true(world.engine->adopted);
		assert_int_equal(world.found_count, 1);
		world_close(&world, false);
		assert_int_equal(world_program("t0"), 0);
		assert_int_equal(world_descriptors(), descriptors);
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
