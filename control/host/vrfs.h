/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interfaces of this host that are ports of a VRF, kept up to date from rtnetlink.
 */
#ifndef SESSIOND_CONTROL_HOST_VRFS_H
#define SESSIOND_CONTROL_HOST_VRFS_H

#include <stdbool.h>
#include <stdint.h>

#include "control/host/follower.h"

/* Interface indices. A VRF is a port of itself: local traffic in the VRF arrives by it. */
struct vrf_port {
	uint32_t port, vrf;
};

/* Calls `changed` for each port of a VRF, now and at later changes, departures first. NULL with
 * error_message() set. */
struct follower *vrfs_open(
	void (*changed)(void *ctx, const struct vrf_port *port, bool present), void *ctx);

/* Parses an RTM_NEWLINK; vrf 0: the interface is in none. */
struct vrf_port vrf_port_parse(const struct nlmsghdr *header);

/* Whether this process's UDP sockets receive requests from VRFs: net.ipv4.udp_l3mdev_accept is set,
 * or the sockets are bound to a VRF, as by `ip vrf exec`. */
bool vrfs_reach_sockets(void);

#endif
