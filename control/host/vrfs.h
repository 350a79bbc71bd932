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

/* By their indices. A VRF is a port of itself: what a process of this host sends in it comes so. */
struct vrf_port {
	uint32_t port, vrf;
};

/* Calls `changed` for each port of a VRF, now and at later changes; what went is told before what
 * came. NULL with error_message() set. */
struct follower *vrfs_open(
	void (*changed)(void *ctx, const struct vrf_port *port, bool present), void *ctx);

/* What an RTM_NEWLINK says of an interface; vrf 0: it is in none. */
struct vrf_port vrf_port_parse(const struct nlmsghdr *header);

/* Whether this process's UDP sockets are given what comes by a VRF's ports: the kernel's setting
 * net.ipv4.udp_l3mdev_accept; or they are bound to a VRF, as by `ip vrf exec`. */
bool vrfs_reach_sockets(void);

#endif
