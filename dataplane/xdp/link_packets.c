/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/link_packets.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define BUFFER 32768 /* bytes: one interface's attributes */

static int on_attribute(const struct nlattr *attribute, void *ctx)
{
	struct rtnl_link_stats64 stats = {0};
	size_t size = mnl_attr_get_payload_len(attribute);

	if (mnl_attr_get_type(attribute) != IFLA_STATS64)
		return MNL_CB_OK;
	memcpy(&stats, mnl_attr_get_payload(attribute),
		size < sizeof(stats) ? size : sizeof(stats));
	*(uint64_t *)ctx = stats.rx_packets;
	return MNL_CB_STOP;
}

static int on_message(const struct nlmsghdr *message, void *ctx)
{
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), on_attribute, ctx) < 0
		       ? MNL_CB_ERROR
		       : MNL_CB_STOP;
}

int link_packets(int ifindex, uint64_t *packets)
{
	char buffer[BUFFER];
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;
	ssize_t n = -1;

	if (!socket)
		return -errno;
	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	/* rtnetlink queues the answer before send returns. */
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) > 0)
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (n > 0 && mnl_cb_run(buffer, (size_t)n, 0, 0, on_message, packets) < 0)
		n = -1;
	mnl_socket_close(socket);
	return n > 0 ? 0 : -EIO;
}
