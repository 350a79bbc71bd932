/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Receive queues and ports of a bond that are added while the daemon runs have no AF_XDP sockets,
 * which the log says once. The test simulates ethtool and bonds; tests/nics/bond.sh has real ones.
 */
#include "tests/bpf/engine_world.h"

#include "common/ethtool.h"
#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct world world;

static uint32_t queues;
static bool is_bond;
static struct link_port ports[LINK_PORTS_MAX];
static int port_count;
static char said[512], about[IF_NAMESIZE];

uint32_t __wrap_ethtool_receive_queues(const char *interface);
uint32_t __wrap_ethtool_receive_queues(const char *interface)
{
	(void)interface;
	return queues;
}

int __wrap_ethtool_driver(const char *interface, char name[32]);
int __wrap_ethtool_driver(const char *interface, char name[32])
{
	strcpy(name, is_bond && strcmp(interface, "t0") == 0 ? "bonding" : "veth");
	return 0;
}

int __wrap_link_ports(uint32_t bond, struct link_port found[LINK_PORTS_MAX]);
int __wrap_link_ports(uint32_t bond, struct link_port found[LINK_PORTS_MAX])
{
	assert_int_equal(bond, if_nametoindex("t0"));
	memcpy(found, ports, sizeof(ports));
	return port_count;
}

void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...);
void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	va_list args;

	assert_int_equal(level, LOG_LEVEL_WARNING);
	assert_string_equal(fields->event, "interface");
	assert_string_equal(said, "");
	strcpy(about, fields->interface);
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

static const char *second(void)
{
	said[0] = '\0';
	engine_xdp.supervise(world.engine);
	return said;
}

static void add_port(const char *name)
{
	ports[port_count] = (struct link_port){.ifindex = if_nametoindex(name)};
	strcpy(ports[port_count++].name, name);
}

/* Whether NEWs by queue 0 of slot 1 or 2 are handed over. An element of an XSKMAP cannot be read,
 * but no other slot's socket can be added where there is one. */
static bool is_handed_over(uint32_t slot)
{
	const struct bpf_map *map = world.engine->skel->maps.xsks;
	uint32_t key = slot * (bpf_map__max_entries(map) / ENGINE_INTERFACES_MAX);
	int other = world.engine->fds[1 + world.engine->sockets->count + 2 - slot].fd;
	int err = bpf_map_update_elem(bpf_map__fd(map), &key, &other, BPF_NOEXIST);

	assert_true(err == 0 || err == -EEXIST);
	return err;
}

static void start(void)
{
	world_reset(&world);
	world.config.xdp_mode = XDP_MODE_NATIVE;
	said[0] = '\0';
	assert_int_equal(world_open(&world), 0);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(second(), "");
}

static void more_queues(void **state)
{
	(void)state;
	is_bond = false;
	queues = 1;
	start();
	assert_int_equal(xsk_count(world.engine->xsks), 1);
	queues = 4;
	assert_string_equal(second(),
		"t0 has 4 receive queues now, and AF_XDP sockets at 1: NEWs that arrive by the "
		"others take the kernel's stack, which is slower, until sessiond is restarted");
	assert_string_equal(about, "t0");
	assert_string_equal(second(), "");
	queues = 2;
	assert_string_equal(second(), "");
	queues = 1;
	assert_string_equal(second(), "");
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* In native mode the program and the sockets of a bond are at its ports. */
static void ports_of_a_bond(void **state)
{
	uint64_t without, bytes_of_one;

	(void)state;
	world_sh("for i in 0 1 2; do ip link add p$i type veth peer name q$i && "
		 "ip link set p$i up && ip link set q$i up; done");
	is_bond = true;
	queues = 1;
	port_count = 0;
	world_reset(&world);
	bytes_of_one = xsk_bytes(world.config.interfaces, 1, false);
	without = engine_xdp.memory_needed(&world.config);
	add_port("p0");
	add_port("p1");
	assert_int_equal(engine_xdp.memory_needed(&world.config) - without, 2 * bytes_of_one);
	start();
	assert_int_equal(xsk_count(world.engine->xsks), 2);
	add_port("p2");
	assert_string_equal(second(),
		"p2, a port of t0, has no AF_XDP socket: NEWs that arrive by it take the kernel's "
		"stack, which is slower, until sessiond is restarted");
	assert_string_equal(about, "p2");
	assert_string_equal(second(), "");
	/* A port that leaves and rejoins is not logged. */
	port_count = 1;
	assert_string_equal(second(), "");
	add_port("p1");
	assert_string_equal(second(), "");
	/* The sockets of a deleted port are removed from the map. */
	world_sh("ip link del p1");
	port_count = 1;
	assert_true(is_handed_over(2));
	assert_string_equal(second(), "");
	assert_true(is_handed_over(1));
	assert_false(is_handed_over(2));
	world_close(&world, ENGINE_CLOSE_REMOVE);
	world_sh("ip link del p0 && ip link del p2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(more_queues),
		world_test(ports_of_a_bond),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
