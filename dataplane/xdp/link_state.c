/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/link_state.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define BUFFER 32768 /* bytes: one interface's attributes */

static void read_stats(const struct nlattr *attribute, struct link_state *state)
{
	struct rtnl_link_stats64 stats = {0};
	size_t size = mnl_attr_get_payload_len(attribute);

	memcpy(&stats, mnl_attr_get_payload(attribute),
		size < sizeof(stats) ? size : sizeof(stats));
	state->received = stats.rx_packets;
	state->dropped_going = stats.tx_dropped;
}

static void read_xdp(const struct nlattr *xdp, struct link_state *state)
{
	struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, xdp)
	{
		if (mnl_attr_get_type(attribute) == IFLA_XDP_DRV_PROG_ID)
			state->native = mnl_attr_get_u32(attribute) != 0;
	}
}

/* vxlan's attribute is a number, the others are flags. */
static const struct tunnel {
	const char *kind;
	uint16_t attribute;
} tunnels[] = {
	{"vxlan", IFLA_VXLAN_COLLECT_METADATA},
	{"geneve", IFLA_GENEVE_COLLECT_METADATA},
	{"gretap", IFLA_GRE_COLLECT_METADATA},
	{"ip6gretap", IFLA_GRE_COLLECT_METADATA},
};

static bool is_external(const char *kind, const struct nlattr *data)
{
	struct nlattr *attribute;

	for (size_t i = 0; i < sizeof(tunnels) / sizeof(tunnels[0]); i++) {
		if (strcmp(kind, tunnels[i].kind) != 0)
			continue;
		mnl_attr_for_each_nested(attribute, data)
		{
			if (mnl_attr_get_type(attribute) == tunnels[i].attribute)
				return mnl_attr_get_payload_len(attribute) == 0 ||
				       mnl_attr_get_u8(attribute) != 0;
		}
	}
	return false;
}

/* The kind comes before the data. */
static void read_kind(const struct nlattr *info, struct link_state *state)
{
	struct nlattr *attribute;
	const char *kind = "";

	mnl_attr_for_each_nested(attribute, info)
	{
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			kind = mnl_attr_get_str(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_INFO_DATA)
			state->external = is_external(kind, attribute);
	}
	state->veth = strcmp(kind, "veth") == 0;
}

static int on_attribute(const struct nlattr *attribute, void *ctx)
{
	struct link_state *state = ctx;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_STATS64:
		read_stats(attribute, state);
		break;
	case IFLA_MTU:
		state->mtu = mnl_attr_get_u32(attribute);
		break;
	case IFLA_XDP:
		read_xdp(attribute, state);
		break;
	case IFLA_LINKINFO:
		read_kind(attribute, state);
		break;
	case IFLA_LINK:
		state->peer = (int)mnl_attr_get_u32(attribute);
		break;
	case IFLA_LINK_NETNSID:
		state->peer_ns = (int)mnl_attr_get_u32(attribute);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *message, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link_state *state = ctx;

	state->type = info->ifi_type;
	return mnl_attr_parse(message, sizeof(*info), on_attribute, ctx) < 0 ? MNL_CB_ERROR
									     : MNL_CB_STOP;
}

int link_state(int ifindex, int ns, struct link_state *state)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;
	ssize_t n = -1;
	int err = 0;

	if (!socket)
		return -errno;
	memset(state, 0, sizeof(*state));
	state->peer_ns = LINK_HERE;
	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	if (ns != LINK_HERE)
		mnl_attr_put_u32(message, IFLA_TARGET_NETNSID, (uint32_t)ns);
	/* rtnetlink queues the answer before send returns. */
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) > 0)
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (n <= 0)
		err = -EIO;
	else if (mnl_cb_run(buffer, (size_t)n, 0, 0, on_message, state) < 0)
		err = -(errno ? errno : EIO);
	mnl_socket_close(socket);
	return err;
}

int link_packets(int ifindex, uint64_t *packets)
{
	struct link_state state = {0};
	int err = link_state(ifindex, LINK_HERE, &state);

	if (!err)
		*packets = state.received;
	return err;
}
