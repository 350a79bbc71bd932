/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/redirect_slots.h"

#include "common/ethtool.h"
#include "dataplane/xdp/link_ports.h"

#include <string.h>

static bool is_bond(const char *interface)
{
	char driver[32];

	return ethtool_driver(interface, driver) == 0 && strcmp(driver, "bonding") == 0;
}

static size_t add_ports(struct redirect_slot slots[ENGINE_INTERFACES_MAX], size_t count, size_t i)
{
	struct link_port ports[LINK_PORTS_MAX];
	int port_count = link_ports(slots[i].ifindex, ports);

	for (int k = 0; k < port_count && count < ENGINE_INTERFACES_MAX; k++) {
		struct redirect_slot *slot = &slots[count++];

		*slot = (struct redirect_slot){
			.ifindex = ports[k].ifindex, .interface = i, .port = true};
		strcpy(slot->name, ports[k].name);
	}
	return count;
}

size_t redirect_slots(
	const struct engine_config *config, struct redirect_slot slots[ENGINE_INTERFACES_MAX])
{
	size_t count = config->interface_count;

	for (size_t i = 0; i < config->interface_count; i++) {
		const char *name = config->interfaces[i];

		slots[i] = (struct redirect_slot){
			.ifindex = if_nametoindex(name), .interface = i, .bond = is_bond(name)};
		strcpy(slots[i].name, name);
	}
	for (size_t i = 0; i < config->interface_count; i++)
		if (slots[i].bond)
			count = add_ports(slots, count, i);
	return count;
}
