/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A session is for the host that the client named (SNI). RFC 6066 3 forbids to resume it for
 * another, and OpenSSL leaves that to the caller: servers of one port share their callbacks and
 * session id context, but one may demand a certificate of clients that another does not.
 */
#ifndef SESSIOND_CLIENT_SERVER_NAME_H
#define SESSIOND_CLIENT_SERVER_NAME_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* Before a session is stored: keeps the name in it also where the server did not acknowledge it. */
void server_name_keep(const SSL *ssl, SSL_SESSION *session);
/* Whether the client named the session's host. Only during the lookup of a session. */
bool server_name_matches(SSL *ssl, const SSL_SESSION *session);

#endif
