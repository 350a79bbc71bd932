/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/vrf_ports.h"

#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vrf_ports *vrf_ports_new(void)
{
	struct vrf_ports *ports = aligned_alloc(_Alignof(struct vrf_ports), sizeof(*ports));

	if (ports)
		memset(ports, 0, sizeof(*ports));
	return ports;
}

int vrf_ports_set(struct vrf_ports *ports, uint32_t port, uint32_t vrf)
{
	uint64_t *set = ports->entries[port % VRF_PORTS_SETS], *place = NULL;

	for (unsigned i = 0; i < VRF_PORTS_WAYS; i++) {
		if (set[i] >> 32 == port) {
			place = &set[i];
			break;
		}
		if (!place && set[i] == 0)
			place = &set[i];
	}
	if (!place)
		return vrf ? error_set(ENOSPC,
				     "no room for another port of a VRF: replies to requests from "
				     "interface %u take the default routing table",
				     port)
			   : 0;
	__atomic_store_n(place, vrf ? (uint64_t)port << 32 | vrf : 0, __ATOMIC_RELAXED);
	if (vrf)
		__atomic_store_n(&ports->any, true, __ATOMIC_RELAXED);
	return 0;
}
