/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Look-ups of handshakes that run as an OpenSSL job (SSL_MODE_ASYNC): the job is paused until there
 * is an answer, and the thread serves other connections.
 */
#ifndef SESSIOND_CLIENT_ASYNC_H
#define SESSIOND_CLIENT_ASYNC_H

#include <stdbool.h>
#include <stddef.h>

#include <sessiond/client.h>

/* Whether a look-up may be paused here. */
bool async_can(const sessiond_client *client);
/* As sessiond_get or sessiond_take. Waits by itself if it runs out of memory or descriptors. */
enum sessiond_result async_look_up(sessiond_client *client, enum sessiond_operation operation,
	const struct sessiond_id *id, void *value, size_t *len);
/* The client ends: frees the look-ups that are kept for reuse. */
void async_forget(sessiond_client *client);

#endif
