/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Pins that are an incomplete set, or of another version: their sessions are not adopted, the log
 * says why, and the start is like a first start.
 */
#include "tests/bpf/faults.h"

#include "common/log.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOST "the sessions of the last daemon are lost: "

static struct world world;

/* A start that adopts nothing, for this reason; "": no sessions are lost. */
static void lost_for(const char *why)
{
	unsigned descriptors = world_descriptors();

	heard_prefix = LOST;
	heard_warning[0] = '\0';
	world_clean_start(&world);
	print_message("%s\n", heard_warning);
	assert_string_equal(*heard_warning ? heard_warning + strlen(LOST) : "", why);
	assert_int_equal(world_descriptors(), descriptors);
}

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

static void nothing_pinned(void **state)
{
	(void)state;
	world_reset(&world);
	lost_for("");
}

static void other_abi(void **state)
{
	(void)state;
	world_keep_one(&world);
	set_abi(SESSD_ABI + 1);
	assert_false(engine_xdp.would_adopt(&world.config));
	lost_for("the pinned maps are of another version");
	world_keep_one(&world);
	set_abi(0); /* as left by a daemon that is killed during its start */
	lost_for("the pin set is incomplete");
}

/* Sessions cannot move from an incomplete set either. */
static void other_options(void **state)
{
	static const char *const names[] = {"sessions", "overflow", "marks", "taken"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < 2 * (sizeof(names) / sizeof(names[0])); i++) {
		world_keep_one(&world);
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i / 2]);
		assert_int_equal(unlink(path), 0);
		if (i % 2)
			world.config.capacity++;
		else
			world.config.value_max++;
		lost_for("capacity or max-session has changed");
	}
}

static void missing_pins(void **state)
{
	static const char *const names[] = {"sessions", "overflow", "marks", "taken", "config",
		"stats", "allow4", "allow6", "local", "events"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		world_keep_one(&world);
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i]);
		assert_int_equal(unlink(path), 0);
		lost_for("the pin set is incomplete");
	}
}

/* A pin that is another map altogether. */
static void wrong_pins(void **state)
{
	static const struct {
		const char *name, *why;
	} pins[] = {
		{"sessions", "the pinned maps have another shape"},
		{"config", "the pinned maps are of another version"},
	};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		/* Per CPU: its size times the CPUs. */
		int fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "wrong", 4,
			sizeof(struct sessd_config), 1, NULL);

		assert_true(fd >= 0);
		world_keep_one(&world);
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, pins[i].name);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
		close(fd);
		lost_for(pins[i].why);
	}
}

/* Calls that the kernel refuses, the last with half of the maps adopted. */
static void refused(void **state)
{
	static const struct fault faults[] = {
		{"bpf_obj_get", "/config", EACCES, "the pinned maps cannot be opened", .times = 1},
		{"bpf_obj_get", "/marks", EMFILE, "the pinned maps cannot be opened", .times = 1},
		{"bpf_map__reuse_fd", "sessions", ENOMEM, "the pinned maps cannot be used"},
		{"bpf_map__reuse_fd", "local", ENOMEM, "the pinned maps cannot be used"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		world_keep_one(&world);
		fault_set(&faults[i]);
		lost_for(faults[i].message);
		assert_int_equal(fault_count(), 1);
		fault_set(NULL);
	}
}

/* Last, for it leaves the namespace. */
static void other_namespace(void **state)
{
	(void)state;
	world_keep_one(&world);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_sh("ip link set lo up");
	world_make_veth();
	lost_for("it ran in another network namespace");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(nothing_pinned),
		world_test(other_abi),
		world_test(other_options),
		world_test(missing_pins),
		world_test(wrong_pins),
		world_test(refused),
		world_test(other_namespace),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
