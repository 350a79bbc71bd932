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
#include <sys/types.h>

#include "control/config/options.h"

/* Who the daemon is to run as. */
struct identity {
	bool change; /* it is another user, or group, than now */
	bool named;  /* by --user; else the default was looked for */
	uid_t uid;
	gid_t gid;
	char name[OPTION_USER_SIZE];
};

/* Looks up --user; without it, and as root, PRIVILEGES_USER where there is one, except in dpdk
 * mode, whose drivers may need root to the end. 0, or -EINVAL with error_message() set: there is no
 * such user, or only root could become it. Opens nothing but the user database. */
int privileges_identity(const struct options *options, struct identity *identity);
#define PRIVILEGES_USER "sessiond"

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
 * threads; gives up capabilities (`dpdk`: but for those that drivers need at the end); has system
 * calls filtered, on all threads, if the options ask for it. What is to be the new user's on disk
 * was given to it before. 0, or a negative errno with error_message() set: then it must not go on.
 */
int privileges_drop(const struct identity *identity, const struct options *options, bool dpdk);

/* syscall_filter.c: lets only those system calls through that a daemon which has started makes.
 * Others fail with EPERM and are logged by the kernel; those that only an intruder would make kill
 * the process. On all threads. 0, or a negative errno with error_message() set: -ENOSYS where the
 * kernel, or this build, has no filters. */
int syscall_filter_install(bool dpdk);

#endif
