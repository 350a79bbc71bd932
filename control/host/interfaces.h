/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Interfaces by name, followed by rtnetlink: if an interface is deleted and recreated, the name
 * gets a new index, and what was attached is lost. A rename changes which interface has the name.
 */
#ifndef SESSIOND_CONTROL_HOST_INTERFACES_H
#define SESSIOND_CONTROL_HOST_INTERFACES_H

#include <net/if.h>
#include <stddef.h>

#include "control/host/follower.h"

/* Calls `now` for each of the `count` names (kept by the caller) with its index, 0 if there is
 * none, and again after each change of the interface that has or had the name, even if the index is
 * unchanged. NULL with error_message() set. */
struct follower *interfaces_open(const char (*names)[IF_NAMESIZE], size_t count,
	void (*now)(void *ctx, size_t i, int ifindex), void *ctx);

#endif
