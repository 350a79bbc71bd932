/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Any change of an interface makes it read all interfaces again, as for VLANs.
 */
#include "control/host/vrfs.h"

#include "common/log.h"

#include "control/host/changes.h"
#include "control/host/link_attributes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct vrfs {
	struct changes changes; /* of struct vrf_port */
	bool telling;		/* a list was read, and not all of what changed is told */
	void (*changed)(void *ctx, const struct vrf_port *port, bool present);
	void *ctx;
};

struct vrf_port vrf_port_parse(const struct nlmsghdr *header)
{
	const struct ifinfomsg *message = mnl_nlmsg_get_payload(header);
	struct vrf_port port = {.port = (uint32_t)message->ifi_index};
	struct link_attributes link, info;

	link_attributes_parse(header, &link);
	link_attributes_nested(link.at[IFLA_LINKINFO], &info);
	if (link_attribute_says(info.at[IFLA_INFO_SLAVE_KIND], "vrf"))
		port.vrf = link_attribute_number(link.at[IFLA_MASTER]);
	else if (link_attribute_says(info.at[IFLA_INFO_KIND], "vrf"))
		port.vrf = port.port;
	return port;
}

static int on_link(const struct nlmsghdr *header, void *data)
{
	struct changes *changes = data;
	struct vrf_port port;

	if (header->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	port = vrf_port_parse(header);
	if (port.vrf)
		changes_add(changes, &port);
	return MNL_CB_OK;
}

static int read_some(struct vrfs *vrfs, struct follower *follower)
{
	struct nlmsghdr *request;
	int ret = 0;

	if (!follower_in_list(follower)) {
		changes_begin(&vrfs->changes);
		request = follower_request(
			follower, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		ret = follower_begin_list(follower);
	}
	if (ret == 0)
		ret = follower_read_list(follower, on_link, &vrfs->changes);
	if (ret == 0)
		ret = changes_end(&vrfs->changes);
	if (ret < 0)
		return error_set(
			-ret, "cannot read which interfaces are in a VRF: %s", strerror(-ret));
	vrfs->telling = ret == 0;
	return ret;
}

static void on_change(void *ctx, const void *item, bool present)
{
	const struct vrfs *vrfs = ctx;

	vrfs->changed(vrfs->ctx, item, present);
}

static int vrfs_read(void *ctx, struct follower *follower)
{
	struct vrfs *vrfs = ctx;
	int ret = vrfs->telling ? 0 : read_some(vrfs, follower);

	if (ret != 0)
		return ret;
	vrfs->telling = changes_tell(&vrfs->changes, FOLLOWER_TELL_MAX, on_change, vrfs);
	return vrfs->telling ? FOLLOWER_MORE : 0;
}

static void vrfs_close(void *ctx)
{
	struct vrfs *vrfs = ctx;

	changes_free(&vrfs->changes);
	free(vrfs);
}

struct follower *vrfs_open(
	void (*changed)(void *ctx, const struct vrf_port *port, bool present), void *ctx)
{
	static const struct follower_ops ops = {
		.what = "which interfaces are in a VRF",
		.groups = RTMGRP_LINK,
		.read = vrfs_read,
		.close = vrfs_close,
	};
	struct vrfs *vrfs = calloc(1, sizeof(*vrfs));

	if (!vrfs) {
		error_set(ENOMEM, "out of memory at start");
		return NULL;
	}
	vrfs->changes.size = sizeof(struct vrf_port);
	vrfs->changed = changed;
	vrfs->ctx = ctx;
	return follower_open(&ops, vrfs);
}

static bool bound_to_device(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char device[IF_NAMESIZE] = "";
	socklen_t size = sizeof(device);
	bool bound = fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &size) == 0 &&
		     size > 0;

	if (fd >= 0)
		close(fd);
	return bound;
}

bool vrfs_reach_sockets(void)
{
	FILE *file = fopen("/proc/sys/net/ipv4/udp_l3mdev_accept", "re");
	int accept = file ? fgetc(file) : '1';

	if (file)
		fclose(file);
	return accept != '0' || bound_to_device();
}
