/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Probes of an interface by netlink.
 */
#include "control/sessionctl/doctor/probe.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* The kernel's netdev family, since 6.3; Debian 12's headers do not have it yet. */
#define NETDEV_FAMILY		  "netdev"
#define NETDEV_VERSION		  1
#define NETDEV_CMD_DEV_GET	  1
#define NETDEV_A_DEV_IFINDEX	  1
#define NETDEV_A_DEV_XDP_FEATURES 3

/* Sends one request and hands the attributes of its reply to `on_attribute`. */
static int ask_netlink(int bus, struct nlmsghdr *request,
	int (*on_message)(const struct nlmsghdr *, void *), void *ctx)
{
	struct mnl_socket *sock = mnl_socket_open2(bus, SOCK_CLOEXEC);
	char *buffer = malloc(MNL_SOCKET_BUFFER_SIZE);
	int ret = -ENOMEM;
	ssize_t n;

	if (!sock || !buffer)
		goto end;
	request->nlmsg_seq = 1;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	ret = -EIO;
	if (mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0 ||
		mnl_socket_sendto(sock, request, request->nlmsg_len) < 0)
		goto end;
	do {
		n = mnl_socket_recvfrom(sock, buffer, MNL_SOCKET_BUFFER_SIZE);
		if (n < 0)
			break;
		errno = 0;
		n = mnl_cb_run(buffer, (size_t)n, 1, mnl_socket_get_portid(sock), on_message, ctx);
	} while (n > 0);
	ret = n < 0 ? -(errno ? errno : EIO) : 0;
end:
	free(buffer);
	if (sock)
		mnl_socket_close(sock);
	return ret;
}

struct number {
	uint16_t attribute;
	bool found;
	uint64_t value;
};

static int on_generic(const struct nlmsghdr *message, void *ctx)
{
	struct number *number = ctx;
	struct nlattr *attribute;

	mnl_attr_for_each(attribute, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attribute) != number->attribute)
			continue;
		number->found = true;
		number->value = mnl_attr_get_payload_len(attribute) == 8
					? mnl_attr_get_u64(attribute)
					: mnl_attr_get_u16(attribute);
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *generic_request(void *buffer, uint16_t family, uint8_t command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *generic;

	message->nlmsg_type = family;
	generic = mnl_nlmsg_put_extra_header(message, sizeof(*generic));
	generic->cmd = command;
	generic->version = 1;
	return message;
}

int probe_xdp_features(void *ctx, const char *interface, uint64_t *features)
{
	struct number family = {.attribute = CTRL_ATTR_FAMILY_ID};
	struct number found = {.attribute = NETDEV_A_DEV_XDP_FEATURES};
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message;
	int ret;

	(void)ctx;
	message = generic_request(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	ret = ask_netlink(NETLINK_GENERIC, message, on_generic, &family);
	if (ret < 0 || !family.found)
		return -EOPNOTSUPP;
	message = generic_request(buffer, (uint16_t)family.value, NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(message, NETDEV_A_DEV_IFINDEX, if_nametoindex(interface));
	ret = ask_netlink(NETLINK_GENERIC, message, on_generic, &found);
	if (ret == 0 && !found.found)
		ret = -EOPNOTSUPP;
	*features = found.value;
	return ret;
}

/* A link, and where its other end is. */
struct answer {
	struct doctor_link link;
	unsigned other_end; /* an index in the namespace with this id; -1: in the link's own */
	int other_namespace;
};

static void read_xdp(const struct nlattr *xdp, struct doctor_link *link)
{
	uint32_t any = 0, generic = 0, native = 0;
	struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, xdp)
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_XDP_PROG_ID:
			any = mnl_attr_get_u32(attribute);
			break;
		case IFLA_XDP_SKB_PROG_ID:
			generic = mnl_attr_get_u32(attribute);
			break;
		case IFLA_XDP_DRV_PROG_ID:
			native = mnl_attr_get_u32(attribute);
			break;
		default:
			break;
		}
	}
	link->program = native ? native : generic ? generic : any;
	link->generic = generic && !native;
}

static int on_link(const struct nlmsghdr *message, void *ctx)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct rtnl_link_stats64 stats;
	struct answer *answer = ctx;
	struct nlattr *attribute;

	answer->link.index = (unsigned)header->ifi_index;
	mnl_attr_for_each(attribute, message, sizeof(*header))
	{
		switch (mnl_attr_get_type(attribute)) {
		case IFLA_IFNAME:
			snprintf(answer->link.name, sizeof(answer->link.name), "%s",
				mnl_attr_get_str(attribute));
			break;
		case IFLA_MTU:
			answer->link.mtu = mnl_attr_get_u32(attribute);
			break;
		case IFLA_STATS64:
			memset(&stats, 0, sizeof(stats));
			memcpy(&stats, mnl_attr_get_payload(attribute),
				mnl_attr_get_payload_len(attribute) < sizeof(stats)
					? mnl_attr_get_payload_len(attribute)
					: sizeof(stats));
			answer->link.received = stats.rx_packets;
			break;
		case IFLA_LINK:
			answer->other_end = mnl_attr_get_u32(attribute);
			break;
		case IFLA_LINK_NETNSID:
			answer->other_namespace = (int)mnl_attr_get_u32(attribute);
			break;
		case IFLA_XDP:
			read_xdp(attribute, &answer->link);
			break;
		default:
			break;
		}
	}
	return MNL_CB_OK;
}

/* Looks up a link by its index in a namespace; -1: this namespace. */
static int ask_link(unsigned index, int namespace, struct answer *answer)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *link;

	memset(answer, 0, sizeof(*answer));
	answer->other_namespace = -1;
	if (!index)
		return -ENODEV;
	message->nlmsg_type = RTM_GETLINK;
	link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)index;
	if (namespace >= 0)
		mnl_attr_put_u32(message, IFLA_TARGET_NETNSID, (uint32_t) namespace);
	return ask_netlink(NETLINK_ROUTE, message, on_link, answer);
}

int probe_link(void *ctx, const char *interface, struct doctor_link *link)
{
	struct answer answer;
	int ret = ask_link(if_nametoindex(interface), -1, &answer);

	(void)ctx;
	*link = answer.link;
	return ret;
}

int probe_peer(void *ctx, const char *interface, struct doctor_link *peer)
{
	struct answer answer;
	int ret = ask_link(if_nametoindex(interface), -1, &answer), namespace;

	(void)ctx;
	if (ret < 0)
		return ret;
	namespace = answer.other_namespace;
	ret = ask_link(answer.other_end, namespace, &answer);
	*peer = answer.link;
	peer->elsewhere = namespace >= 0;
	return ret < 0 && namespace >= 0 ? -EXDEV : ret;
}
