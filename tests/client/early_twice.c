/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * early_twice COUNT PORT-A PORT-B: so often makes a TLS 1.3 session at A, and sends the same
 * ClientHello with the same early data, a GET of /NUMBER, to A and B at once, and then to both once
 * more. As a thief of packets would: byte for byte, without the session's secret. What the servers
 * made of it is in their logs. Exits 1 if a server gives no session or does not answer.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/client/visitor.h"

#define ANSWER_MS 60000
#define STORE_US  3000 /* a NEW has no reply */

/* ClientHello and early data, as they go over the wire. */
static int record(SSL_CTX *ctx, SSL_SESSION *session, int number, char *bytes, int room)
{
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char request[64];
	size_t written;
	int size;

	snprintf(request, sizeof(request), "GET /%d HTTP/1.0\r\n\r\n", number);
	SSL_set_bio(ssl, in, out);
	SSL_set_session(ssl, session);
	if (SSL_write_early_data(ssl, request, strlen(request), &written) != 1) {
		fprintf(stderr, "no early data can be sent\n");
		exit(1);
	}
	size = BIO_read(out, bytes, room);
	SSL_free(ssl);
	return size;
}

static void send_to_both(const int ports[2], const char *bytes, int size, int turn)
{
	struct pollfd fds[2];

	for (int i = 0; i < 2; i++)
		fds[i] = (struct pollfd){visitor_connect(ports[i ^ turn]), POLLIN, 0};
	for (int i = 0; i < 2; i++)
		if (send(fds[i].fd, bytes, (size_t)size, MSG_NOSIGNAL) != size) {
			perror("send");
			exit(1);
		}
	for (int i = 0; i < 2; i++) {
		if (poll(&fds[i], 1, ANSWER_MS) != 1) {
			fprintf(stderr, "port %d does not answer\n", ports[i ^ turn]);
			exit(1);
		}
		shutdown(fds[i].fd, SHUT_WR);
	}
	/* Until each has closed: then the request is in the log. */
	for (int i = 0; i < 2; i++) {
		char answer[4096];

		while (poll(&fds[i], 1, ANSWER_MS) == 1 &&
			recv(fds[i].fd, answer, sizeof(answer), 0) > 0)
			;
		close(fds[i].fd);
	}
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx = visitor_context(TLS1_3_VERSION);
	int ports[2];

	if (argc != 4) {
		fprintf(stderr, "usage: early_twice COUNT PORT-A PORT-B\n");
		return 2;
	}
	ports[0] = atoi(argv[2]);
	ports[1] = atoi(argv[3]);
	for (int i = 0; i < atoi(argv[1]); i++) {
		SSL_SESSION *session = visitor_session(ctx, ports[0], "GET /full HTTP/1.0\r\n\r\n");
		char bytes[4096];
		int size;

		if (SSL_SESSION_get_max_early_data(session) == 0) {
			fprintf(stderr, "port %d allows no early data\n", ports[0]);
			return 1;
		}
		size = record(ctx, session, i, bytes, sizeof(bytes));
		usleep(STORE_US);
		send_to_both(ports, bytes, size, i % 2);
		send_to_both(ports, bytes, size, i % 2);
		SSL_SESSION_free(session);
	}
	SSL_CTX_free(ctx);
	return 0;
}
