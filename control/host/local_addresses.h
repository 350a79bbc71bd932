/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The addresses of this host, kept up to date from rtnetlink, so that a virtual address is served
 * as soon as it moves here, and no longer when it moves away. Tentative IPv6 addresses (duplicate
 * address detection still running) are left out.
 */
#ifndef SESSIOND_CONTROL_HOST_LOCAL_ADDRESSES_H
#define SESSIOND_CONTROL_HOST_LOCAL_ADDRESSES_H

#include <stdbool.h>

#include "common/address.h"
#include "control/host/follower.h"

/* Calls `changed` for each address, now and at later changes. NULL with error_message() set. */
struct follower *local_addresses_open(
	void (*changed)(void *ctx, const struct address *addr, bool present), void *ctx);

/* Reads the address of an RTM_NEWADDR; false if it is not this host's, or tentative. */
bool local_address_parse(const struct nlmsghdr *header, struct address *addr);

/* The number of current addresses; 0 if they cannot be read. */
size_t local_addresses_count(void);

#endif
