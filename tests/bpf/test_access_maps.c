/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The allowed clients and served addresses, as the daemon writes them into the maps.
 */
#include "tests/bpf/engine_world.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static struct world world;

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

/* A failed start does not change the clients of the program that keeps answering. */
static void failed_start_changes_nobody(void **state)
{
	(void)state;
	world_reset(&world);
	assert_int_equal(endpoint_parse("*", 7300, &world.config.listen[0]), 0);
	assert_int_equal(world_open(&world), 0);
	tell("127.0.0.1", true);
	assert_int_equal(world_start(&world), 0);
	world_close(&world, true);
	world.config.interface_count = 2;
	strcpy(world.config.interfaces[1], "nosuch0");
	assert_int_equal(start_otherwise(), -ENODEV);
	world_close(&world, false);
	assert_true(allowed("10.1.2.3"));
	assert_false(allowed("203.0.113.9"));
	assert_true(world_serves(&world, "127.0.0.1"));
	assert_false(world_serves(&world, "127.0.0.2"));
	world.config.interface_count = 1;
	assert_int_equal(start_otherwise(), 0);
	assert_false(allowed("10.1.2.3"));
	assert_true(allowed("203.0.113.9"));
	assert_false(world_serves(&world, "127.0.0.1"));
	assert_true(world_serves(&world, "127.0.0.2"));
	world_close(&world, false);
}

/* Two full lists, one replacing the other; a failed third one leaves the second. */
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

/* A list that cannot be written leaves the old one, and the program's cache drops clients that it
 * admitted while half of the new list was there. */
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

/* The served addresses of the host, for each form of --listen. */
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
		assert_int_equal(endpoint_parse(cases[i].listen, 7300, &world.config.listen[0]), 0);
		assert_int_equal(world_open(&world), 0);
		tell("127.0.0.1", true);
		tell("10.1.1.1", true);
		tell("fd00::1", true);
		tell("fe80::1", true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(world_serves(&world, "127.0.0.1"), cases[i].v4);
		assert_int_equal(world_serves(&world, "10.1.1.1"), cases[i].other4);
		assert_int_equal(world_serves(&world, "fd00::1"), cases[i].v6);
		assert_int_equal(world_serves(&world, "fe80::1"), cases[i].v6);
		tell("10.1.1.1", false);
		assert_false(world_serves(&world, "10.1.1.1"));
		tell("10.1.1.2", true);
		assert_int_equal(world_serves(&world, "10.1.1.2"), cases[i].other4);
		/* An address that is gone when the next daemon starts is no longer served. */
		world_close(&world, true);
		assert_int_equal(world_open(&world), 0);
		assert_true(world.engine->adopted);
		tell("127.0.0.1", true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(world_serves(&world, "127.0.0.1"), cases[i].v4);
		assert_false(world_serves(&world, "10.1.1.2"));
		assert_false(world_serves(&world, "fd00::1"));
		world_close(&world, false);
	}
}

static void tell_many(unsigned net, unsigned count, bool present)
{
	for (unsigned i = 0; i < count; i++) {
		uint8_t ipv4[4] = {10, (uint8_t)net, (uint8_t)(i / 256), (uint8_t)i};
		struct address addr;

		address_from_ipv4(&addr, ipv4);
		assert_int_equal(engine_xdp.set_local(world.engine, &addr, present), 0);
	}
}

static unsigned served_by(unsigned net)
{
	struct sessd_local key, *last = NULL;
	int fd = world_pin(&world, "local");
	unsigned n = 0;

	while (bpf_map_get_next_key(fd, last, &key) == 0) {
		last = &key;
		n += key.addr[12] == 10 && key.addr[13] == net;
	}
	close(fd);
	return n;
}

static void open_for(size_t addresses)
{
	world.config.address_count = addresses;
	assert_int_equal(world_open(&world), 0);
}

/* The current number of addresses, and as many again; further ones are added when others have
 * gone. */
