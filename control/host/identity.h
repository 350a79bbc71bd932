/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The user and group that the daemon runs as after the start.
 */
#ifndef SESSIOND_CONTROL_HOST_IDENTITY_H
#define SESSIOND_CONTROL_HOST_IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

#define IDENTITY_DEFAULT_USER "sessiond"

/* "NAME:GROUP", and its end; login names are at most 32 bytes. */
#define IDENTITY_SIZE 80

struct identity {
	bool change; /* the user or group differs from the current one */
	bool named;  /* with --user; else it is the default user */
	uid_t uid;
	gid_t gid;
	char name[IDENTITY_SIZE];
};

/* Looks up `user`, NAME or NAME:GROUP, of --user. For "" root becomes IDENTITY_DEFAULT_USER if that
 * exists, unless `stays_root`. 0, or a negative errno with error_message() set: -EINVAL if there is
 * no such user, or only root could become it, -EAGAIN if the lookup failed. Opens only the user
 * database. */
int identity_find(struct identity *identity, const char *user, bool stays_root);

#endif
