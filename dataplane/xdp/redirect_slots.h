/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interfaces whose NEWs and REMOVEs the program redirects to AF_XDP: the configured ones, and
 * the ports of configured bonds. In native mode a bond's program runs on the ports, with their
 * interface indices.
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
	uint32_t ifindex; /* 0: no such interface */
	size_t interface; /* number in the configuration: its own, or its bond's */
	bool bond, port;
	uint32_t queues; /* receive queues when the sockets were opened; 0: no sockets */
};

/* Fills in one slot per configured interface, in order, then the ports, as many as fit. Returns the
 * number of slots. */
size_t redirect_slots(
	const struct engine_config *config, struct redirect_slot slots[ENGINE_INTERFACES_MAX]);

#endif