static void room_for_addresses(void **state)
{
	(void)state;
	world_reset(&world);
	assert_int_equal(endpoint_parse("*", 7300, &world.config.listen[0]), 0);
	open_for(5000);
	assert_int_equal(bpf_map__max_entries(world.engine->skel->maps.local), 2 * 5000 + 4096);
	tell_many(1, 5000, true);
	assert_int_equal(world_start(&world), 0);
	assert_int_equal(served_by(1), 5000);
	tell_many(2, 9100, true);
	assert_int_equal(served_by(2), 9096);
	assert_false(world_serves(&world, "10.2.35.138"));
	tell_many(1, 3, false);
	assert_int_equal(served_by(2), 9099);
	tell_many(2, 1, false);
	assert_int_equal(served_by(2), 9099);
	assert_true(world_serves(&world, "10.2.35.139"));
	tell_many(2, 1, true);
	assert_int_equal(served_by(2), 9099);
	/* A waiting address that is removed no longer waits. */
	tell_many(2, 1, false);
	tell_many(1, 100, false);
	assert_int_equal(served_by(2), 9099);
	assert_int_equal(served_by(1), 4900);
	world_close(&world, false);
}

/* Leaves a session, and a full map of addresses. */
static void keep_full_map(void)
{
	world_reset(&world);
	assert_int_equal(endpoint_parse("*", 7300, &world.config.listen[0]), 0);
	open_for(0);
	tell_many(1, 4096, true);
	assert_int_equal(world_start(&world), 0);
	world_put(&world, 1, 100000, 100);
	world_commit(&world);
	world_close(&world, true);
	assert_int_equal(served_by(1), 4096);
}

/* Old addresses are removed before new ones are added. Addresses without room are left out at the
 * first start and at the next. */
static void full_map_is_adopted(void **state)
{
	(void)state;
	keep_full_map();
	for (unsigned i = 0; i < 2; i++) {
		open_for(0);
		assert_true(world.engine->adopted);
		assert_int_equal(world.found_count, 1);
		tell_many(2, 4200, true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(served_by(1), 0);
		assert_int_equal(served_by(2), 4096);
		world_close(&world, i == 0);
	}
}

/* More addresses than the previous daemon's map can hold: a larger map replaces it, and no session
 * is lost. An earlier failure changes nothing. */
static void larger_map_for_adopted_sessions(void **state)
{
	int fd;

	(void)state;
	keep_full_map();
	world.config.address_count = 4200;
	world.config.interface_count = 2;
	strcpy(world.config.interfaces[1], "nosuch0");
	assert_int_equal(world_open(&world), 0);
	assert_true(world.engine->adopted);
	tell_many(2, 4200, true);
	assert_int_equal(world_start(&world), -ENODEV);
	world_close(&world, false);
	assert_int_equal(served_by(1), 4096);
	assert_int_equal(served_by(2), 0);
	world.config.interface_count = 1;
	for (unsigned i = 0; i < 2; i++) {
		open_for(4200);
		assert_true(world.engine->adopted);
		assert_int_equal(world.found_count, 1);
		tell_many(2, 4200, true);
		assert_int_equal(world_start(&world), 0);
		assert_int_equal(served_by(1), 0);
		assert_int_equal(served_by(2), 4200);
		fd = world_pin(&world, "local");
		assert_int_equal(
			bpf_map__max_entries(world.engine->skel->maps.local), 2 * 4200 + 4096);
		close(fd);
		assert_false(world_has_pin(&world, "fresh"));
		world_close(&world, i == 0);
	}
	assert_false(world_has_pin(&world, "local"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(failed_start_changes_nobody),
		world_test(allow_lists),
		world_test(allow_list_without_room),
		world_test(local_addresses),
		world_test(room_for_addresses),
		world_test(full_map_is_adopted),
		world_test(larger_map_for_adopted_sessions),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
