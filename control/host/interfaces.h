/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Interfaces by name, followed from rtnetlink: one that is deleted and made anew, or renamed, keeps
 * the name and not the index, and what was attached to it is gone.
 */
#ifndef SESSIOND_CONTROL_HOST_INTERFACES_H
#define SESSIOND_CONTROL_HOST_INTERFACES_H

#include <net/if.h>
#include <stddef.h>

#include "control/host/follower.h"

/* Calls `now` for each of the `count` names (kept by the caller) with the index that it has, 0 if
 * there is none, and again after each change of the interface that has the name or had it, also if
 * the index is as before. NULL with error_message() set. */
struct follower *interfaces_open(const char (*names)[IF_NAMESIZE], size_t count,
	void (*now)(void *ctx, size_t i, int ifindex), void *ctx);

#endif
