/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Interfaces that hide VLAN tags from native XDP. The log names the remedy at start, when a VLAN is
 * added, and when the offload is switched on. Sockets answer at the addresses of these VLANs. The
 * test simulates ethtool.
 */
#include "tests/bpf/engine_world.h"

#include "common/ethtool.h"
#include "common/log.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

static struct world world;

/* The interfaces with rxvlan. */
static const char *strips, *driver;
static char said[512];

int __wrap_ethtool_offloads(const char *interface, uint32_t *flags);
int __wrap_ethtool_offloads(const char *interface, uint32_t *flags)
{
	*flags = ETH_FLAG_TXVLAN | (strstr(strips, interface) ? ETH_FLAG_RXVLAN : 0);
	return 0;
}

int __wrap_ethtool_driver(const char *interface, char name[32]);
int __wrap_ethtool_driver(const char *interface, char name[32])
{
	strcpy(name, strcmp(interface, "t0") == 0 ? driver : "ice");
	return 0;
}

int __wrap_link_ports(uint32_t bond, struct link_port ports[LINK_PORTS_MAX]);
int __wrap_link_ports(uint32_t bond, struct link_port ports[LINK_PORTS_MAX])
{
	assert_int_equal(bond, if_nametoindex("t0"));
	ports[0] = (struct link_port){.ifindex = 100, .name = "p0"};
	ports[1] = (struct link_port){.ifindex = 101, .name = "p1"};
	return 2;
}

void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...);
void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	va_list args;

	assert_string_equal(fields->event, level == LOG_LEVEL_WARNING ? "slow" : "interface");
	assert_string_equal(fields->interface, "t0");
	assert_string_equal(said, "");
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
}

static void set_vlan(uint16_t id, bool present)
{
	struct sessd_vlan vlan = {if_nametoindex("t0"), sessd_vlan_tag(id, false)};

	assert_int_equal(engine_xdp.set_vlan(world.engine, &vlan, present), 0);
}

static void set_address(const char *text, bool present)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	assert_int_equal(
		engine_xdp.set_vlan_address(world.engine, if_nametoindex("t0"), &addr, present), 0);
}

static void set_local(const char *text)
{
	struct address addr;

	assert_int_equal(address_parse(text, &addr), 0);
	assert_int_equal(engine_xdp.set_local(world.engine, &addr, true), 0);
}

/* Returns and forgets the last log line. */
static const char *heard(void)
{
	static char last[sizeof(said)];

	strcpy(last, said);
	said[0] = '\0';
	return last;
}

/* The log line of one second. */
static const char *second(void)
{
	assert_string_equal(said, "");
	engine_xdp.supervise(world.engine);
	return heard();
}

#define HIDDEN \
	"SLOW: t0 has VLANs, and their tags are removed before XDP sees them (rxvlan of %s): " \
	"sockets answer requests for the addresses of the VLANs, and requests for other " \
	"addresses in these VLANs get no reply; run: ethtool -K %s rxvlan off%s"
#define SEEN "no VLAN tag of t0 is hidden from XDP any longer"

static const char *hidden(const char *interface, const char *more)
{
	static char text[512];

	snprintf(text, sizeof(text), HIDDEN, interface, interface, more);
	return text;
}

static void start(enum xdp_mode mode, const char *of)
{
	world_reset(&world);
	world.config.xdp_mode = mode;
	world.config.listen[0].any = true;
	driver = of;
	said[0] = '\0';
	assert_int_equal(world_open(&world), 0);
}

static void comes_and_goes(void **state)
{
	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "ice");
	set_vlan(100, true); /* as the daemon tells of it: before the start */
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(heard(), hidden("t0", ""));
	assert_string_equal(second(), "");
	set_vlan(200, true);
	set_vlan(100, false);
	assert_string_equal(second(), "");
	set_vlan(200, false);
	assert_string_equal(second(), SEEN);
	set_vlan(300, true);
	assert_string_equal(heard(), hidden("t0", ""));
	assert_string_equal(second(), "");
	strips = "";
	assert_string_equal(second(), SEEN);
	strips = "t0";
	assert_string_equal(second(), hidden("t0", ""));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* The program leaves requests in such a VLAN to the sockets, by their destination address. */
