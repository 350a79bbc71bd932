/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Files of Unix sockets, made and given away without following what somebody may have put in their
 * place: the folder may be anybody's, and the daemon root.
 */
#ifndef SESSIOND_CONTROL_HOST_SOCKET_FILE_H
#define SESSIOND_CONTROL_HOST_SOCKET_FILE_H

#include <sys/stat.h>
#include <sys/un.h>

/* Binds a socket, whose file gets mode 0660 from the beginning, and says which file it is. 0, or
 * negative with errno: then no file of ours is left. Before other threads make files. */
int socket_file_bind(int fd, const struct sockaddr_un *addr, struct stat *st);
/* chown, if the file is still this one: 0, or negative with errno. */
int socket_file_give(const char *path, dev_t dev, ino_t ino, uid_t uid, gid_t gid);

#endif
