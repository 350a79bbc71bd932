/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A host's VLANs from the kernel's messages about interfaces. The test builds the messages, because
 * not every kernel supports VLANs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/host/vlans.h"
#include "tests/unit/unsendable.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Numbers of interfaces. */
enum {
	ETH = 2,
	OTHER,
	BOND,
	VLAN,
	INNER,
	THIRD
};

#define Q  false /* 802.1Q */
#define AD true	 /* 802.1ad */

struct said {
	uint32_t ifindex, under, master;
	const char *kind, *port_kind;
	uint16_t id;
	bool service, elsewhere, down;
};

static struct vlan_link parse(const struct said *said)
{
	static char buffer[1024];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *message;
	struct nlattr *info, *data;

	header->nlmsg_type = RTM_NEWLINK;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifi_index = (int)said->ifindex;
	message->ifi_flags = said->down ? 0 : IFF_UP;
	mnl_attr_put_strz(header, IFLA_IFNAME, "some0");
	if (said->under)
		mnl_attr_put_u32(header, IFLA_LINK, said->under);
	if (said->elsewhere)
		mnl_attr_put_u32(header, IFLA_LINK_NETNSID, 3);
	if (said->master)
		mnl_attr_put_u32(header, IFLA_MASTER, said->master);
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	if (said->kind)
		mnl_attr_put_strz(header, IFLA_INFO_KIND, said->kind);
	if (said->port_kind)
		mnl_attr_put_strz(header, IFLA_INFO_SLAVE_KIND, said->port_kind);
	if (said->id) {
		data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
		mnl_attr_put_u16(header, IFLA_VLAN_ID, said->id);
		mnl_attr_put_u16(header, IFLA_VLAN_PROTOCOL,
			htons(said->service ? ETH_P_8021AD : ETH_P_8021Q));
		mnl_attr_nest_end(header, data);
	}
	mnl_attr_nest_end(header, info);
	return vlan_link_parse(header);
}

static struct sessd_vlan seen[16];
static unsigned seen_count;

static void on_found(void *ctx, const struct sessd_vlan *vlan)
{
	(void)ctx;
	assert_true(seen_count < COUNT(seen));
	seen[seen_count++] = *vlan;
}

static uint32_t below(const struct said *said, size_t count, uint32_t ifindex)
{
	struct vlan_link links[8];

	assert_true(count <= COUNT(links));
	for (size_t i = 0; i < count; i++)
		links[i] = parse(&said[i]);
	return vlan_links_below(links, count, ifindex);
}

static void walk(const struct said *said, size_t count)
{
	struct vlan_link links[8];

	assert_true(count <= COUNT(links));
	for (size_t i = 0; i < count; i++)
		links[i] = parse(&said[i]);
	seen_count = 0;
	vlan_links_walk(links, count, 0, count, on_found, NULL);
}

static bool saw(uint32_t ifindex, uint32_t tags)
{
	for (unsigned i = 0; i < seen_count; i++)
		if (seen[i].ifindex == ifindex && seen[i].tags == tags)
			return true;
	return false;
}

static void one_tag(void **state)
{
	const struct said said[] = {
		{ETH, .kind = NULL},
		{VLAN, ETH, .kind = "vlan", .id = 100},
		{INNER, ETH, .kind = "vlan", .id = 100, .service = true},
		{THIRD, ETH, .kind = "vlan", .id = 4094, .down = true},
	};

	(void)state;
	walk(said, COUNT(said));
	assert_int_equal(seen_count, 2);
	assert_true(saw(ETH, sessd_vlan_tag(100, Q)));
	assert_true(saw(ETH, sessd_vlan_tag(100, AD)));
}

/* Not interfaces that only resemble a VLAN, or whose lower interface is not here. */
static void others(void **state)
{
	const struct said said[] = {
		{ETH, .kind = "veth", .under = 5},
		{VLAN, ETH, .kind = "macvlan"},
		{INNER, 5, .kind = "vlan", .id = 7, .elsewhere = true},
		{THIRD, .kind = "vlan", .id = 7},
	};

	(void)state;
	walk(said, COUNT(said));
	assert_int_equal(seen_count, 0);
}

static void stacked(void **state)
{
	struct said said[] = {
		{THIRD, INNER, .kind = "vlan", .id = 3},
		{INNER, VLAN, .kind = "vlan", .id = 200},
		{VLAN, ETH, .kind = "vlan", .id = 100, .service = true},
	};

	(void)state;
	walk(said, COUNT(said));
	assert_int_equal(seen_count, 2); /* three tags are one too many */
	assert_int_equal(below(said, COUNT(said), VLAN), ETH);
	assert_int_equal(below(said, COUNT(said), INNER), ETH);
	assert_int_equal(below(said, COUNT(said), THIRD), ETH);
	assert_int_equal(below(said, COUNT(said), ETH), 0);
	assert_int_equal(below(said, COUNT(said), OTHER), 0);
	assert_true(saw(ETH, sessd_vlan_tag(100, AD)));
	assert_true(saw(ETH, sessd_vlan_push(sessd_vlan_tag(100, AD), sessd_vlan_tag(200, Q))));
	said[2].down = true;
	walk(said, COUNT(said));
	assert_false(saw(ETH, sessd_vlan_push(sessd_vlan_tag(100, AD), sessd_vlan_tag(200, Q))));
}