static void left_to_sockets(void **state)
{
	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "ice");
	set_local("10.1.1.1");
	set_local("10.1.100.1");
	set_address("10.1.100.1", true);
	set_address("10.1.100.2", true);
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	heard();
	assert_true(world_serves(&world, "10.1.1.1"));
	assert_false(world_serves(&world, "10.1.100.1"));
	/* In either order. */
	set_local("10.1.100.2");
	assert_false(world_serves(&world, "10.1.100.2"));
	set_local("10.1.100.3");
	assert_true(world_serves(&world, "10.1.100.3"));
	set_address("10.1.100.3", true);
	assert_false(world_serves(&world, "10.1.100.3"));
	set_address("10.1.100.3", false); /* moved to another interface */
	assert_true(world_serves(&world, "10.1.100.3"));
	strips = "";
	assert_string_equal(second(), SEEN);
	assert_true(world_serves(&world, "10.1.100.1"));
	assert_true(world_serves(&world, "10.1.100.2"));
	strips = "t0";
	assert_string_equal(second(), hidden("t0", ""));
	assert_true(world_serves(&world, "10.1.1.1"));
	assert_false(world_serves(&world, "10.1.100.1"));
	assert_false(world_serves(&world, "10.1.100.2"));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* The adopted map has the address. */
static void left_after_adoption(void **state)
{
	(void)state;
	strips = "";
	start(XDP_MODE_NATIVE, "ice");
	set_local("10.1.100.1");
	assert_int_equal(world_start(&world), 0);
	assert_true(world_serves(&world, "10.1.100.1"));
	world_close(&world, ENGINE_CLOSE_KEEP);
	strips = "t0";
	start(XDP_MODE_NATIVE, "ice");
	assert_true(world.engine->adopted);
	set_local("10.1.100.1");
	set_vlan(100, true);
	set_address("10.1.100.1", true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(heard(), hidden("t0", ""));
	assert_false(world_serves(&world, "10.1.100.1"));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* A veth removes no tags; its other end passes them outside of the frame. */
static void veth(void **state)
{
	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "veth");
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(
		heard(), hidden("t0", ", and at its other end: ethtool -K PEER txvlan off"));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* Only the ports' flags count, not the bond's own. */
static void bond(void **state)
{
	const char *line;

	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "bonding");
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(second(), "");
	strips = "p1";
	assert_string_equal(second(), hidden("p1", ""));
	strips = "";
	assert_string_equal(second(), SEEN);
	strips = "p0 p1";
	engine_xdp.supervise(world.engine);
	line = heard();
	assert_non_null(strstr(line, "(rxvlan of p0, p1)"));
	assert_non_null(strstr(line, "ethtool -K p0 rxvlan off; ethtool -K p1 rxvlan off"));
	engine_xdp.supervise(world.engine);
	assert_string_equal(heard(), "");
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* Neither without VLANs nor in generic mode. */
static void no_matter(void **state)
{
	struct sessd_vlan other = {if_nametoindex("t1"), sessd_vlan_tag(5, false)};

	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "ice");
	assert_int_equal(engine_xdp.set_vlan(world.engine, &other, true), 0);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(second(), "");
	assert_int_equal(engine_xdp.set_vlan(world.engine, &other, false), 0);
	assert_int_equal(engine_xdp.set_vlan(world.engine, &other, false), 0);
	assert_string_equal(second(), "");
	world_close(&world, ENGINE_CLOSE_REMOVE);
	start(XDP_MODE_GENERIC, "ice");
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(second(), "");
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		world_test(comes_and_goes),
		world_test(left_to_sockets),
		world_test(left_after_adoption),
		world_test(veth),
		world_test(bond),
		world_test(no_matter),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
