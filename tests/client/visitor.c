/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/client/visitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/err.h>

#define WAIT_S 20

SSL_SESSION *visitor_given;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(visitor_given);
	visitor_given = session;
	return 1;
}

int visitor_version(const char *text)
{
	return strcmp(text, "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

SSL_CTX *visitor_context(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

int visitor_connect(int port)
{
	struct sockaddr_in name = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval wait = {.tv_sec = WAIT_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
		perror("connect");
		exit(1);
	}
	return fd;
}

SSL_SESSION *visitor_session(SSL_CTX *ctx, int port, const char *request)
{
	SSL *ssl = SSL_new(ctx);
	SSL_SESSION *session;
	char answer[4096];
	int fd = visitor_connect(port);

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, (int)strlen(request)) > 0)
		while (SSL_read(ssl, answer, sizeof(answer)) > 0)
			;
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	session = visitor_given;
	visitor_given = NULL;
	if (session)
		return session;
	fprintf(stderr, "port %d gives no session\n", port);
	ERR_print_errors_fp(stderr);
	exit(1);
}
