/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The ports of a bond. Any thread. Needs no privilege.
 */
#ifndef SESSIOND_DATAPLANE_XDP_LINK_PORTS_H
#define SESSIOND_DATAPLANE_XDP_LINK_PORTS_H

#include <net/if.h>
#include <stdint.h>

#define LINK_PORTS_MAX 16

struct link_port {
	uint32_t ifindex;
	char name[IF_NAMESIZE];
};

/* Reads the present ports, at most LINK_PORTS_MAX. Returns their number, or a negative errno. */
int link_ports(uint32_t bond, struct link_port ports[LINK_PORTS_MAX]);

#endif
