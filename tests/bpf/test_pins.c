/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a start finds pinned, takes over or leaves alone, and what an end leaves behind.
 */
#include "engine_world.h"

#include <sessiond/log.h>

#include "sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static struct world world;

static int update_error; /* of the links that are updated; 0: what the kernel says */
static bool moved;	 /* the folder that was opened is on another file system */

int __real_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts);
int __real_fstatfs64(int fd, struct statfs *fs);
int __wrap_fstatfs64(int fd, struct statfs *fs);

int __wrap_bpf_link_update(int fd, int prog_fd, const struct bpf_link_update_opts *opts)
{
	return update_error ? update_error : __real_bpf_link_update(fd, prog_fd, opts);
}

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
	/* At once, not when the kernel comes to it. */
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

	assert_true(engine_xdp_would_adopt(&world.config));
	world.config.capacity++;
	assert_false(engine_xdp_would_adopt(&world.config));
	world.config.capacity--;
	world_run(&world);
	assert_true(engine_xdp_would_adopt(&world.config));
	assert_true(world.engine->adopted);
	/* The secrets are those that the sessions were guarded with. */
	assert_memory_equal(
		world.engine->settings.secret, settings.secret, sizeof(settings.secret));
	memset(&info, 0, sizeof(info));
	assert_int_equal(bpf_obj_get_info_by_fd(world.engine->links[0].fd, &info, &size), 0);
	assert_int_equal(info.id, link_id);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* What answers although its daemon is gone, and where. */
static void leftovers(void **state)
{
	char names[32];

	(void)state;
	world_reset(&world);
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 0);
	world.config.interface_count = 2;
	world_run(&world);
	/* It lives. */
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 0);
	world_close(&world, true);
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 2);
	assert_int_equal(strlen(names), strlen("t0, t1"));
	assert_non_null(strstr(names, "t0"));
	assert_non_null(strstr(names, "t1"));
	/* Pins of interfaces that are gone answer nothing. */
	world_sh("ip link del t0");
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 0);
	world_make_veth();
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 0);
	world.config.interface_count = 1;
	world_run(&world);
	world_close(&world, false);
}

static void expect_clean_start(void)
{
	world_run(&world);
	assert_false(world.engine->adopted);
	assert_int_equal(world.found_count, 0);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

static void keep_one(void)
{
	world_reset(&world);
	world_run(&world);
	world_put(&world, 1, 100000, 100);
	world_commit(&world);
	world_close(&world, true);
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

static void other_abi(void **state)
{
	(void)state;
	keep_one();
	set_abi(SESSD_ABI + 1);
	assert_false(engine_xdp_would_adopt(&world.config));
	expect_clean_start();
	keep_one();
	set_abi(0); /* as a daemon leaves it that is killed while it starts */
	expect_clean_start();
}

static void missing_pins(void **state)
{
	static const char *const names[] = {"sessions", "overflow", "marks", "config", "stats",
		"allow4", "allow6", "local", "events"};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		keep_one();
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i]);
		assert_int_equal(unlink(path), 0);
		expect_clean_start();
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
		keep_one();
		snprintf(path, sizeof(path), "%s/%s", world.pin_dir, names[i]);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(bpf_obj_pin(fd, path), 0);
		close(fd);
		expect_clean_start();
	}
}

/* Of another size: a clean start, but a start that fails before it leaves all as it was. */
static void other_size(void **state)
{
	uint32_t program;

	(void)state;
	keep_one();
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
	expect_clean_start();
}

static void locked(void **state)
{
	struct world other;

	(void)state;
	world_reset(&world);
	world_run(&world);
	other = world;
	other.listen.port++; /* the folder is what is in use, not the port */
	other.config.listen = &other.listen;
	assert_int_equal(world_open(&other), -EBUSY);
	assert_non_null(strstr(error_message(), world.pin_dir));
	assert_true(world_has_pin(&world, "config"));
	other.listen.port--;
	assert_int_equal(world_open(&other), -EADDRINUSE);
	world_close(&world, false);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* Nothing is made where no map can be pinned. */
static void not_on_bpffs(void **state)
{
	char root[64];

	(void)state;
	world_reset(&world);
	snprintf(root, sizeof(root), "/tmp/sessiond-test-%d/deep/7300", (int)getpid());
	world.config.pin_dir = root;
	assert_int_equal(world_open(&world), -ENOTSUP);
	*strstr(root, "/deep") = '\0';
	assert_int_not_equal(access(root, F_OK), 0);
}

/* Nor where a link leads, nor if the folder is another by the time it is open. */
static void swapped_folder(void **state)
{
	(void)state;
	world_reset(&world);
	moved = true;
	assert_int_equal(world_open(&world), -ENOTSUP);
	moved = false;
	assert_int_equal(rmdir(world.pin_dir), 0);
	assert_int_equal(symlink("/sys/fs/bpf", world.pin_dir), 0);
	assert_int_equal(world_open(&world), -ENOTDIR);
	assert_int_equal(unlink(world.pin_dir), 0);
}

static bool allowed(const char *text)
{
	struct sessd_lpm4 key = {.prefixlen = 32};
	struct address addr;
	uint8_t value;
	int fd = world_pin(&world, "allow4"), err;

	assert_int_equal(address_parse(text, &addr), 0);
	memcpy(key.addr, addr.bytes + 12, 4);
	err = bpf_map_lookup_elem(fd, &key, &value);
	close(fd);
	return err == 0;
}

static bool served(const char *text)
{
	struct sessd_local key = {.port = htons(7300)};
	struct address addr;
	uint8_t value;
	int fd = world_pin(&world, "local"), err;

	assert_int_equal(address_parse(text, &addr), 0);
	memcpy(key.addr, addr.bytes, 16);
	err = bpf_map_lookup_elem(fd, &key, &value);
	close(fd);
	return err == 0;
}

static void tell(const char *text, bool present)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	assert_int_equal(engine_xdp.set_local(world.engine, &addr, present), 0);
}

