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

struct interfaces;

/* Calls `now` for each of the `count` names (kept by the caller) with the index that it has, 0 if
 * there is none, and again after each change of the interface that has the name or had it, also if
 * the index is as before. Main thread only. NULL with error_message() set. */
struct interfaces *interfaces_open(const char (*names)[IF_NAMESIZE], size_t count,
	void (*now)(void *ctx, size_t i, int ifindex), void *ctx);
void interfaces_close(struct interfaces *interfaces);

/* Readable when something changed; then call interfaces_follow, which returns 0 or a negative errno
 * with error_message() set. */
int interfaces_fd(const struct interfaces *interfaces);
int interfaces_follow(struct interfaces *interfaces);
/* Does again what interfaces_follow could not, if there is such; once a second, say. 0, or a
 * negative errno with error_message() set. */
int interfaces_retry(struct interfaces *interfaces);

#endif
