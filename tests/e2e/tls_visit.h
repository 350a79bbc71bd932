/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One visit of a TLS client to a terminator: connect, handshake, send a message, receive the echo,
 * close. Thread-safe over one SSL_CTX.
 */
#ifndef E2E_TLS_VISIT_H
#define E2E_TLS_VISIT_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct visit {
	const char *where;    /* ADDR:PORT or [V6]:PORT */
	const char *sni;      /* NULL: none */
	bool abrupt;	      /* end with a FIN but without close_notify */
	SSL_SESSION *session; /* in: resume it, or NULL; out: received. Owned. */
	bool resumed;	      /* out */
	char error[160];      /* out, "" if none */
};

/* A client's context for exactly one version, TLS1_2_VERSION or TLS1_3_VERSION; `cert` is a PEM
 * file with certificate and key, or NULL. On failure prints the error and exits 1. */
SSL_CTX *visit_context(int version, const char *cert);

/* 0, or -1 with visit->error set. On failure visit->session is unchanged. */
int visit_make(SSL_CTX *ctx, struct visit *visit);

#endif
