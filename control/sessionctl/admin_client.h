/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The other end of the admin socket (admin.h has its protocol): blocking, with a time limit.
 */
#ifndef SESSIOND_CONTROL_SESSIONCTL_ADMIN_CLIENT_H
#define SESSIOND_CONTROL_SESSIONCTL_ADMIN_CLIENT_H

#include <sys/types.h>

struct admin_client;

/* Connects to the socket at `path`; `timeout_ms` limits each wait for the daemon (not 0). 0, or a
 * negative errno with error_message() set: -ENOENT or -ECONNREFUSED where no daemon is. */
int admin_client_open(struct admin_client **client, const char *path, unsigned timeout_ms);

/* Sends one request (a line without its end) and calls `on_line`, if not NULL, for each line of the
 * reply; a negative errno from it ends the request and the connection's use. 0; -EREMOTEIO where
 * the daemon refuses, error_message() being its words; or another negative errno with
 * error_message() set. */
int admin_client_request(struct admin_client *client, const char *request,
	int (*on_line)(void *ctx, char *line), void *ctx);

/* From now on a reply may take as long as it needs: past the time limit the daemon is asked over
 * another connection whether it is still there, again and again, and only if it does not answer
 * that in time the request fails. */
void admin_client_be_patient(struct admin_client *client);

/* The daemon's process as this one sees it: where it is in a container, its own idea is another. 0
 * if it cannot be seen from here. */
pid_t admin_client_daemon(const struct admin_client *client);

/* NULL is allowed. */
void admin_client_close(struct admin_client *client);

#endif
