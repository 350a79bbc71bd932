/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An event only marks an interface as changed; its state is then read again. If events were lost,
 * all are read again.
 */
#include "control/host/interfaces.h"

#include "common/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct followed {
	int ifindex; /* at the last look-up; 0: none */
	bool ask;
};

struct interfaces {
	const char (*names)[IF_NAMESIZE];
	size_t count;
	void (*now)(void *ctx, size_t i, int ifindex);
	void *ctx;
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

/* Marks the followed interfaces that the event is about: by current name, or by the index the name
 * had. */
static void on_event(void *ctx, const struct nlmsghdr *event)
{
	struct interfaces *interfaces = ctx;
	const struct ifinfomsg *message = event ? mnl_nlmsg_get_payload(event) : NULL;
	const char *name = "";

	if (event)
		mnl_attr_parse(event, sizeof(*message), on_name, &name);
	for (size_t i = 0; i < interfaces->count; i++) {
		if (!event || interfaces->followed[i].ifindex == message->ifi_index ||
			strcmp(interfaces->names[i], name) == 0)
			interfaces->followed[i].ask = true;
	}
}

/* The index of a name, 0 if no interface has it, or a negative errno. */
static int ask(struct follower *follower, const char *name)
{
	struct nlmsghdr *header =
		follower_request(follower, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	int ifindex = 0, err;

	mnl_attr_put_strz(header, IFLA_IFNAME, name);
	err = follower_ask(follower, on_link, &ifindex);
	return err == -ENODEV ? 0 : err ? err : ifindex;
}

/* A failed look-up is repeated the next time. */
static int tell(void *ctx, struct follower *follower)
{
	struct interfaces *interfaces = ctx;
	int err = 0;

	for (size_t i = 0; i < interfaces->count; i++) {
		int ifindex;

		if (!interfaces->followed[i].ask)
			continue;
		ifindex = ask(follower, interfaces->names[i]);
		if (ifindex < 0) {
			err = error_set(-ifindex, "cannot look up interface %s: %s",
				interfaces->names[i], strerror(-ifindex));
			continue;
		}
		interfaces->followed[i] = (struct followed){.ifindex = ifindex};
		interfaces->now(interfaces->ctx, i, ifindex);
	}
	return err;
}

struct follower *interfaces_open(const char (*names)[IF_NAMESIZE], size_t count,
	void (*now)(void *ctx, size_t i, int ifindex), void *ctx)
{
	static const struct follower_ops ops = {
		.what = "the interfaces",
		.groups = RTMGRP_LINK,
		.event = on_event,
		.read = tell,
		.close = free,
	};
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
	on_event(interfaces, NULL);
	return follower_open(&ops, interfaces);
}
