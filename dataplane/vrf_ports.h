/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interfaces that are ports of a VRF. The daemon's sockets belong to no VRF: a reply looks for
 * its way in the VRF's routing table only if it names the VRF, which is not what a request names,
 * the port.
 *
 * One thread sets (the main thread), any thread looks up, without locks.
 */
#ifndef SESSIOND_DATAPLANE_VRF_PORTS_H
#define SESSIOND_DATAPLANE_VRF_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel numbers interfaces in a row: these make room for at least VRF_PORTS_WAYS, and mostly
 * for VRF_PORTS_SETS times as many. A set is a cache line. */
#define VRF_PORTS_SETS 256
#define VRF_PORTS_WAYS 8

struct vrf_ports {
	bool any; /* there was one: until then, looking up is one load */
	/* The port's index in the upper half, the VRF's in the lower; 0: free. */
	uint64_t entries[VRF_PORTS_SETS][VRF_PORTS_WAYS] __attribute__((aligned(64)));
};

/* Knows of none. NULL without memory. To be freed with free(3). */
struct vrf_ports *vrf_ports_new(void);

/* Interface `port` is in `vrf`, by their indices; vrf 0: in none. A VRF is a port of itself. 0, or
 * -ENOSPC with error_message() set: replies to what comes by this port take the default table. */
int vrf_ports_set(struct vrf_ports *ports, uint32_t port, uint32_t vrf);

/* The index of the VRF that interface `port` is in; 0 for none. `ports` may be NULL. */
static inline uint32_t vrf_ports_find(const struct vrf_ports *ports, uint32_t port)
{
	const uint64_t *set;

	if (!ports || !__atomic_load_n(&ports->any, __ATOMIC_RELAXED))
		return 0;
	set = ports->entries[port % VRF_PORTS_SETS];
	for (unsigned i = 0; i < VRF_PORTS_WAYS; i++) {
		uint64_t entry = __atomic_load_n(&set[i], __ATOMIC_RELAXED);

		if (entry >> 32 == port)
			return (uint32_t)entry;
	}
	return 0;
}

#endif
