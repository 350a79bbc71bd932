/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The ports of a bond, as the kernel tells now. Any thread; no privileges are needed.
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

/* The ports that a bond has now, at most LINK_PORTS_MAX. Returns how many, or a negative errno. */
int link_ports(uint32_t bond, struct link_port ports[LINK_PORTS_MAX]);

#endif
