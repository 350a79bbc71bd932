/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A change only says that something changed: what is of interest is asked for anew, all of it if
 * messages were lost (ENOBUFS). By netlink, since a daemon that has given up its rights has no
 * ioctls for it.
 */
#include "control/host/interfaces.h"

#include "common/log.h"

#include "control/host/rtnetlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct followed {
	int ifindex; /* when it was last asked for; 0: none */
	bool ask;
};

struct interfaces {
	struct mnl_socket *events; /* joined to the group of links */
	struct mnl_socket *asks;
	const char (*names)[IF_NAMESIZE];
	size_t count;
	void (*now)(void *ctx, size_t i, int ifindex);
	void *ctx;
	unsigned seq;
	char buffer[RTNETLINK_BUFFER]; /* one interface with all that its driver says of it */
	struct followed followed[];
};

static int on_link(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	int *ifindex = data;

	if (header->nlmsg_type == RTM_NEWLINK)
		*ifindex = message->ifi_index;
	return MNL_CB_STOP;
}

static int on_name(const struct nlattr *attr, void *data)
{
	const char **name = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME &&
		mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		*name = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* Of those that we follow: the name that it has now, or the index that the name had. */
static int on_event(const struct nlmsghdr *header, void *data)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	struct interfaces *interfaces = data;
	const char *name = "";

	mnl_attr_parse(header, sizeof(*message), on_name, &name);
	for (size_t i = 0; i < interfaces->count; i++) {
		if (interfaces->followed[i].ifindex == message->ifi_index ||
			strcmp(interfaces->names[i], name) == 0)
			interfaces->followed[i].ask = true;
	}
	return MNL_CB_OK;
}

static void ask_all(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++)
		interfaces->followed[i].ask = true;
}

/* The index of a name, 0 if nothing has it, or a negative errno. */
static int ask(struct interfaces *interfaces, const char *name)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(interfaces->buffer);
	unsigned port = mnl_socket_get_portid(interfaces->asks);
	struct ifinfomsg *message;
	int ifindex = 0, ret;
	ssize_t n;

	header->nlmsg_type = RTM_GETLINK;
	header->nlmsg_flags = NLM_F_REQUEST;
	header->nlmsg_seq = ++interfaces->seq;
	message = mnl_nlmsg_put_extra_header(header, sizeof(*message));
	message->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	if (mnl_socket_sendto(interfaces->asks, header, header->nlmsg_len) < 0)
		return -errno;
	do
		n = mnl_socket_recvfrom(
			interfaces->asks, interfaces->buffer, sizeof(interfaces->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	ret = mnl_cb_run(interfaces->buffer, (size_t)n, interfaces->seq, port, on_link, &ifindex);
	if (ret < 0)
		return errno == ENODEV ? 0 : -errno;
	return ifindex;
}

/* One that cannot be asked for is asked for again the next time. */
static int tell(struct interfaces *interfaces)
{
	int err = 0;

	for (size_t i = 0; i < interfaces->count; i++) {
		int ifindex;

		if (!interfaces->followed[i].ask)
			continue;
		ifindex = ask(interfaces, interfaces->names[i]);
		if (ifindex < 0) {
			err = error_set(-ifindex, "cannot ask for interface %s: %s",
				interfaces->names[i], strerror(-ifindex));
			continue;
		}
		interfaces->followed[i] = (struct followed){.ifindex = ifindex};
		interfaces->now(interfaces->ctx, i, ifindex);
	}
	return err;
}

struct interfaces *interfaces_open(const char (*names)[IF_NAMESIZE], size_t count,
	void (*now)(void *ctx, size_t i, int ifindex), void *ctx)
{
	struct interfaces *interfaces =
		calloc(1, sizeof(*interfaces) + count * sizeof(interfaces->followed[0]));

	if (!interfaces) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	interfaces->names = names;
	interfaces->count = count;
	interfaces->now = now;
	interfaces->ctx = ctx;
	interfaces->events = rtnetlink_open(SOCK_NONBLOCK, RTMGRP_LINK);
	interfaces->asks = interfaces->events ? rtnetlink_open(0, 0) : NULL;
	if (!interfaces->asks)
		error_set(errno, "cannot follow the interfaces: %s", strerror(errno));
	ask_all(interfaces);
	/* Joined before the first look: no change is missed between. */
	if (!interfaces->asks || tell(interfaces) < 0) {
		interfaces_close(interfaces);
		return NULL;
	}
	return interfaces;
}

void interfaces_close(struct interfaces *interfaces)
{
	if (!interfaces)
		return;
	if (interfaces->events)
		mnl_socket_close(interfaces->events);
	if (interfaces->asks)
		mnl_socket_close(interfaces->asks);
	free(interfaces);
}

int interfaces_fd(const struct interfaces *interfaces)
{
	return mnl_socket_get_fd(interfaces->events);
}

int interfaces_follow(struct interfaces *interfaces)
{
	ssize_t n;

	while ((n = mnl_socket_recvfrom(
			interfaces->events, interfaces->buffer, sizeof(interfaces->buffer))) > 0 ||
		errno == ENOBUFS) {
		if (n < 0 ||
			mnl_cb_run(interfaces->buffer, (size_t)n, 0, 0, on_event, interfaces) < 0)
			ask_all(interfaces);
	}
	return tell(interfaces);
}

int interfaces_retry(struct interfaces *interfaces)
{
	return tell(interfaces);
}
