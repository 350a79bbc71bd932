/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/link_ports.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#define BUFFER 32768 /* bytes: what the kernel fills at most of a dump's buffer */

struct ports {
	uint32_t bond;
	struct link_port *at;
	int count;
};

struct names {
	const char *name;
	uint32_t master;
};

static int on_attribute(const struct nlattr *attribute, void *ctx)
{
	struct names *names = ctx;

	if (mnl_attr_get_type(attribute) == IFLA_IFNAME &&
		mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		names->name = mnl_attr_get_str(attribute);
	else if (mnl_attr_get_type(attribute) == IFLA_MASTER &&
		 mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
		names->master = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

/* A kernel that ignores the filter lists every interface. */
static int on_link(const struct nlmsghdr *message, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct ports *ports = ctx;
	struct names names = {0};
	struct link_port *port;

	mnl_attr_parse(message, sizeof(*info), on_attribute, &names);
	if (message->nlmsg_type != RTM_NEWLINK || names.master != ports->bond || !names.name ||
		ports->count == LINK_PORTS_MAX)
		return MNL_CB_OK;
	port = &ports->at[ports->count++];
	port->ifindex = (uint32_t)info->ifi_index;
	snprintf(port->name, sizeof(port->name), "%s", names.name);
	return MNL_CB_OK;
}

int link_ports(uint32_t bond, struct link_port ports[LINK_PORTS_MAX])
{
	char buffer[BUFFER];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ports found = {.bond = bond, .at = ports};
	int ret = MNL_CB_OK;
	ssize_t n;

	if (!socket)
		return -errno;
	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	mnl_attr_put_u32(message, IFLA_MASTER, bond);
	/* Does not wait: the kernel answers before send returns, and continues after each read. */
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		ret = MNL_CB_ERROR;
	while (ret > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		ret = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)n, 0, 0, on_link, &found);
	}
	mnl_socket_close(socket);
	return ret < 0 ? -EIO : found.count;
}
