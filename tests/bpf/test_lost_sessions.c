/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Pins that are no whole set of ours, or of another kind: their sessions are not taken over.
 */
#include "engine_world.h"

#include <bpf/bpf.h>

#include <stdio.h>
#include <unistd.h>

static struct world world;

static void set_abi(uint32_t abi)
{
	int fd = world_pin(&world, "config");
	struct sessd_config settings;
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &settings), 0);
	settings.abi = abi;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &settings, BPF_ANY), 0);
	close(fd);
}

static void other_abi(void **state)
{
	(void)state;
	world_keep_one(&world);
	set_abi(SESSD_ABI + 1);
	assert_false(engine_xdp_would_adopt(&world.config));
	world_clean_start(&world);
	world_keep_one(&world);
	set_abi(0); /* as a daemon leaves it that is killed while it starts */
	world_clean_start(&world);
}

static void missing_pins(void **state)
{
	static const char *const names[] = {"sessions", "overflow", "marks", "config", "stats",
		"allow4", "allow6", "local", "events"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		world_keep_one(&world);
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i]);
		assert_int_equal(unlink(path), 0);
		world_clean_start(&world);
	}
}

/* A pin that is another map altogether. */
static void wrong_pins(void **state)
{
	static const char *const names[] = {"sessions", "config"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* Per CPU: as long as it says, times the CPUs. */
		int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "wrong", 4,
			sizeof(struct sessd_config), 1, NULL);

		assert_true(fd >= 0);
		world_keep_one(&world);
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
		close(fd);
		world_clean_start(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(other_abi),
		world_test(missing_pins),
		world_test(wrong_pins),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
