/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An interface that has VLANs, and hides their tags from native XDP, is named with what to do: at
 * the start, when a VLAN comes, and when the offload is switched on. What ethtool says is made
 * here.
 */
#include "tests/bpf/engine_world.h"

#include "common/ethtool.h"
#include "common/log.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <stdio.h>
#include <string.h>

static struct world world;

/* What the interface `strips` has on; "": none has. */
static const char *strips, *driver, *port;
static char said[512];

int __wrap_ethtool_offloads(const char *interface, uint32_t *flags);
int __wrap_ethtool_offloads(const char *interface, uint32_t *flags)
{
	*flags = ETH_FLAG_TXVLAN | (strcmp(interface, strips) == 0 ? ETH_FLAG_RXVLAN : 0);
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
	ports[0] = (struct link_port){.ifindex = if_nametoindex(port)};
	strcpy(ports[0].name, port);
	return 1;
}

void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...);
void __wrap_log_about(
	enum log_level level, const struct log_fields *fields, const char *format, ...)
{
	va_list args;

	(void)level;
	assert_string_equal(fields->event, "interface");
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

/* What a second says. */
static const char *second(void)
{
	said[0] = '\0';
	engine_xdp.supervise(world.engine);
	return said;
}

#define HIDDEN \
	"t0 has VLANs, and their tags are taken off before XDP sees them (rxvlan of %s): replies " \
	"leave untagged, and are lost: ethtool -K %s rxvlan off%s"
#define SEEN "no VLAN tag of t0 is hidden from XDP any more"

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
	assert_string_equal(second(), hidden("t0", ""));
	assert_string_equal(second(), "");
	set_vlan(200, true);
	set_vlan(100, false);
	assert_string_equal(second(), "");
	set_vlan(200, false);
	assert_string_equal(second(), SEEN);
	set_vlan(300, true);
	assert_string_equal(second(), hidden("t0", ""));
	strips = "";
	assert_string_equal(second(), SEEN);
	strips = "t0";
	assert_string_equal(second(), hidden("t0", ""));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* Its rxvlan does nothing: what counts is what its other end leaves out of the frame. */
static void veth(void **state)
{
	(void)state;
	strips = "t0";
	start(XDP_MODE_NATIVE, "veth");
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(
		second(), hidden("t0", ", and at its other end: ethtool -K PEER txvlan off"));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* What a bond says of itself does not count. */
static void bond(void **state)
{
	(void)state;
	strips = "t0";
	port = "t1";
	start(XDP_MODE_NATIVE, "bonding");
	set_vlan(100, true);
	assert_int_equal(world_start(&world), 0);
	assert_string_equal(second(), "");
	strips = "t1";
	assert_string_equal(second(), hidden("t1", ""));
	world_close(&world, ENGINE_CLOSE_REMOVE);
}

/* Without VLANs there is no tag to hide, and generic XDP keeps it beside the frame. */
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
		world_test(veth),
		world_test(bond),
		world_test(no_matter),
	};

	world_require(&world);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
