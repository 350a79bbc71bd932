/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which interfaces are in a VRF. The messages of the kernel are simulated, since not every kernel
 * has VRFs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/vrfs.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>

static struct vrf_port parse(
	uint32_t ifindex, uint32_t master, const char *kind, const char *port_kind)
{
	static char buffer[1024];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *message;
	struct nlattr *info;

	header->nlmsg_type = RTM_NEWLINK;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifi_index = (int)ifindex;
	mnl_attr_put_strz(header, IFLA_IFNAME, "some0");
	if (master)
		mnl_attr_put_u32(header, IFLA_MASTER, master);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	if (kind)
		mnl_attr_put_strz(header, IFLA_INFO_KIND, kind);
	if (port_kind)
		mnl_attr_put_strz(header, IFLA_INFO_SLAVE_KIND, port_kind);
	mnl_attr_nest_end(header, info);
	return vrf_port_parse(header);
}

static void kinds(void **state)
{
	(void)state;
	assert_int_equal(parse(2, 9, NULL, "vrf").port, 2);
	assert_int_equal(parse(2, 9, NULL, "vrf").vrf, 9);
	assert_int_equal(parse(3, 9, "vlan", "vrf").vrf, 9);
	assert_int_equal(parse(9, 0, "vrf", NULL).vrf, 9);
	assert_int_equal(parse(2, 9, NULL, "bridge").vrf, 0);
	assert_int_equal(parse(2, 9, "veth", "bond").vrf, 0);
	assert_int_equal(parse(2, 0, NULL, NULL).vrf, 0);
}

static int ports;

static void on_changed(void *ctx, const struct vrf_port *port, bool present)
{
	(void)ctx;
	assert_int_not_equal(port->vrf, 0);
	ports += present ? 1 : -1;
}

static void follow(struct follower *vrfs)
{
	struct pollfd poller = {.fd = follower_fd(vrfs), .events = POLLIN};

	while (poll(&poller, 1, 50) > 0)
		assert_int_equal(follower_follow(vrfs), 0);
}

/* In a network namespace of its own, where the kernel has VRFs. The last test. */
static void live(void **state)
{
	struct follower *vrfs;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	vrfs = vrfs_open(on_changed, NULL);
	assert_non_null(vrfs);
	assert_int_equal(system("ip link set lo up && ip link add v0 type veth peer name v1"), 0);
	follow(vrfs);
	assert_int_equal(ports, 0);
	if (system("ip link add blue type vrf table 10 && ip link set v0 master blue") == 0) {
		follow(vrfs);
		assert_int_equal(ports, 2);
		assert_int_equal(system("ip link set v0 nomaster"), 0);
		follow(vrfs);
		assert_int_equal(ports, 1);
		assert_int_equal(system("ip link set v0 master blue && ip link del blue"), 0);
		follow(vrfs);
		assert_int_equal(ports, 0);
	} else {
		print_message("this kernel has no VRFs: that part is skipped\n");
	}
	follower_close(vrfs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