/* A start with another allow list and another address. */
static int start_otherwise(void)
{
	static struct allow_list other;
	struct update_sink none = {0};

	other.count = 1;
	other.prefixes[0].length = 96 + 24;
	assert_int_equal(address_parse("203.0.113.0", &other.prefixes[0].addr), 0);
	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	assert_int_equal(engine_xdp.set_allow(world.engine, &other), 0);
	tell("127.0.0.2", true);
	return engine_xdp.start(world.engine, NULL, &none);
}

/* Whom the program that goes on answering serves is not changed by a start that fails. */
static void failed_start_changes_nobody(void **state)
{
	(void)state;
	world_reset(&world);
	assert_int_equal(endpoint_parse("*", 7300, &world.listen), 0);
	assert_int_equal(world_open(&world), 0);
	tell("127.0.0.1", true);
	assert_int_equal(world_start(&world), 0);
	world_close(&world, true);
	world.config.interface_count = 2;
	strcpy(world.interfaces[1], "nosuch0");
	assert_int_equal(start_otherwise(), -ENODEV);
	world_close(&world, false);
	assert_true(allowed("10.1.2.3"));
	assert_false(allowed("203.0.113.9"));
	assert_true(served("127.0.0.1"));
	assert_false(served("127.0.0.2"));
	world.config.interface_count = 1;
	assert_int_equal(start_otherwise(), 0);
	assert_false(allowed("10.1.2.3"));
	assert_true(allowed("203.0.113.9"));
	assert_false(served("127.0.0.1"));
	assert_true(served("127.0.0.2"));
	world_close(&world, false);
}

/* A link that cannot be updated keeps the last daemon's program, unless it is of another mode. */
static void failed_update(void **state)
{
	uint32_t program;

	(void)state;
	keep_one();
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

/* A start that fails takes back what it made, and leaves what was there. */
static void failed_start(void **state)
{
	uint32_t program;

	(void)state;
	world_reset(&world);
	world.config.interface_count = 2;
	strcpy(world.interfaces[1], "nosuch0");
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), -ENODEV);
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);

	keep_one();
	program = world_program("t0");
	assert_int_not_equal(program, 0);
	world.config.interface_count = 2;
	strcpy(world.interfaces[1], "nosuch0");
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

/* Interfaces that are no longer asked for, renamed, or made anew. */
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
	strcpy(world.interfaces[0], "r0");
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_false(world.engine->links[0].created);
	usleep(100000); /* an unlinked link goes when the kernel comes to it */
	assert_int_equal(world_program("t1"), 0);
	snprintf(name, sizeof(name), "link-%u", if_nametoindex("r0"));
	world_close(&world, true);

	world_sh("ip link del r0");
	world_make_veth();
	strcpy(world.interfaces[0], "t0");
	assert_true(world_has_pin(&world, name));
	world_run(&world);
	assert_true(world.engine->adopted);
	assert_true(world.engine->links[0].created);
	assert_false(world_has_pin(&world, name));
	assert_int_not_equal(world_program("t0"), 0);
	world_close(&world, false);
}

/* From native to generic and back, over a link that was kept. */
static void other_mode(void **state)
{
	(void)state;
	keep_one();
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

/* A program of somebody else's stays. */
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

/* Two full lists, one in the place of the other; a third that fails leaves the second. */
static void allow_lists(void **state)
{
	static struct allow_list lists[2];
	int fd;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		lists[k].count = ALLOW_MAX;
		for (unsigned i = 0; i < ALLOW_MAX; i++) {
			uint8_t ipv4[4] = {10, (uint8_t)k, (uint8_t)(i / 256), (uint8_t)i};

			address_from_ipv4(&lists[k].prefixes[i].addr, ipv4);
			lists[k].prefixes[i].length = 128;
		}
	}
	world_reset(&world);
	assert_int_equal(world_open(&world), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct sessd_lpm4 key = {.prefixlen = 32, .addr = {10, 0, 1, 7}};
		uint8_t value;

		assert_int_equal(engine_xdp.set_allow(world.engine, &lists[i % 2]), 0);
		fd = bpf_map__fd(world.engine->skel->maps.allow4);
		assert_int_equal(world_elements(fd), ALLOW_MAX);
		key.addr[1] = i % 2;
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), 0);
		key.addr[1] = !(i % 2);
		assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), -ENOENT);
	}
	world_close(&world, false);
}