/* Frames of a bond's VLAN arrive by its ports; those of a bridge's VLAN may not. */
static void ports(void **state)
{
	const struct said said[] = {
		{VLAN, BOND, .kind = "vlan", .id = 9},
		{BOND, .kind = "bond"},
		{ETH, .master = BOND, .port_kind = "bond"},
		{OTHER, .master = BOND, .port_kind = "bridge"},
	};

	(void)state;
	walk(said, COUNT(said));
	assert_int_equal(seen_count, 2);
	assert_int_equal(below(said, COUNT(said), VLAN), BOND);
	assert_int_equal(below(said, COUNT(said), ETH), 0);
	assert_true(saw(BOND, sessd_vlan_tag(9, Q)));
	assert_true(saw(ETH, sessd_vlan_tag(9, Q)));
}

/* Every VLAN has a distinct tag, and none is 0. */
static void tags(void **state)
{
	(void)state;
	assert_int_equal(sessd_vlan_tag(0x2000, Q), 0); /* a priority alone */
	assert_int_equal(sessd_vlan_tag(0x2000, AD), 0);
	assert_int_equal(sessd_vlan_tag(0xf064, Q), sessd_vlan_tag(100, Q));
	assert_int_not_equal(sessd_vlan_tag(100, Q), sessd_vlan_tag(100, AD));
	assert_int_equal(sessd_vlan_push(0, 5), 5);
	assert_int_equal(sessd_vlan_push(5, 0), 5);
	assert_int_not_equal(sessd_vlan_push(5, 6), sessd_vlan_push(6, 5));
}

static void on_changed(void *ctx, const struct sessd_vlan *vlan, bool present)
{
	(void)ctx;
	(void)vlan;
	seen_count += present ? 1 : -1;
}

static int addresses;

static void on_address(void *ctx, const struct vlan_address *address, bool present)
{
	(void)ctx;
	assert_int_not_equal(address->ifindex, 0);
	addresses += present ? 1 : -1;
}

static const struct vlans_calls calls = {on_changed, on_address};

static void follow(struct follower *vlans)
{
	struct pollfd poller = {.fd = follower_fd(vlans), .events = POLLIN};

	while (poll(&poller, 1, 50) > 0)
		assert_int_equal(follower_follow(vlans), 0);
}

/* In a new network namespace, if the kernel supports VLANs. The last test. */
static void live(void **state)
{
	struct follower *vlans;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	seen_count = 0;
	vlans = vlans_open(&calls, NULL);
	assert_non_null(vlans);
	assert_int_equal(seen_count, 0);
	assert_int_equal(system("ip link set lo up"), 0);
	follow(vlans);
	assert_int_equal(seen_count, 0);
	if (system("ip link add v0 type veth peer name v1 &&"
		   "ip link add link v0 name v0.5 type vlan id 5") == 0) {
		follow(vlans);
		assert_int_equal(seen_count, 0); /* it is down */
		assert_int_equal(system("ip link set v0.5 addrgenmode none &&"
					"ip link set v0 up && ip link set v0.5 up"),
			0);
		follow(vlans);
		assert_int_equal(seen_count, 1);
		assert_int_equal(system("ip addr add 10.1.5.1/24 dev v0.5"), 0);
		follow(vlans);
		assert_int_equal(addresses, 1);
		/* A failed reading is repeated without another event. */
		assert_int_equal(system("ip link del v0"), 0);
		unsendable = true;
		assert_int_equal(follower_follow(vlans), -ENOBUFS);
		assert_int_equal(follower_retry(vlans), -ENOBUFS);
		unsendable = false;
		assert_int_equal(seen_count, 1);
		assert_int_equal(follower_retry(vlans), 0);
		assert_int_equal(seen_count, 0);
		follow(vlans);
		assert_int_equal(addresses, 0);
		unsendable = true;
		assert_int_equal(follower_retry(vlans), 0);
		unsendable = false;
	} else {
		print_message("this kernel has no VLANs: that part is skipped\n");
	}
	follower_close(vlans);
	follower_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_tag),
		cmocka_unit_test(others),
		cmocka_unit_test(stacked),
		cmocka_unit_test(ports),
		cmocka_unit_test(tags),
		cmocka_unit_test(live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
