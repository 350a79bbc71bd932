/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A change only says that something changed: the whole list is read again and compared. That is a
 * few microseconds an address, and cannot go wrong by a lost or reordered message.
 */
#include "control/host/local_addresses.h"

#include "common/log.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct list {
	struct address *addrs;
	size_t count, room;
	bool failed;
};

struct local_addresses {
	struct list current;
	void (*changed)(void *ctx, const struct address *addr, bool present);
	void *ctx;
};

static bool list_has(const struct list *list, const struct address *addr)
{
	for (size_t i = 0; i < list->count; i++) {
		if (address_equal(&list->addrs[i], addr))
			return true;
	}
	return false;
}

/* One address may be on several interfaces: it is kept once. */
static void list_add(struct list *list, const struct address *addr)
{
	if (list_has(list, addr))
		return;
	if (list->count == list->room) {
		size_t room = list->room + 64;
		struct address *more = reallocarray(list->addrs, room, sizeof(*more));

		if (!more) {
			list->failed = true;
			return;
		}
		list->addrs = more;
		list->room = room;
	}
	list->addrs[list->count++] = *addr;
}

static int on_attribute(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;
	unsigned type = mnl_attr_get_type(attr);

	if (type <= IFA_MAX)
		attrs[type] = attr;
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *header, void *data)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attrs[IFA_MAX + 1] = {0}, *attr;
	struct list *list = data;
	struct address addr;
	uint32_t flags;

	if (header->nlmsg_type != RTM_NEWADDR)
		return MNL_CB_OK;
	mnl_attr_parse(header, sizeof(*message), on_attribute, attrs);
	flags = attrs[IFA_FLAGS] ? mnl_attr_get_u32(attrs[IFA_FLAGS]) : message->ifa_flags;
	if (flags & IFA_F_DADFAILED || (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC)))
		return MNL_CB_OK;
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	attr = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (!attr)
		return MNL_CB_OK;
	if (message->ifa_family == AF_INET && mnl_attr_get_payload_len(attr) == 4)
		address_from_ipv4(&addr, mnl_attr_get_payload(attr));
	else if (message->ifa_family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16)
		memcpy(addr.bytes, mnl_attr_get_payload(attr), 16);
	else
		return MNL_CB_OK;
	list_add(list, &addr);
	return MNL_CB_OK;
}

static int read_all(struct follower *follower, struct list *list)
{
	int err;

	follower_request(follower, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
	err = follower_ask(follower, on_address, list);
	return !err && list->failed ? -ENOMEM : err;
}

static int compare(void *ctx, struct follower *follower)
{
	struct local_addresses *local = ctx;
	struct list now = {0};
	int err = read_all(follower, &now);

	if (err) {
		free(now.addrs);
		return error_set(-err, "cannot read the local addresses: %s", strerror(-err));
	}
	/* What went comes first, so that there is room for what came. */
	for (size_t i = 0; i < local->current.count; i++) {
		if (!list_has(&now, &local->current.addrs[i]))
			local->changed(local->ctx, &local->current.addrs[i], false);
	}
	for (size_t i = 0; i < now.count; i++) {
		if (!list_has(&local->current, &now.addrs[i]))
			local->changed(local->ctx, &now.addrs[i], true);
	}
	free(local->current.addrs);
	local->current = now;
	return 0;
}

static void local_close(void *ctx)
{
	struct local_addresses *local = ctx;

	free(local->current.addrs);
	free(local);
}

struct follower *local_addresses_open(
	void (*changed)(void *ctx, const struct address *addr, bool present), void *ctx)
{
	static const struct follower_ops ops = {
		.what = "the local addresses",
		.groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
		.read = compare,
		.close = local_close,
	};
	struct local_addresses *local = calloc(1, sizeof(*local));

	if (!local) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	local->changed = changed;
	local->ctx = ctx;
	return follower_open(&ops, local);
}

static void count_one(void *ctx, const struct address *addr, bool present)
{
	size_t *count = ctx;

	(void)addr;
	*count += present;
}

size_t local_addresses_count(void)
{
	size_t count = 0;

	follower_close(local_addresses_open(count_one, &count));
	return count;
}
