/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#ifndef SESSIOND_DATAPLANE_XDP_LINK_PACKETS_H
#define SESSIOND_DATAPLANE_XDP_LINK_PACKETS_H

#include <stdint.h>

/* Packets that an interface of this network namespace has received, as its driver counts them.
 * Needs no privilege. Any thread. 0, or a negative errno with `*packets` unchanged. */
int link_packets(int ifindex, uint64_t *packets);

#endif
