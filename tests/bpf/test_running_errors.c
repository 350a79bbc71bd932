/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Calls that the kernel refuses while a daemon runs: they are reported, and the next try works.
 */
#include "tests/bpf/faults.h"

#include "common/log.h"

#include <bpf/bpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct world world;

static void said(int err, const struct fault *fault)
{
	fault_set(NULL);
	assert_int_equal(err, -fault->error);
	assert_non_null(strstr(error_message(), fault->message));
}

static int tell(const char *text, bool present)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	return engine_xdp.set_local(world.engine, &addr, present);
}

static void open_everywhere(void)
{
	world_reset(&world);
	assert_int_equal(endpoint_parse("*", 7300, &world.config.listen[0]), 0);
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(tell("127.0.0.1", true), 0);
	assert_int_equal(world_start(&world), 0);
}

static void addresses(void **state)
{
	static const struct fault add = {"bpf_map_update_elem", "local", ENOMEM,
		"cannot change the XDP program's address 10.1.1.1: Cannot allocate memory"};
	static const struct fault del = {"bpf_map_delete_elem", "local", EBUSY,
		"cannot change the XDP program's address 10.1.1.1: Device or resource busy"};
	/* The address is gone, but the program's cache may still have it. */
	static const struct fault forget = {"bpf_map_update_elem", "config", EIO,
		"cannot change the XDP program's address 10.1.1.1: Input/output error"};

	int fd;

	(void)state;
	open_everywhere();
	fault_set(&add);
	said(tell("10.1.1.1", true), &add);
	assert_false(world_serves(&world, "10.1.1.1"));
	assert_int_equal(tell("10.1.1.1", true), 0);
	assert_true(world_serves(&world, "10.1.1.1"));
	fault_set(&del);
	said(tell("10.1.1.1", false), &del);
	assert_true(world_serves(&world, "10.1.1.1"));
	fault_set(&forget);
	said(tell("10.1.1.1", false), &forget);
	assert_int_equal(tell("10.1.1.1", false), 0);
	assert_false(world_serves(&world, "10.1.1.1"));
	assert_true(world_serves(&world, "127.0.0.1"));
	fd = world_pin(&world, "local");
	assert_int_equal(world_elements(fd), 1);
	close(fd);
	world_close(&world, false);
}

static void no_figure(void *ctx, const char *name, uint64_t value)
{
	if (strcmp(name, "xdp_get_hits") == 0)
		*(uint64_t *)ctx = value;
}

/* Counters that cannot be read are shown as 0 with a warning, only once. */
static void unread_counters(void **state)
{
	static const struct fault read = {"bpf_map_lookup_elem", "stats", EPERM, ""};
	uint64_t hits = 1;

	(void)state;
	world_reset(&world);
	assert_int_equal(world_open(&world), 0);
	heard_warning[0] = '\0';
	fault_set(&read);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(heard_warning, "cannot read the per-CPU counters of a BPF program: "
					   "Operation not permitted: they are shown as 0");
	heard_warning[0] = '\0';
	engine_xdp.stats(world.engine, no_figure, &hits);
	assert_int_equal(hits, 0);
	assert_string_equal(heard_warning, "");
	fault_set(NULL);
	world_close(&world, false);
}

/* A start that adopts writes addresses at its end. It continues without those that the map refuses,
 * as any start does, and retries them. */
static void addresses_at_start(void **state)
{
	static const struct fault add = {"bpf_map_update_elem", "local", ENOMEM, ""};
	static const char *const tried_by[] = {"another that comes", "one that goes", "time"};

	(void)state;
	for (int by = 0; by < 3; by++) {
		print_message("%s\n", tried_by[by]);
		open_everywhere();
		assert_int_equal(tell("10.1.1.7", true), 0);
		world_close(&world, true);
		assert_int_equal(world_open(&world), 0);
		assert_true(world.engine->adopted);
		assert_int_equal(tell("127.0.0.1", true), 0);
		assert_int_equal(tell("10.1.1.1", true), 0);
		assert_int_equal(tell("10.1.1.2", true), 0);
		fault_set(&add);
		assert_int_equal(world_start(&world), 0);
		fault_set(NULL);
		heard_notice[0] = '\0';
		assert_non_null(strstr(error_message(), "cannot change the XDP program's address"));
		assert_int_not_equal(world_program("t0"), 0);
		assert_false(world_serves(&world, "10.1.1.1"));
		assert_false(world_serves(&world, "10.1.1.7"));
		if (by < 2)
			assert_int_equal(tell(by ? "10.1.1.2" : "10.1.1.3", !by), 0);
		else
			engine_xdp.supervise(world.engine);
		assert_true(world_serves(&world, "127.0.0.1"));
		assert_true(world_serves(&world, "10.1.1.1"));
		assert_int_equal(world_serves(&world, "10.1.1.2"), by != 1);
		assert_string_equal(
			heard_notice, "the program answers at every address of this host again");
		world_close(&world, false);
	}
}

