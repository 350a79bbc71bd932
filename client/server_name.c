/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/server_name.h"

#include <string.h>
#include <strings.h>

#include <openssl/tls1.h>

/* The list's length (2), the name's type (1) and length (2): RFC 6066 3. */
#define BEFORE_NAME 5

void server_name_keep(const SSL *ssl, SSL_SESSION *session)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (name && !SSL_SESSION_get0_hostname(session))
		SSL_SESSION_set1_hostname(session, name);
}

/* OpenSSL looks sessions up before it reads this extension: it is taken from the ClientHello. */
static const unsigned char *named(SSL *ssl, size_t *len)
{
	const unsigned char *list;
	size_t size;

	*len = 0;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &size) != 1 ||
		size < BEFORE_NAME || list[2] != TLSEXT_NAMETYPE_host_name)
		return NULL;
	*len = (size_t)list[3] << 8 | list[4];
	return *len == size - BEFORE_NAME ? list + BEFORE_NAME : NULL;
}

bool server_name_matches(SSL *ssl, const SSL_SESSION *session)
{
	const char *ours = SSL_SESSION_get0_hostname(session);
	size_t len;
	const unsigned char *theirs = named(ssl, &len);

	if (!ours || !theirs)
		return !ours && !theirs;
	return strlen(ours) == len && strncasecmp(ours, (const char *)theirs, len) == 0;
}
