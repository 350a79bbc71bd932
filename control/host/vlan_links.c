/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Derives the VLANs from the interfaces in rtnetlink messages.
 */
#include "control/host/vlans.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <arpa/inet.h>
#include <string.h>

struct attributes {
	const struct nlattr *at[IFLA_MAX + 1];
};

static int on_attribute(const struct nlattr *attr, void *data)
{
	struct attributes *attributes = data;
	unsigned type = mnl_attr_get_type(attr);

	if (type <= IFLA_MAX)
		attributes->at[type] = attr;
	return MNL_CB_OK;
}

static void parse_nested(const struct nlattr *nest, struct attributes *attributes)
{
	memset(attributes, 0, sizeof(*attributes));
	if (nest)
		mnl_attr_parse_nested(nest, on_attribute, attributes);
}

/* The u32 or u16 of an attribute, 0 if missing. */
static uint32_t number(const struct nlattr *attr)
{
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		return mnl_attr_get_u32(attr);
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(uint16_t))
		return mnl_attr_get_u16(attr);
	return 0;
}

static bool says(const struct nlattr *attr, const char *text)
{
	return attr && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(attr), text) == 0;
}

struct vlan_link vlan_link_parse(const struct nlmsghdr *header)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	struct attributes link = {0}, info, data;
	struct vlan_link parsed = {
		.ifindex = (uint32_t)message->ifi_index,
		.up = message->ifi_flags & IFF_UP,
	};

	mnl_attr_parse(header, sizeof(*message), on_attribute, &link);
	parse_nested(link.at[IFLA_LINKINFO], &info);
	if (says(info.at[IFLA_INFO_SLAVE_KIND], "bond") ||
		says(info.at[IFLA_INFO_SLAVE_KIND], "team"))
		parsed.bond = number(link.at[IFLA_MASTER]);
	if (!says(info.at[IFLA_INFO_KIND], "vlan"))
		return parsed;
	parse_nested(info.at[IFLA_INFO_DATA], &data);
	parsed.tag = sessd_vlan_tag((uint16_t)number(data.at[IFLA_VLAN_ID]),
		number(data.at[IFLA_VLAN_PROTOCOL]) == htons(ETH_P_8021AD));
	/* In another namespace the index means another interface. */
	if (!link.at[IFLA_LINK_NETNSID])
		parsed.under = number(link.at[IFLA_LINK]);
	return parsed;
}

static const struct vlan_link *find(const struct vlan_link *links, size_t count, uint32_t ifindex)
{
	for (size_t i = 0; i < count; i++)
		if (links[i].ifindex == ifindex)
			return &links[i];
	return NULL;
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
