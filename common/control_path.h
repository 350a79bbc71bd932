/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The admin socket's default path, for the daemon and sessionctl. The daemon listens at
 * CONTROL_PATH_SYSTEM if it can create that (it is root, or owns the folder, as with systemd's
 * RuntimeDirectory=), else at $XDG_RUNTIME_DIR/sessiond.sock. sessionctl first looks where a daemon
 * of the same user would listen, then at the other path.
 */
#ifndef SESSIOND_COMMON_CONTROL_PATH_H
#define SESSIOND_COMMON_CONTROL_PATH_H

#define CONTROL_DIR_SYSTEM  "/run/sessiond"
#define CONTROL_PATH_SYSTEM CONTROL_DIR_SYSTEM "/control.sock"

/* Bytes of sockaddr_un.sun_path: the longest path with its NUL. */
#define CONTROL_PATH_SIZE 108

enum control_role {
	CONTROL_LISTEN,
	CONTROL_CONNECT,
};

/* Writes the default path. Reads the file system, changes nothing. Any thread. */
void control_path_default(enum control_role role, char path[CONTROL_PATH_SIZE]);

#endif
