/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * abort_many VERSION(1.2|1.3) COUNT PORT: makes a session at a server of loopback, then begins so
 * many handshakes that offer it, and leaves each at another point: within or after the ClientHello,
 * after the server's answer, or with nonsense in the place of an answer.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/client/visitor.h"

#define ANSWER_MS 60000 /* of a machine that does something else */

/* The ClientHello goes over memory, so that a part of it can be sent. */
static void abort_one(SSL_CTX *ctx, const SSL_SESSION *session, int port, int i)
{
	SSL *ssl = SSL_new(ctx);
	SSL_SESSION *offer = SSL_SESSION_dup(session);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct linger reset = {.l_onoff = 1};
	int fd = visitor_connect(port);
	struct pollfd answer = {fd, POLLIN, 0};
	char hello[4096], rest[16384];
	int size;

	/* No TIME_WAIT: there are more handshakes than ports. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	SSL_set_bio(ssl, in, out);
	SSL_set_session(ssl, offer);
	SSL_SESSION_free(offer);
	SSL_connect(ssl);
	size = BIO_read(out, hello, sizeof(hello));
	if (i % 4 == 0)
		size -= 1 + i / 4 % (size - 1);
	if (send(fd, hello, (size_t)size, MSG_NOSIGNAL) != size) {
		perror("send");
		exit(1);
	}
	if (i % 4 >= 2 && poll(&answer, 1, ANSWER_MS) != 1) {
		fprintf(stderr, "handshake %d has no answer\n", i);
		exit(1);
	}
	if (i % 4 == 3) {
		memset(rest, 0x16, sizeof(rest));
		send(fd, rest, sizeof(rest), MSG_NOSIGNAL);
	}
	close(fd);
	SSL_free(ssl);
}

int main(int argc, char **argv)
{
	SSL_SESSION *session;
	SSL_CTX *ctx;

	if (argc != 4) {
		fprintf(stderr, "usage: abort_many VERSION COUNT PORT\n");
		return 2;
	}
	ctx = visitor_context(visitor_version(argv[1]));
	session = visitor_session(ctx, atoi(argv[3]), "GET / HTTP/1.0\r\n\r\n");
	for (int i = 0; i < atoi(argv[2]); i++)
		abort_one(ctx, session, atoi(argv[3]), i);
	SSL_SESSION_free(session);
	SSL_CTX_free(ctx);
	return 0;
}
