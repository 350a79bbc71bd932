/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the daemon may do once it has started: its user, its capabilities, its system calls.
 *
 * Sockets, maps, programs and ports are opened first, with whatever rights that takes; after that
 * the daemon works on open descriptors and needs next to none. SECURITY.md has the table.
 */
#ifndef SESSIOND_CONTROL_PRIVILEGES_H
#define SESSIOND_CONTROL_PRIVILEGES_H

#include <stdbool.h>

#include "control/host/identity.h"

/* Memory holds master secrets: no core file, and no other process of this user may attach. First
 * thing of all. */
void privileges_forbid_dumps(void);

/* Before any thread is made: no program that is executed ever gains rights, and threads know what
 * is to come. 0, or a negative errno with error_message() set. */
int privileges_prepare(const struct identity *identity);

/* First thing on each thread but the main one: it keeps no capability, unless it is to lose them
 * with the user. */
void privileges_drop_thread(void);

/* On the main thread, once all has been opened and every thread started: becomes `identity`, on all
 * threads, and gives up capabilities, but for those that `drivers` in this process need at the end.
 * What is to be the new user's on disk was given to it before. 0, or a negative errno with
 * error_message() set: then it must not go on. */
int privileges_drop(const struct identity *identity, bool drivers);

/* syscall_filter.c: lets only those system calls through that a daemon which has started makes;
 * `drivers` in this process make more. Others fail with EPERM and are logged by the kernel; those
 * that only an intruder would make kill the process. On all threads. 0, or a negative errno with
 * error_message() set: -ENOSYS where the kernel, or this build, has no filters. */
int syscall_filter_install(bool drivers);

#endif
