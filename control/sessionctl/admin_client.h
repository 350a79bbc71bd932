/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Client of the admin socket (protocol in admin.h): blocking, with a time limit.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_ADMIN_CLIENT_H
#define SESSIOND_CONTROL_SESSIONCTL_ADMIN_CLIENT_H

#include <sys/types.h>

struct admin_client;

/* Connects to the socket at `path`; `timeout_ms` limits each wait for the daemon (not 0). 0, or a
 * negative errno with error_message() set: -ENOENT or -ECONNREFUSED if no daemon runs. */
int admin_client_open(struct admin_client **client, const char *path, unsigned timeout_ms);

/* Sends one request (without the line end) and calls `on_line`, if not NULL, for each line of the
 * reply. A negative errno from it ends the request, and the connection cannot be used again. 0;
 * -EREMOTEIO if the daemon refuses, with its text in error_message(); or another negative errno
 * with error_message() set. */
int admin_client_request(struct admin_client *client, const char *request,
	int (*on_line)(void *ctx, char *line), void *ctx);

/* From now on a reply may take any time: at each time limit a ping over another connection checks
 * that the daemon is alive, and the request fails only if that is not answered in time. */
void admin_client_be_patient(struct admin_client *client);

/* The daemon's process ID in this process's PID namespace, which differs from the daemon's own if
 * that runs in a container. 0 if it is not visible from here. */
pid_t admin_client_daemon(const struct admin_client *client);

/* NULL is allowed. */
void admin_client_close(struct admin_client *client);

#endif
