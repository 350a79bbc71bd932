/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The addresses of a frame to the target, as the kernel would send it.
 */
#ifndef BENCH_NEIGHBOUR_H
#define BENCH_NEIGHBOUR_H

#include <stdint.h>

#include "common/address.h"

struct neighbour {
	int ifindex;
	uint8_t source_mac[6], target_mac[6];
	struct address source;
};

/* Reads the interface's addresses and has the kernel resolve the target's MAC address; the target
 * must be on the link. `mac`: the target's MAC address, "" to resolve it. 0, or a negative errno
 * with error_message() set. */
int neighbour_find(struct neighbour *neighbour, const char *interface,
	const struct endpoint *target, const char *mac);

#endif
