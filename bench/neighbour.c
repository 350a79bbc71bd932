/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/neighbour.h"

#include "common/log.h"
#include <sessiond/protocol.h>

#include <libmnl/libmnl.h>

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Time limit of the resolution, in steps of 10 ms. */
#define RESOLVE_STEPS 200

/* Sends one GET, so that the kernel resolves the target, and reads the source address that the
 * kernel chose. */
static int nudge(struct neighbour *n, const char *interface, const struct endpoint *target)
{
	struct sessd_header get = {.version = SESSD_VERSION, .type = SESSD_GET};
	struct sockaddr_storage addr;
	socklen_t len = address_to_sockaddr(&target->addr, target->port, &addr);
	int fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface)) < 0 ||
		connect(fd, (struct sockaddr *)&addr, len) < 0 ||
		send(fd, &get, sizeof(get), 0) < 0) {
		ret = -errno;
	} else {
		len = sizeof(addr);
		getsockname(fd, (struct sockaddr *)&addr, &len);
		ret = address_from_sockaddr((struct sockaddr *)&addr, &n->source, NULL);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int own_mac(struct neighbour *n, const char *interface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret = 0;
	struct ifreq request = {0};

	if (fd < 0)
		return -errno;
	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		ret = -errno;
	else if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		ret = -EAFNOSUPPORT;
	memcpy(n->source_mac, request.ifr_hwaddr.sa_data, 6);
	close(fd);
	return ret;
}

static int on_neighbour(const struct nlmsghdr *header, void *data)
{
	const struct ndmsg *message = mnl_nlmsg_get_payload(header);
	struct neighbour *n = data;
	const struct nlattr *attr;

	if (header->nlmsg_type != RTM_NEWNEIGH ||
		!(message->ndm_state &
			(NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)))
		return MNL_CB_STOP;
	mnl_attr_for_each(attr, header, sizeof(*message))
	{
		if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == 6)
			memcpy(n->target_mac, mnl_attr_get_payload(attr), 6);
	}
	return MNL_CB_STOP;
}

/* Queries the target's neighbour entry, which may be missing or unresolved. */
static void ask(struct mnl_socket *nl, struct neighbour *n, const struct address *addr)
{
	char buffer[4096];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct ndmsg *message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	bool ipv4 = address_is_ipv4(addr);
	ssize_t got;

	header->nlmsg_type = RTM_GETNEIGH;
	header->nlmsg_flags = NLM_F_REQUEST;
	message->ndm_family = ipv4 ? AF_INET : AF_INET6;
	message->ndm_ifindex = n->ifindex;
	mnl_attr_put(header, NDA_DST, ipv4 ? 4 : 16, ipv4 ? addr->bytes + 12 : addr->bytes);
	if (mnl_socket_sendto(nl, header, header->nlmsg_len) < 0)
		return;
	got = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
	if (got > 0)
		mnl_cb_run(buffer, (size_t)got, 0, 0, on_neighbour, n);
}

static int resolve(struct neighbour *n, const struct address *addr)
{
	static const uint8_t none[6];
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		if (nl)
			mnl_socket_close(nl);
		return -errno;
	}
	for (int i = 0; i < RESOLVE_STEPS; i++) {
		ask(nl, n, addr);
		if (memcmp(n->target_mac, none, 6) != 0)
			break;
		usleep(10000);
	}
	mnl_socket_close(nl);
	return memcmp(n->target_mac, none, 6) != 0 ? 0 : -EHOSTUNREACH;
}

static int parse_mac(const char *text, uint8_t mac[6])
{
	int used = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0], &mac[1], &mac[2],
		    &mac[3], &mac[4], &mac[5], &used) != 6 ||
		text[used] != '\0')
		return -EINVAL;
	return 0;
}

int neighbour_find(struct neighbour *neighbour, const char *interface,
	const struct endpoint *target, const char *mac)
{
	char text[ADDRESS_TEXT];
	int ret;

	memset(neighbour, 0, sizeof(*neighbour));
	neighbour->ifindex = (int)if_nametoindex(interface);
	if (neighbour->ifindex == 0)
		return error_set(ENODEV, "--interface: there is no %s here", interface);
	ret = own_mac(neighbour, interface);
	if (ret < 0)
		return error_set(-ret, "--interface: %s has no Ethernet address", interface);
	ret = nudge(neighbour, interface, target);
	if (ret < 0)
		return error_set(-ret, "sending to %s on %s: %s", endpoint_format(target, text),
			interface, strerror(-ret));
	ret = mac[0] != '\0' ? parse_mac(mac, neighbour->target_mac)
			     : resolve(neighbour, &target->addr);
	if (ret == -EINVAL)
		return error_set(EINVAL, "--mac: %s is not a MAC address", mac);
	if (ret < 0)
		return error_set(-ret,
			"no host on %s answers for %s: give its MAC address with --mac", interface,
			address_format(&target->addr, text));
	return 0;
}
