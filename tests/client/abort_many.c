/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * abort_many VERSION(1.2|1.3) COUNT PORT: makes a session at a server of loopback, then begins so
 * many handshakes that offer it, and leaves each at another point: within or after the ClientHello,
 * after the server's answer, or with nonsense in the place of an answer.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/ssl.h>

#define ANSWER_MS 60000 /* of a machine that does something else */

static SSL_SESSION *given;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(given);
	given = session;
	return 1;
}

static int tcp_to(int port)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* No TIME_WAIT: there are more handshakes than ports. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

static void make_session(SSL_CTX *ctx, int port)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	SSL *ssl = SSL_new(ctx);
	char answer[4096];
	int fd = tcp_to(port);

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, sizeof(request) - 1) > 0)
		while (SSL_read(ssl, answer, sizeof(answer)) > 0)
			;
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	if (!given) {
		fprintf(stderr, "port %d gives no session\n", port);
		exit(1);
	}
}

/* The ClientHello goes over memory, so that a part of it can be sent. */
static void abort_one(SSL_CTX *ctx, int port, int i)
{
	SSL *ssl = SSL_new(ctx);
	SSL_SESSION *offer = SSL_SESSION_dup(given);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	int fd = tcp_to(port);
	struct pollfd answer = {fd, POLLIN, 0};
	char hello[4096], rest[16384];
	int size;

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
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int version;

	if (argc != 4) {
		fprintf(stderr, "usage: abort_many VERSION COUNT PORT\n");
		return 2;
	}
	version = strcmp(argv[1], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	make_session(ctx, atoi(argv[3]));
	for (int i = 0; i < atoi(argv[2]); i++)
		abort_one(ctx, atoi(argv[3]), i);
	SSL_SESSION_free(given);
	SSL_CTX_free(ctx);
	return 0;
}
