/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An event only says that something changed: the whole list is read again and compared. That takes
 * a few microseconds per address, and lost or reordered events do no harm.
 */
#include "control/host/local_addresses.h"

#include "common/log.h"

#include "control/host/changes.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct local_addresses {
	struct changes changes; /* of struct address; one may be on several interfaces */
	bool telling;		/* a list was read, and not all changes are reported */
	void (*changed)(void *ctx, const struct address *addr, bool present);
	void *ctx;
};

static int on_attribute(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;
	unsigned type = mnl_attr_get_type(attr);

	if (type <= IFA_MAX)
		attrs[type] = attr;
	return MNL_CB_OK;
}

bool local_address_parse(const struct nlmsghdr *header, struct address *addr)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	const struct nlattr *attrs[IFA_MAX + 1] = {0}, *attr;
	uint32_t flags;

	if (header->nlmsg_type != RTM_NEWADDR)
		return false;
	mnl_attr_parse(header, sizeof(*message), on_attribute, attrs);
	flags = attrs[IFA_FLAGS] ? mnl_attr_get_u32(attrs[IFA_FLAGS]) : message->ifa_flags;
	if (flags & IFA_F_DADFAILED || (flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC)))
		return false;
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	attr = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	if (!attr)
		return false;
	if (message->ifa_family == AF_INET && mnl_attr_get_payload_len(attr) == 4)
		address_from_ipv4(addr, mnl_attr_get_payload(attr));
	else if (message->ifa_family == AF_INET6 && mnl_attr_get_payload_len(attr) == 16)
		memcpy(addr->bytes, mnl_attr_get_payload(attr), 16);
	else
		return false;
	return true;
}

static int on_address(const struct nlmsghdr *header, void *data)
{
	struct changes *changes = data;
	struct address addr;

	if (local_address_parse(header, &addr))
		changes_add(changes, &addr);
	return MNL_CB_OK;
}

static int read_some(struct local_addresses *local, struct follower *follower)
{
	int ret = 0;

	if (!follower_in_list(follower)) {
		changes_begin(&local->changes);
		follower_request(follower, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		ret = follower_begin_list(follower);
	}
	if (ret == 0)
		ret = follower_read_list(follower, on_address, &local->changes);
	if (ret == 0)
		ret = changes_end(&local->changes);
	if (ret < 0)
		return error_set(-ret, "cannot read the local addresses: %s", strerror(-ret));
	local->telling = ret == 0;
	return ret;
}

static void on_change(void *ctx, const void *item, bool present)
{
	const struct local_addresses *local = ctx;

	local->changed(local->ctx, item, present);
}

static int local_read(void *ctx, struct follower *follower)
{
	struct local_addresses *local = ctx;
	int ret = local->telling ? 0 : read_some(local, follower);

	if (ret != 0)
		return ret;
	local->telling = changes_tell(&local->changes, FOLLOWER_TELL_MAX, on_change, local);
	return local->telling ? FOLLOWER_MORE : 0;
}

static void local_close(void *ctx)
{
	struct local_addresses *local = ctx;

	changes_free(&local->changes);
	free(local);
}

struct follower *local_addresses_open(
	void (*changed)(void *ctx, const struct address *addr, bool present), void *ctx)
{
	static const struct follower_ops ops = {
		.what = "the local addresses",
		.groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
		.read = local_read,
		.close = local_close,
	};
	struct local_addresses *local = calloc(1, sizeof(*local));

	if (!local) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	local->changes.size = sizeof(struct address);
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
