/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Passes changes of this host to the engine: addresses, VLANs, VRFs, interfaces.
 */
#include "control/daemon_private.h"

#include <errno.h>

/* Changes of addresses that are logged one by one. */
#define LINES_A_SECOND 8

/* Logs the first changes of a second and counts the others: an agent may add thousands of addresses
 * at once. */
static void on_local(void *ctx, const struct address *addr, bool present)
{
	struct daemon *daemon = ctx;
	char text[ADDRESS_TEXT];

	if (daemon->ops->set_local(daemon->engine, addr, present) < 0) {
		if (daemon->local_failed++ == 0)
			log_error("%s", error_message());
	} else if (daemon->local_ready) {
		if (daemon->local_added + daemon->local_removed < LINES_A_SECOND)
			log_info("local address %s %s", address_format(addr, text),
				present ? "was added: answering there" : "was removed");
		if (present)
			daemon->local_added++;
		else
			daemon->local_removed++;
	}
}

void daemon_tell_addresses(struct daemon *daemon)
{
	if (daemon->local_added + daemon->local_removed > LINES_A_SECOND)
		log_info("total: %u local addresses added, %u removed", daemon->local_added,
			daemon->local_removed);
	if (daemon->local_failed > 1)
		log_error("total: the same error for %u addresses", daemon->local_failed);
	daemon->local_added = daemon->local_removed = daemon->local_failed = 0;
}

static void on_vlan(void *ctx, const struct sessd_vlan *vlan, bool present)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_vlan(daemon->engine, vlan, present) < 0)
		log_error("%s", error_message());
}

static void on_vlan_address(void *ctx, const struct vlan_address *address, bool present)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_vlan_address(
		    daemon->engine, address->ifindex, &address->addr, present) < 0)
		log_error("%s", error_message());
}

static void on_vrf(void *ctx, const struct vrf_port *port, bool present)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_vrf(daemon->engine, port->port, port->vrf, present) < 0)
		log_error("%s", error_message());
	if (daemon->vrf_seen)
		return;
	daemon->vrf_seen = true;
	if (vrfs_reach_sockets())
		return;
	log_notice("this host has a VRF, and sockets receive no requests from it: set "
		   "net.ipv4.udp_l3mdev_accept=1, or start sessiond with `ip vrf exec`");
}

static void on_interface(void *ctx, size_t i, int ifindex)
{
	struct daemon *daemon = ctx;

	if (daemon->ops->set_interface(daemon->engine, i, ifindex) < 0)
		log_error("%s", error_message());
}

/* False if `follower` is NULL. */
static bool add_follower(struct daemon *daemon, struct follower *follower)
{
	if (follower)
		daemon->followers[daemon->follower_count++] = follower;
	return follower;
}

int daemon_follow_addresses(struct daemon *daemon)
{
	static const struct vlans_calls vlans = {on_vlan, on_vlan_address};

	daemon->local_ready = false;
	if (daemon->ops->set_local && !add_follower(daemon, local_addresses_open(on_local, daemon)))
		return -EIO;
	daemon->local_ready = true;
	if (daemon->ops->set_vlan && !add_follower(daemon, vlans_open(&vlans, daemon)))
		log_warning("%s: sockets answer requests that arrive in a VLAN", error_message());
	if (daemon->ops->set_vrf && !add_follower(daemon, vrfs_open(on_vrf, daemon)))
		log_warning("%s: requests that arrive in a VRF get no reply", error_message());
	return 0;
}

void daemon_follow_interfaces(struct daemon *daemon)
{
	const struct engine_config *config = &daemon->options.engine;

	if (daemon->ops->set_interface &&
		!add_follower(daemon, interfaces_open(config->interfaces, config->interface_count,
					      on_interface, daemon)))
		log_warning("%s: XDP does not serve a recreated interface until a restart",
			error_message());
}

void daemon_unfollow(struct daemon *daemon)
{
	while (daemon->follower_count > 0)
		follower_close(daemon->followers[--daemon->follower_count]);
}
