/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The interfaces that are ports of a VRF. The daemon's sockets belong to no VRF. A reply uses the
 * routing table of a VRF only if it names the VRF; the request names the port.
 *
 * The main thread sets. Any thread may look up, without locks.
 */
#ifndef SESSIOND_DATAPLANE_VRF_PORTS_H
#define SESSIOND_DATAPLANE_VRF_PORTS_H

#include <stdbool.h>
#include <stdint.h>

/* Room for VRF_PORTS_SETS * VRF_PORTS_WAYS interfaces with consecutive indices, as the kernel
 * assigns them, and at least for VRF_PORTS_WAYS. A set is a cache line. */
#define VRF_PORTS_SETS 256
#define VRF_PORTS_WAYS 8

struct vrf_ports {
	bool any; /* false until the first port is set: the lookup is then one load */
	/* The port's index in the upper half, the VRF's in the lower; 0: free. */
	uint64_t entries[VRF_PORTS_SETS][VRF_PORTS_WAYS] __attribute__((aligned(64)));
};

/* Empty. NULL without memory. Free with free(3). */
struct vrf_ports *vrf_ports_new(void);

/* Interface `port` is in `vrf`, both by index; vrf 0: in none. A VRF is a port of itself. 0, or
 * -ENOSPC with error_message() set: replies by this port take the default routing table. */
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
