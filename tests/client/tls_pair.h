/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A TLS client and a server in one thread, over a pair of memory BIOs. A certificate is made for
 * each run.
 */
#ifndef TESTS_CLIENT_TLS_PAIR_H
#define TESTS_CLIENT_TLS_PAIR_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* A server's context for one version, without tickets. */
SSL_CTX *tls_server(int version);
SSL_CTX *tls_client(int version);
/* Makes a server ask for a certificate, and take any. */
void tls_server_asks(SSL_CTX *ctx);
/* Gives a client a certificate that is `padding` bytes longer than need be. */
void tls_client_certificate(SSL_CTX *ctx, size_t padding);

struct tls_visit {
	SSL_CTX *client, *server;
	SSL_SESSION *offer;  /* in, or NULL; stays the caller's */
	const char *early;   /* in: early data to send, or NULL */
	const char *sni;     /* in, or NULL */
	bool abort;	     /* in: the client goes in the middle of the handshake */
	SSL_SESSION *made;   /* out: the last that the server gave; the caller frees it */
	bool ok;	     /* out: the handshake ended well */
	bool resumed;	     /* out */
	bool early_accepted; /* out */
	bool certified;	     /* out: the server knows the client's certificate */
	int result;	     /* out: sessiond_ssl_result of the server */
};

/* Shakes hands, exchanges a byte each way, parts. */
void tls_visit(struct tls_visit *visit);

#endif
