/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * As with addresses, a change only says that something changed: all interfaces are read again and
 * what they make is compared.
 */
#include "control/host/vlans.h"

#include "common/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct vlan_list {
	struct sessd_vlan *vlans;
	size_t count, room;
	bool failed;
};

struct link_list {
	struct vlan_link *links;
	size_t count, room;
	bool failed;
};

struct vlans {
	struct vlan_list current;
	void (*changed)(void *ctx, const struct sessd_vlan *vlan, bool present);
	void *ctx;
};

/* Room for one more of `size` bytes; NULL and *failed if there is none. */
static void *more_room(void *items, size_t count, size_t *room, size_t size, bool *failed)
{
	void *more;

	if (count < *room)
		return items;
	more = reallocarray(items, *room + 64, size);
	if (!more) {
		*failed = true;
		return items;
	}
	*room += 64;
	return more;
}

static bool list_has(const struct vlan_list *list, const struct sessd_vlan *vlan)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->vlans[i].ifindex == vlan->ifindex && list->vlans[i].tags == vlan->tags)
			return true;
	return false;
}

static void list_add(void *ctx, const struct sessd_vlan *vlan)
{
	struct vlan_list *list = ctx;

	if (list_has(list, vlan))
		return;
	list->vlans = more_room(
		list->vlans, list->count, &list->room, sizeof(*list->vlans), &list->failed);
	if (!list->failed)
		list->vlans[list->count++] = *vlan;
}

/* Of no interest: what is neither a VLAN nor a port of a bond, be there ever so many. */
static int on_link(const struct nlmsghdr *header, void *data)
{
	struct link_list *list = data;
	struct vlan_link link;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	link = vlan_link_parse(header);
	if (!link.tag && !link.bond)
		return MNL_CB_OK;
	list->links = more_room(
		list->links, list->count, &list->room, sizeof(*list->links), &list->failed);
	if (!list->failed)
		list->links[list->count++] = link;
	return MNL_CB_OK;
}

static int read_all(struct follower *follower, struct link_list *list)
{
	struct nlmsghdr *request =
		follower_request(follower, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
	int err;

	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	err = follower_ask(follower, on_link, list);
	return !err && list->failed ? -ENOMEM : err;
}

/* Tells what went before what came, so that there is room for it. */
static void tell(struct vlans *vlans, const struct vlan_list *now)
{
	for (size_t i = 0; i < vlans->current.count; i++)
		if (!list_has(now, &vlans->current.vlans[i]))
			vlans->changed(vlans->ctx, &vlans->current.vlans[i], false);
	for (size_t i = 0; i < now->count; i++)
		if (!list_has(&vlans->current, &now->vlans[i]))
			vlans->changed(vlans->ctx, &now->vlans[i], true);
}

static int compare(void *ctx, struct follower *follower)
{
	struct vlans *vlans = ctx;
	struct link_list links = {0};
	struct vlan_list now = {0};
	int err = read_all(follower, &links);

	if (!err)
		vlan_links_walk(links.links, links.count, list_add, &now);
	if (!err && now.failed)
		err = -ENOMEM;
	free(links.links);
	if (err) {
		free(now.vlans);
		return error_set(
			-err, "cannot read which VLANs this host is in: %s", strerror(-err));
	}
	tell(vlans, &now);
	free(vlans->current.vlans);
	vlans->current = now;
	return 0;
}

static void vlans_close(void *ctx)
{
	struct vlans *vlans = ctx;

	free(vlans->current.vlans);
	free(vlans);
}

struct follower *vlans_open(
	void (*changed)(void *ctx, const struct sessd_vlan *vlan, bool present), void *ctx)
{
	static const struct follower_ops ops = {
		.what = "which VLANs this host is in",
		.groups = RTMGRP_LINK,
		.read = compare,
		.close = vlans_close,
	};
	struct vlans *vlans = calloc(1, sizeof(*vlans));

	if (!vlans) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	vlans->changed = changed;
	vlans->ctx = ctx;
	return follower_open(&ops, vlans);
}
