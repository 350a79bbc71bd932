/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The VLANs that this host has an interface in, kept up to date from rtnetlink: the interface that
 * receives their frames, and the tags. Interfaces that are down or in another network namespace are
 * left out: the kernel would not deliver their frames here. Each port of a bond or a team has the
 * VLANs of that.
 */
#ifndef SESSIOND_CONTROL_HOST_VLANS_H
#define SESSIOND_CONTROL_HOST_VLANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

#include "common/address.h"
#include "control/host/follower.h"

/* An address of a VLAN interface, with the interface below: requests for it arrive there with a
 * tag. Repeated for each port if that is a bond. */
struct vlan_address {
	uint32_t ifindex; /* of the interface below */
	struct address addr;
};

struct vlans_calls {
	void (*vlan)(void *ctx, const struct sessd_vlan *vlan, bool present);
	void (*address)(void *ctx, const struct vlan_address *address, bool present);
};

/* Calls back for each VLAN and address, now and at later changes. NULL with error_message() set. */
struct follower *vlans_open(const struct vlans_calls *calls, void *ctx);

/* An interface, from RTM_NEWLINK. */
struct vlan_link {
	uint32_t ifindex;
	uint32_t under; /* index of the interface under a VLAN, in this namespace; or 0 */
	uint32_t bond;	/* the bond or team that this is a port of; or 0 */
	uint32_t tag;	/* sessd_vlan_tag; 0 if this is no VLAN */
	bool up;
};

struct vlan_link vlan_link_parse(const struct nlmsghdr *header);

/* The interface below the VLAN interface `ifindex`, under all its tags; 0 if that is no VLAN. */
uint32_t vlan_links_below(const struct vlan_link *links, size_t count, uint32_t ifindex);

/* Calls `found` for each VLAN of the `some` interfaces from number `from` on: in any order, maybe
 * more than once. For each it searches all `count` interfaces. */
void vlan_links_walk(const struct vlan_link *links, size_t count, size_t from, size_t some,
	void (*found)(void *ctx, const struct sessd_vlan *vlan), void *ctx);

#endif
