/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The socket file that the admin socket listens on.
 */
#ifndef SESSIOND_CONTROL_ADMIN_ADMIN_SOCKET_H
#define SESSIOND_CONTROL_ADMIN_ADMIN_SOCKET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "common/control_path.h"

struct admin_socket {
	int fd; /* listening, non-blocking */
	char path[CONTROL_PATH_SIZE];
	bool made_folder;
	dev_t dev; /* of the file, so that only our own file is removed */
	ino_t ino;
};

/* 0, or a negative errno with error_message() set. */
int admin_socket_open(struct admin_socket *sock, const char *path);
/* 0, or a negative errno with error_message() set. */
int admin_socket_give(const struct admin_socket *sock, uid_t uid, gid_t gid);
/* Whether the client is root, this process's user, or in its group. `*uid` becomes the client's
 * user. */
bool admin_socket_trusts(int fd, uid_t *uid);
/* Removes the file, if it is still ours. Does not close fd. */
void admin_socket_remove(const struct admin_socket *sock);

#endif
