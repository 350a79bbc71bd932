/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The VLANs that this host has an interface in, kept up to date from rtnetlink: by which interface
 * their frames come in, and with which tags. Interfaces that are down, or in another network
 * namespace, do not count: the kernel would hand their frames to nobody here. Those of a bond or a
 * team are had by each of its ports.
 */
#ifndef SESSIOND_CONTROL_HOST_VLANS_H
#define SESSIOND_CONTROL_HOST_VLANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

#include "control/host/follower.h"

/* Calls `changed` for each VLAN, now and at later changes. NULL with error_message() set. */
struct follower *vlans_open(
	void (*changed)(void *ctx, const struct sessd_vlan *vlan, bool present), void *ctx);

/* What an RTM_NEWLINK says of an interface. */
struct vlan_link {
	uint32_t ifindex;
	uint32_t under; /* what a VLAN is on, by its index here; or 0 */
	uint32_t bond;	/* the bond or team that this is a port of; or 0 */
	uint32_t tag;	/* sessd_vlan_tag; 0 where this is no VLAN */
	bool up;
};

struct vlan_link vlan_link_parse(const struct nlmsghdr *header);

/* Calls `found` for each VLAN that `some` of these interfaces make, from number `from` on: in no
 * order, maybe more than once. It looks at all `count` of them for each. */
void vlan_links_walk(const struct vlan_link *links, size_t count, size_t from, size_t some,
	void (*found)(void *ctx, const struct sessd_vlan *vlan), void *ctx);

#endif