static void vlans(void **state)
{
	static const struct fault add = {"bpf_map_update_elem", "vlans", ENOMEM,
		"cannot change the XDP program's VLANs: Cannot allocate memory"};
	static const struct fault del = {"bpf_map_delete_elem", "vlans", EBUSY,
		"cannot change the XDP program's VLANs: Device or resource busy"};
	const struct sessd_vlan vlan = {.ifindex = 7, .tags = sessd_vlan_tag(5, false)};

	(void)state;
	open_everywhere();
	fault_set(&add);
	said(engine_xdp.set_vlan(world.engine, &vlan, true), &add);
	assert_int_equal(engine_xdp.set_vlan(world.engine, &vlan, true), 0);
	fault_set(&del);
	said(engine_xdp.set_vlan(world.engine, &vlan, false), &del);
	assert_int_equal(engine_xdp.set_vlan(world.engine, &vlan, false), 0);
	assert_int_equal(engine_xdp.set_vlan(world.engine, &vlan, false), 0); /* gone already */
	world_close(&world, false);
}

/* A writer that cannot wait for packets ends; a signal does not end it. */
static void packets(void **state)
{
	static const struct fault lasting = {
		"poll", NULL, ENOMEM, "cannot wait for packets: Cannot allocate memory"};
	static const struct fault signal = {"poll", NULL, EINTR};
	struct allow_list allow;

	(void)state;
	open_everywhere();
	fault_set(&signal);
	assert_int_equal(engine_xdp.poll(world.engine, 0), 0);
	fault_set(&lasting);
	said(engine_xdp.poll(world.engine, 0), &lasting);
	/* Nothing waits for it any more. */
	allow_list_default(&allow);
	assert_int_equal(engine_xdp.set_allow(world.engine, &allow), 0);
	world_close(&world, false);
}

/* A recreated interface is served, although its pin cannot be made. */
static void pin_anew(void **state)
{
	static const struct fault pin = {"bpf_obj_pin", "/link-", ENOSPC,
		"XDP on t0 ends with this daemon: it cannot be pinned: No space left on device"};
	char name[32];

	(void)state;
	open_everywhere();
	world_sh("ip link del t0");
	world_make_veth();
	snprintf(name, sizeof(name), "link-%u", if_nametoindex("t0"));
	fault_set(&pin);
	assert_int_equal(engine_xdp.set_interface(world.engine, 0, (int)if_nametoindex("t0")), 0);
	fault_set(NULL);
	assert_string_equal(heard_warning, pin.message);
	assert_int_not_equal(world_program("t0"), 0);
	assert_false(world_has_pin(&world, name));
	world_close(&world, false);
	assert_int_equal(world_program("t0"), 0);
	assert_int_not_equal(access(world.root, F_OK), 0);
}

/* No error, but slower than requested. */
static void generic(void **state)
{
	(void)state;
	world_reset(&world);
	world.config.xdp_mode = XDP_MODE_GENERIC;
	heard_warning[0] = '\0';
	world_run(&world);
	assert_string_equal(heard_warning,
		"GENERIC XDP on t0: the kernel copies each packet first; "
		"expect a fraction of native speed");
	world_close(&world, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(unread_counters),
		world_test(addresses),
		world_test(addresses_at_start),
		world_test(vlans),
		world_test(packets),
		world_test(pin_anew),
		world_test(generic),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
