/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Derives the VLANs from the interfaces in rtnetlink messages.
 */
#include "control/host/vlans.h"

#include "control/host/link_attributes.h"

#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>

#include <arpa/inet.h>

/* VLANs within VLANs, at most, as in the kernel. */
#define NESTING_MAX 8

struct vlan_link vlan_link_parse(const struct nlmsghdr *header)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	struct link_attributes link, info, data;
	struct vlan_link parsed = {
		.ifindex = (uint32_t)message->ifi_index,
		.up = message->ifi_flags & IFF_UP,
	};

	link_attributes_parse(header, &link);
	link_attributes_nested(link.at[IFLA_LINKINFO], &info);
	if (link_attribute_says(info.at[IFLA_INFO_SLAVE_KIND], "bond") ||
		link_attribute_says(info.at[IFLA_INFO_SLAVE_KIND], "team"))
		parsed.bond = link_attribute_number(link.at[IFLA_MASTER]);
	if (!link_attribute_says(info.at[IFLA_INFO_KIND], "vlan"))
		return parsed;
	link_attributes_nested(info.at[IFLA_INFO_DATA], &data);
	parsed.tag = sessd_vlan_tag((uint16_t)link_attribute_number(data.at[IFLA_VLAN_ID]),
		link_attribute_number(data.at[IFLA_VLAN_PROTOCOL]) == htons(ETH_P_8021AD));
	/* In another namespace the index means another interface. */
	if (!link.at[IFLA_LINK_NETNSID])
		parsed.under = link_attribute_number(link.at[IFLA_LINK]);
	return parsed;
}

static const struct vlan_link *find(const struct vlan_link *links, size_t count, uint32_t ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
}

uint32_t vlan_links_below(const struct vlan_link *links, size_t count, uint32_t ifindex)
{
	const struct vlan_link *link = find(links, count, ifindex);
	uint32_t below = 0;

	for (unsigned i = 0; i < NESTING_MAX && link && link->tag; i++) {
		below = link->under;
		link = find(links, count, below);
	}
	return below;
}

static void walk_one(const struct vlan_link *links, size_t count, const struct vlan_link *link,
	void (*found)(void *ctx, const struct sessd_vlan *vlan), void *ctx)
{
	struct sessd_vlan vlan = {.ifindex = link->under, .tags = link->tag};
	const struct vlan_link *under = find(links, count, link->under);

	/* A VLAN in a VLAN. Three levels are ignored: `tags` holds two. */
	if (under && under->tag) {
		if (!under->up || under->under == 0)
			return;
		vlan.tags = sessd_vlan_push(under->tag, link->tag);
		vlan.ifindex = under->under;
		under = find(links, count, vlan.ifindex);
		if (under && under->tag)
			return;
	}
	found(ctx, &vlan);
	for (size_t i = 0; i < count; i++) {
		if (links[i].bond != vlan.ifindex)
			continue;
		found(ctx, &(struct sessd_vlan){links[i].ifindex, vlan.tags});
	}
}

void vlan_links_walk(const struct vlan_link *links, size_t count, size_t from, size_t some,
	void (*found)(void *ctx, const struct sessd_vlan *vlan), void *ctx)
{
	for (size_t i = from; i < from + some; i++)
		if (links[i].tag && links[i].up && links[i].under)
			walk_one(links, count, &links[i], found, ctx);
}
