/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/e2e/tls_visit.h"

#include <openssl/err.h>

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 10

/* A line: some echo servers answer whole lines. */
static const char greeting[] = "is anyone there?\n";
#define GREETING_SIZE ((int)sizeof(greeting) - 1)

/* TLS 1.3 tickets come after the handshake, while application data is read; TLS 1.2 sessions at its
 * end. Both call this. A later ticket replaces an earlier one. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
	struct visit *visit = SSL_get_app_data(ssl);

	if (!SSL_SESSION_is_resumable(session))
		return 0;
	SSL_SESSION_free(visit->session);
	visit->session = session;
	return 1;
}

SSL_CTX *visit_context(int version, const char *cert)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, version) ||
		!SSL_CTX_set_max_proto_version(ctx, version) ||
		(cert && (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
				 SSL_CTX_use_PrivateKey_file(ctx, cert, SSL_FILETYPE_PEM) != 1))) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	/* The terminators' certificates are self-signed and made for one run. */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(
		ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	return ctx;
}

static int fail(struct visit *visit, const char *what)
{
	unsigned long code = ERR_get_error();
	char detail[96] = "";

	if (code)
		ERR_error_string_n(code, detail, sizeof(detail));
	else if (errno)
		snprintf(detail, sizeof(detail), "%s", strerror(errno));
	snprintf(visit->error, sizeof(visit->error), "%s: %s", what, detail);
	ERR_clear_error();
	return -1;
}

static int tcp_connect(const char *where)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
	struct timeval wait = {.tv_sec = WAIT_S};
	struct addrinfo *info;
	const char *colon = strrchr(where, ':');
	char host[64];
	int fd, on = 1;

	if (!colon || colon - where >= (int)sizeof(host))
		return -1;
	if (*where == '[')
		snprintf(host, sizeof(host), "%.*s", (int)(colon - where - 2), where + 1);
	else
		snprintf(host, sizeof(host), "%.*s", (int)(colon - where), where);
	if (getaddrinfo(host, colon + 1, &hints, &info) != 0)
		return -1;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, info->ai_addr, info->ai_addrlen) < 0) {
		int err = errno;

		close(fd);
		fd = -1;
		errno = err;
	}
	freeaddrinfo(info);
	return fd;
}

static int converse(SSL *ssl)
{
	char back[GREETING_SIZE];
	int have = 0;

	if (SSL_write(ssl, greeting, GREETING_SIZE) != GREETING_SIZE)
		return -1;
	while (have < GREETING_SIZE) {
		int len = SSL_read(ssl, back + have, GREETING_SIZE - have);

		if (len <= 0)
			return -1;
		have += len;
	}
	return memcmp(back, greeting, GREETING_SIZE) == 0 ? 0 : -1;
}

int visit_make(SSL_CTX *ctx, struct visit *visit)
{
	SSL_SESSION *offered = visit->session;
	SSL *ssl = NULL;
	int fd, ret;

	visit->error[0] = '\0';
	visit->resumed = false;
	errno = 0;
	fd = tcp_connect(visit->where);
	if (fd < 0)
		return fail(visit, "connect");
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	SSL_set_app_data(ssl, visit);
	if (visit->sni)
		SSL_set_tlsext_host_name(ssl, visit->sni);
	if (offered) {
		SSL_set_session(ssl, offered);
		SSL_SESSION_up_ref(offered); /* on_session drops the visit's own reference */
	}
	if (SSL_connect(ssl) != 1)
		ret = fail(visit, "handshake");
	else if (converse(ssl) < 0)
		ret = fail(visit, "echo");
	else
		ret = 0;
	visit->resumed = ret == 0 && SSL_session_reused(ssl);
	if (ret == 0 && !visit->abrupt) {
		char rest;

		/* Wait for the terminator's close_notify, so that it has closed when we return. */
		if (SSL_shutdown(ssl) == 0)
			while (SSL_read(ssl, &rest, 1) > 0)
				;
	} else {
		/* Otherwise SSL_free() would make the session non-resumable. */
		SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	}
	SSL_free(ssl);
	close(fd);
	ERR_clear_error();
	SSL_SESSION_free(offered);
	return ret;
}
