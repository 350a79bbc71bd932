/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * As with addresses, an event only says that something changed: all interfaces are read again and
 * the resulting VLANs compared.
 */
#include "control/host/vlans.h"

#include "common/log.h"

#include "control/host/changes.h"
#include "control/host/local_addresses.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Pairs of interfaces compared in one step. */
#define WALK_PAIRS (1U << 20)

enum stage {
	READING,
	WALKING, /* from interfaces to VLANs */
	TELLING,
	READING_ADDRESSES,
	TELLING_ADDRESSES,
};

struct vlans {
	enum stage stage;
	struct vlan_link *links;
	size_t link_count, link_room;
	bool failed; /* out of memory for a link */
	size_t walked;
	struct changes changes;	  /* of struct sessd_vlan */
	struct changes addresses; /* of struct vlan_address */
	const struct vlans_calls *calls;
	void *ctx;
};

/* Keeps only VLANs and ports of bonds, so that other interfaces cost no memory. */
static int on_link(const struct nlmsghdr *header, void *data)
{
	struct vlans *vlans = data;
	struct vlan_link link;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link = vlan_link_parse(header);
	if (!link.tag && !link.bond)
		return MNL_CB_OK;
	if (vlans->link_count == vlans->link_room) {
		size_t room = 2 * vlans->link_room + 64;
		struct vlan_link *more = reallocarray(vlans->links, room, sizeof(*more));

		if (!more) {
			vlans->failed = true;
			return MNL_CB_OK;
		}
		vlans->links = more;
		vlans->link_room = room;
	}
	vlans->links[vlans->link_count++] = link;
	return MNL_CB_OK;
}

static int begin(struct vlans *vlans, struct follower *follower)
{
	struct nlmsghdr *request =
		follower_request(follower, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));

	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	vlans->link_count = 0;
	vlans->failed = false;
	return follower_begin_list(follower);
}

static int read_some(struct vlans *vlans, struct follower *follower)
{
	int ret = follower_in_list(follower) ? 0 : begin(vlans, follower);

	if (ret == 0)
		ret = follower_read_list(follower, on_link, vlans);
	if (ret != 0)
		return ret;
	if (vlans->failed)
		return -ENOMEM;
	changes_begin(&vlans->changes);
	vlans->walked = 0;
	vlans->stage = WALKING;
	return 0;
}

static void on_found(void *ctx, const struct sessd_vlan *vlan)
{
	changes_add(ctx, vlan);
}

static int walk_some(struct vlans *vlans)
{
	size_t left = vlans->link_count - vlans->walked;
	size_t some = WALK_PAIRS / (vlans->link_count + 1) + 1;

	some = some < left ? some : left;
	vlan_links_walk(
		vlans->links, vlans->link_count, vlans->walked, some, on_found, &vlans->changes);
	vlans->walked += some;
	if (vlans->walked < vlans->link_count)
		return FOLLOWER_MORE;
	vlans->stage = TELLING;
	return changes_end(&vlans->changes);
}

static void on_change(void *ctx, const void *item, bool present)
{
	const struct vlans *vlans = ctx;

	vlans->calls->vlan(vlans->ctx, item, present);
}

static int tell_some(struct vlans *vlans)
{
	if (changes_tell(&vlans->changes, FOLLOWER_TELL_MAX, on_change, vlans))
		return FOLLOWER_MORE;
	changes_begin(&vlans->addresses);
	vlans->stage = READING_ADDRESSES;
	return 0;
}

static int on_address(const struct nlmsghdr *header, void *data)
{
	const struct ifaddrmsg *message = mnl_nlmsg_get_payload(header);
	struct vlans *vlans = data;
	struct vlan_address address;
	uint32_t below;

	if (!local_address_parse(header, &address.addr))
		return MNL_CB_OK;
	address.ifindex = vlan_links_below(vlans->links, vlans->link_count, message->ifa_index);
	if (!address.ifindex)
		return MNL_CB_OK;
	below = address.ifindex;
	changes_add(&vlans->addresses, &address);
	for (size_t i = 0; i < vlans->link_count; i++) {
		if (vlans->links[i].bond != below)
			continue;
		address.ifindex = vlans->links[i].ifindex;
		changes_add(&vlans->addresses, &address);
	}
	return MNL_CB_OK;
}

/* Without VLANs there is nothing to read. */
static int read_addresses(struct vlans *vlans, struct follower *follower)
{
	int ret = 0;

	if (vlans->link_count > 0 && !follower_in_list(follower)) {
		follower_request(follower, RTM_GETADDR, NLM_F_DUMP, sizeof(struct ifaddrmsg));
		ret = follower_begin_list(follower);
	}
	if (ret == 0 && vlans->link_count > 0)
		ret = follower_read_list(follower, on_address, vlans);
	if (ret == 0)
		ret = changes_end(&vlans->addresses);
	if (ret == 0)
		vlans->stage = TELLING_ADDRESSES;
	return ret;
}

static void on_address_change(void *ctx, const void *item, bool present)
{
	const struct vlans *vlans = ctx;

	vlans->calls->address(vlans->ctx, item, present);
}

static int tell_addresses(struct vlans *vlans)
{
	return changes_tell(&vlans->addresses, FOLLOWER_TELL_MAX, on_address_change, vlans)
		       ? FOLLOWER_MORE
		       : 0;
}

static int vlans_read(void *ctx, struct follower *follower)
{
	struct vlans *vlans = ctx;
	int ret = vlans->stage == READING ? read_some(vlans, follower) : 0;

	if (ret == 0 && vlans->stage == WALKING)
		ret = walk_some(vlans);
	if (ret == 0 && vlans->stage == TELLING)
		ret = tell_some(vlans);
	if (ret == 0 && vlans->stage == READING_ADDRESSES)
		ret = read_addresses(vlans, follower);
	if (ret == 0 && vlans->stage == TELLING_ADDRESSES)
		ret = tell_addresses(vlans);
	if (ret <= 0)
		vlans->stage = READING;
	return ret < 0 ? error_set(-ret, "cannot read this host's VLANs: %s", strerror(-ret)) : ret;
}

static void vlans_close(void *ctx)
{
	struct vlans *vlans = ctx;

	changes_free(&vlans->changes);
	changes_free(&vlans->addresses);
	free(vlans->links);
	free(vlans);
}

struct follower *vlans_open(const struct vlans_calls *calls, void *ctx)
{
	static const struct follower_ops ops = {
		.what = "this host's VLANs",
		.groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
		.read = vlans_read,
		.close = vlans_close,
	};
	struct vlans *vlans = calloc(1, sizeof(*vlans));

	if (!vlans) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	vlans->changes.size = sizeof(struct sessd_vlan);
	vlans->addresses.size = sizeof(struct vlan_address);
	vlans->calls = calls;
	vlans->ctx = ctx;
	return follower_open(&ops, vlans);
}
