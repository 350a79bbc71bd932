/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interfaces whose NEWs and REMOVEs the program hands over by AF_XDP: the configured ones, and
 * the ports of those that are bonds. In native mode a bond's program runs on its ports, and tells
 * and knows of them alone.
 */
#ifndef SESSIOND_DATAPLANE_XDP_REDIRECT_SLOTS_H
#define SESSIOND_DATAPLANE_XDP_REDIRECT_SLOTS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/engine.h"

struct redirect_slot {
	char name[IF_NAMESIZE];
	uint32_t ifindex; /* 0: there was no such interface */
	size_t interface; /* of the configuration: this one, or the bond that it is a port of */
	bool bond, port;
	uint32_t queues; /* at which sockets were to be opened; 0: at none */
};

/* Fills in a slot a configured interface, in their order, then the ports as far as there is room.
 * Returns how many. */
size_t redirect_slots(
	const struct engine_config *config, struct redirect_slot slots[ENGINE_INTERFACES_MAX]);

#endif
