/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reduces what the daemon may do after the start: user, capabilities, system calls.
 *
 * Sockets, maps, programs and ports are opened first, with the privileges that this needs. After
 * that the daemon works on open descriptors and needs almost none. SECURITY.md has the table.
 */
#ifndef SESSIOND_CONTROL_PRIVILEGES_H
#define SESSIOND_CONTROL_PRIVILEGES_H

#include <stdbool.h>

#include "control/host/identity.h"

/* Memory holds master secrets: no core file, and no other process of this user may attach. Call it
 * first. */
void privileges_forbid_dumps(void);

/* Call it before any thread is created: no executed program can gain privileges, and
 * privileges_drop_thread knows whether the user will change. 0, or a negative errno with
 * error_message() set. */
int privileges_prepare(const struct identity *identity);

/* Call it first on each thread except the main one: drops all capabilities, unless the change of
 * user will. */
void privileges_drop_thread(void);

/* On the main thread, after everything is opened and every thread started: changes all threads to
 * `identity` and drops capabilities, except those that `drivers` in this process need at the end.
 * Files on disk must be given to the new user before. 0, or a negative errno with error_message()
 * set: the daemon must then end. */
int privileges_drop(const struct identity *identity, bool drivers);

/* syscall_filter.c: allows only the system calls that a running daemon makes, and those of
 * `drivers` in this process. Others fail with EPERM and the kernel logs them; calls that only an
 * attacker makes kill the process. On all threads. 0, or a negative errno with error_message() set:
 * -ENOSYS where the kernel or this build has no filters. */
int syscall_filter_install(bool drivers);

#endif
