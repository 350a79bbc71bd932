/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Files of Unix sockets, created and given away without following links: the folder may belong to
 * any user while the daemon is root.
 */
#ifndef SESSIOND_CONTROL_HOST_SOCKET_FILE_H
#define SESSIOND_CONTROL_HOST_SOCKET_FILE_H

#include <sys/stat.h>
#include <sys/un.h>

/* Binds a socket, whose file has mode 0660 from the beginning, and fills `st` for it. 0, or
 * negative with errno: then it leaves no file. It changes the umask, so call it before other
 * threads create files. */
int socket_file_bind(int fd, const struct sockaddr_un *addr, struct stat *st);
/* chown, if the file is still this one: 0, or negative with errno. */
int socket_file_give(const char *path, dev_t dev, ino_t ino, uid_t uid, gid_t gid);

#endif