static uint64_t pinned_generation(void)
{
	int fd = world_pin(&world, "config");
	struct sessd_config settings;
	__u32 zero = 0;

	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &settings), 0);
	close(fd);
	return settings.generation;
}

/* A list that cannot be written leaves the old one, and the program forgets whom it let in while
 * half of the new one was there. */
static void allow_list_without_room(void **state)
{
	struct sessd_lpm4 key = {.prefixlen = 32, .addr = {192, 0, 2, 1}};
	static struct allow_list list;
	uint64_t generation;
	uint8_t value = 1;
	int fd;

	(void)state;
	world_reset(&world);
	world_run(&world);
	fd = bpf_map__fd(world.engine->skel->maps.allow4);
	for (unsigned i = 0; bpf_map_update_elem(fd, &key, &value, BPF_ANY) == 0; i++) {
		assert_in_range(i, 0, 2 * ALLOW_MAX);
		key.addr[1] = (uint8_t)(i / 256 + 1);
		key.addr[2] = (uint8_t)i;
	}
	generation = pinned_generation();
	assert_int_equal(prefix_parse("fd00::/8", &list.prefixes[0]), 0);
	assert_int_equal(prefix_parse("198.51.100.0/24", &list.prefixes[1]), 0);
	list.count = 2;
	assert_int_equal(engine_xdp.set_allow(world.engine, &list), -ENOSPC);
	assert_true(pinned_generation() > generation);
	assert_int_equal(bpf_map_lookup_elem(fd, &key, &value), -ENOENT);
	world_close(&world, false);
}

/* Which of the host's addresses are served, for each way to say where to listen. */
static void local_addresses(void **state)
{
	static const struct {
		const char *listen;
		bool v4, other4, v6;
	} cases[] = {
		{"*", true, true, true}, {"0.0.0.0", true, true, false}, {"::", false, false, true},
		{"127.0.0.1", true, false, false},
		{"fe80::1%t0", false, false, false}, /* left to the socket */
	};

	(void)state;
	world_sh("ip address add fe80::1/64 dev t0 nodad");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		world_reset(&world);
		assert_int_equal(endpoint_parse(cases[i].listen, 7300, &world.listen), 0);
		assert_int_equal(world_open(&world), 0);
		tell("127.0.0.1", true);
		tell("10.1.1.1", true);
		tell("fd00::1", true);
		tell("fe80::1", true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(served("127.0.0.1"), cases[i].v4);
		assert_int_equal(served("10.1.1.1"), cases[i].other4);
		assert_int_equal(served("fd00::1"), cases[i].v6);
		assert_int_equal(served("fe80::1"), cases[i].v6);
		tell("10.1.1.1", false);
		assert_false(served("10.1.1.1"));
		tell("10.1.1.2", true);
		assert_int_equal(served("10.1.1.2"), cases[i].other4);
		/* What is gone when the next daemon starts is no longer served. */
		world_close(&world, true);
		assert_int_equal(world_open(&world), 0);
		assert_true(world.engine->adopted);
		tell("127.0.0.1", true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(served("127.0.0.1"), cases[i].v4);
		assert_false(served("10.1.1.2"));
		assert_false(served("fd00::1"));
		world_close(&world, false);
	}
}

/* Last, for it leaves the namespace: pins of one whose interfaces have the same numbers. */
static void other_namespace(void **state)
{
	char names[32];

	(void)state;
	keep_one();
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 1);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	world_sh("ip link set lo up");
	world_make_veth();
	assert_int_equal(engine_xdp_leftovers(world.pin_dir, names, sizeof(names)), 0);
	assert_false(engine_xdp_would_adopt(&world.config));
	/* A failure before the start leaves the pins as they are. */
	assert_int_equal(world_open(&world), 0);
	assert_false(world.engine->adopted);
	world_close(&world, false);
	assert_true(world_has_pin(&world, "sessions"));
	expect_clean_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(clean_end),
		world_test(keeps_and_adopts),
		world_test(leftovers),
		world_test(other_abi),
		world_test(missing_pins),
		world_test(wrong_pins),
		world_test(other_size),
		world_test(locked),
		world_test(not_on_bpffs),
		world_test(swapped_folder),
		world_test(failed_start),
		world_test(failed_start_changes_nobody),
		world_test(failed_update),
		world_test(other_interfaces),
		world_test(other_mode),
		world_test(occupied),
		world_test(allow_lists),
		world_test(allow_list_without_room),
		world_test(local_addresses),
		world_test(other_namespace),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
