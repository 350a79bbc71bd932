/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * resume_many VERSION(1.2|1.3) COUNT PORT-A PORT-B [TRIES]: makes sessions at one server of
 * loopback, by HTTP, then resumes each at another. Storing has no reply, and a busy machine may
 * delay it: each is tried so often, 50 ms apart, by default once. Prints how many were resumed, and
 * exits 1 if a handshake failed or an answer was not 200.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define WAIT_S 20

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

/* Whether it was resumed. */
static bool visit(SSL_CTX *ctx, int port, const SSL_SESSION *session)
{
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	char answer[4096], first[16] = "";
	SSL *ssl = SSL_new(ctx);
	int len, fd = tcp_to(port);
	bool resumed;

	SSL_set_fd(ssl, fd);
	if (session) {
		/* OpenSSL's client offers a TLS 1.3 session once. */
		SSL_SESSION *offer = SSL_SESSION_dup(session);

		SSL_set_session(ssl, offer);
		SSL_SESSION_free(offer);
	}
	given = NULL;
	if (SSL_connect(ssl) != 1 || SSL_write(ssl, request, sizeof(request) - 1) < 1) {
		fprintf(stderr, "the handshake with port %d failed\n", port);
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	while ((len = SSL_read(ssl, answer, sizeof(answer))) > 0)
		if (!*first)
			memcpy(first, answer, len < 13 ? (size_t)len : 13);
	if (strncmp(first, "HTTP/1.", 7) != 0 || strncmp(first + 8, " 200", 4) != 0) {
		fprintf(stderr, "port %d answered: %s\n", port, first);
		exit(1);
	}
	resumed = SSL_session_reused(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return resumed;
}

int main(int argc, char **argv)
{
	int count = argc > 4 ? atoi(argv[2]) : 0, resumed = 0;
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	int version = argc > 4 && strcmp(argv[1], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
	int tries = argc > 5 ? atoi(argv[5]) : 1;
	SSL_SESSION **sessions;

	if (count < 1) {
		fprintf(stderr, "usage: resume_many VERSION COUNT PORT-A PORT-B [TRIES]\n");
		return 2;
	}
	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	sessions = calloc((size_t)count, sizeof(SSL_SESSION *));
	for (int i = 0; i < count; i++) {
		if (visit(ctx, atoi(argv[3]), NULL) || !given) {
			fprintf(stderr, "visit %d made no session\n", i);
			return 1;
		}
		sessions[i] = given;
	}
	for (int i = 0; i < count; i++) {
		bool ok = false;

		for (int try = 0; try < tries && !ok; try++) {
			if (try > 0)
				usleep(50000);
			ok = visit(ctx, atoi(argv[4]), sessions[i]);
			SSL_SESSION_free(given);
		}
		resumed += ok;
		SSL_SESSION_free(sessions[i]);
	}
	printf("%d of %d resumed\n", resumed, count);
	free(sessions);
	SSL_CTX_free(ctx);
	return 0;
}
