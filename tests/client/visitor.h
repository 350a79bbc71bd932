/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TLS clients of a server on loopback, for the programs of the tests. What fails is told, and ends
 * the program with code 1.
 */
#ifndef TESTS_CLIENT_VISITOR_H
#define TESTS_CLIENT_VISITOR_H

#include <openssl/ssl.h>

/* The last session that a server gave; the caller frees it. */
extern SSL_SESSION *visitor_given;

/* "1.2" or "1.3": TLS1_2_VERSION or TLS1_3_VERSION. */
int visitor_version(const char *text);
/* A client of that version that keeps what it is given in visitor_given. */
SSL_CTX *visitor_context(int version);
/* A connection whose reads wait for 20 s at most. */
int visitor_connect(int port);
/* Makes a session: by a request, whose answer is read to its end. The caller frees it. */
SSL_SESSION *visitor_session(SSL_CTX *ctx, int port, const char *request);

#endif
