/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * resume_many [OPTION...] VERSION(1.2|1.3) COUNT PORT-A PORT-B [TRIES]: makes sessions at one
 * server of loopback, by HTTP, then resumes each at another. Storing has no reply, and a busy
 * machine may delay it: each is tried so often, 50 ms apart, by default once. Prints how many were
 * resumed, and exits 1 if a handshake failed or an answer was not 200.
 *
 *   -c FILE   the client's certificate and key
 *   -n NAME   server name (SNI) at A, and at B without -m
 *   -m NAME   at B; empty: none
 *   -b TEXT   the body of every answer has this in it
 *   -x SHELL  is run between making and resuming
 *   -t FILE   gets the time of each handshake with B, in us, one a line
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tests/client/visitor.h"

static const char *body, *certificate, *command, *name_a, *name_b, *times_file;
static FILE *times;

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* The status is 200, and the body as expected. */
static void check_answer(SSL *ssl, int port)
{
	char answer[4096];
	size_t size = 0;
	int len;

	while (size < sizeof(answer) - 1 &&
		(len = SSL_read(ssl, answer + size, (int)(sizeof(answer) - 1 - size))) > 0)
		size += (size_t)len;
	answer[size] = '\0';
	if (size > 12 && strncmp(answer, "HTTP/1.", 7) == 0 &&
		strncmp(answer + 8, " 200", 4) == 0 && (!body || strstr(answer, body)))
		return;
	fprintf(stderr, "port %d answered: %s\n", port, answer);
	exit(1);
}

/* Whether it was resumed. */
static bool visit(SSL_CTX *ctx, int port, const char *name, const SSL_SESSION *session)
{
	char request[320];
	SSL *ssl = SSL_new(ctx);
	int fd = visitor_connect(port);
	uint64_t from = now_us();
	bool resumed;

	SSL_set_fd(ssl, fd);
	name = name ? name : "";
	if (*name)
		SSL_set_tlsext_host_name(ssl, name);
	snprintf(request, sizeof(request), "GET / HTTP/1.0\r\nHost: %s\r\n\r\n",
		*name ? name : "none");
	if (session) {
		/* OpenSSL's client offers a TLS 1.3 session once. */
		SSL_SESSION *offer = SSL_SESSION_dup(session);

		SSL_set_session(ssl, offer);
		SSL_SESSION_free(offer);
	}
	visitor_given = NULL;
	if (SSL_connect(ssl) != 1 || SSL_write(ssl, request, (int)strlen(request)) < 1) {
		fprintf(stderr, "the handshake with port %d failed\n", port);
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	if (times)
		fprintf(times, "%llu\n", (unsigned long long)(now_us() - from));
	check_answer(ssl, port);
	resumed = SSL_session_reused(ssl);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(fd);
	return resumed;
}

static SSL_CTX *client(int version)
{
	SSL_CTX *ctx = visitor_context(version);

	if (certificate &&
		(SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) != 1 ||
			SSL_CTX_use_PrivateKey_file(ctx, certificate, SSL_FILETYPE_PEM) != 1)) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	return ctx;
}

static int resume(SSL_CTX *ctx, int port, const SSL_SESSION *session, int tries)
{
	for (int try = 0; try < tries; try++) {
		bool ok;

		if (try > 0)
			usleep(50000);
		ok = visit(ctx, port, name_b ? name_b : name_a, session);
		SSL_SESSION_free(visitor_given);
		if (ok)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int option, count, resumed = 0, tries = 1;
	SSL_SESSION **sessions;
	SSL_CTX *ctx;

	while ((option = getopt(argc, argv, "c:n:m:b:t:x:")) > 0)
		*(option == 'c'		? &certificate
			: option == 'n' ? &name_a
			: option == 'm' ? &name_b
			: option == 't' ? &times_file
			: option == 'x' ? &command
					: &body) = optarg;
	argv += optind - 1;
	argc -= optind - 1;
	count = argc > 4 ? atoi(argv[2]) : 0;
	if (count < 1) {
		fprintf(stderr, "usage: resume_many [OPTION...] VERSION COUNT PORT-A PORT-B "
				"[TRIES]\n");
		return 2;
	}
	if (argc > 5)
		tries = atoi(argv[5]);
	ctx = client(visitor_version(argv[1]));
	sessions = calloc((size_t)count, sizeof(SSL_SESSION *));
	for (int i = 0; i < count; i++) {
		if (visit(ctx, atoi(argv[3]), name_a, NULL) || !visitor_given) {
			fprintf(stderr, "visit %d made no session\n", i);
			return 1;
		}
		sessions[i] = visitor_given;
	}
	if (command && system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		return 1;
	}
	if (times_file && !(times = fopen(times_file, "w"))) {
		perror(times_file);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		resumed += resume(ctx, atoi(argv[4]), sessions[i], tries);
		SSL_SESSION_free(sessions[i]);
	}
	if (times)
		fclose(times);
	printf("%d of %d resumed\n", resumed, count);
	free(sessions);
	SSL_CTX_free(ctx);
	return 0;
}
