/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Where the admin socket is when nobody says: one rule for the daemon and for sessionctl.
 *
 * The daemon listens at CONTROL_PATH_SYSTEM, if it could make that (it is root, or the folder is
 * its own, as systemd's RuntimeDirectory= makes it), else at $XDG_RUNTIME_DIR/sessiond.sock.
 * sessionctl looks first where a daemon of the same user would listen, then at the other place.
 */
#ifndef SESSIOND_COMMON_CONTROL_PATH_H
#define SESSIOND_COMMON_CONTROL_PATH_H

#define CONTROL_DIR_SYSTEM  "/run/sessiond"
#define CONTROL_PATH_SYSTEM CONTROL_DIR_SYSTEM "/control.sock"

/* sun_path's size: the longest path and its end. */
#define CONTROL_PATH_SIZE 108

enum control_role {
	CONTROL_LISTEN,
	CONTROL_CONNECT,
};

/* Writes the default path. Looks at the file system, changes nothing. */
void control_path_default(enum control_role role, char path[CONTROL_PATH_SIZE]);

#endif
