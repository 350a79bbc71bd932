/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Values of sessions: an input is a value. OpenSSL is the judge: what it reads as a session and
 * writes again as the same bytes, the reader reads too, with the same version, cipher, context and
 * time. Nothing else is reported of an opaque or sealed value.
 */
#include "tests/fuzz/fuzz.h"

#include "dataplane/session_der.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

/* Seconds since 1970. The old name is deprecated. */
static int64_t time_of(const SSL_SESSION *session)
{
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
	return SSL_SESSION_get_time_ex(session);
#else
	return SSL_SESSION_get_time(session);
#endif
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void check_same(const struct session_facts *facts, SSL_SESSION *session)
{
	const SSL_CIPHER *cipher = SSL_SESSION_get0_cipher(session);
	unsigned length = 0;
	const unsigned char *context = SSL_SESSION_get0_id_context(session, &length);

	if (facts->kind == SESSION_SEALED || facts->kind == SESSION_OPAQUE)
		FUZZ_FAIL("OpenSSL reads it, the reader does not");
	if (facts->version != SSL_SESSION_get_protocol_version(session))
		FUZZ_FAIL("version 0x%04x", facts->version);
	if (cipher && facts->cipher != SSL_CIPHER_get_protocol_id(cipher))
		FUZZ_FAIL("cipher 0x%04x", facts->cipher);
	if (facts->context_len != length || memcmp(facts->context, context, length) != 0)
		FUZZ_FAIL("another context");
	if (facts->time != (uint64_t)time_of(session))
		FUZZ_FAIL("time %llu", (unsigned long long)facts->time);
}

/* Whether OpenSSL writes the session as the bytes that it was read from. */
static bool is_canonical(SSL_SESSION *session, const uint8_t *data, size_t size)
{
	unsigned char *again = NULL;
	int length = i2d_SSL_SESSION(session, &again);
	bool same = length > 0 && (size_t)length == size && memcmp(again, data, size) == 0;

	OPENSSL_free(again);
	return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *at = data;
	struct session_facts facts;
	SSL_SESSION *session;

	session_read(data, size, &facts);
	if (facts.kind >= SESSION_KINDS || facts.context_len > SESSION_CONTEXT_MAX)
		FUZZ_FAIL("kind %u, context of %u bytes", facts.kind, facts.context_len);
	if ((facts.kind == SESSION_SEALED || facts.kind == SESSION_OPAQUE) &&
		(facts.version || facts.cipher || facts.context_len || facts.time))
		FUZZ_FAIL("facts of a value that cannot be read");
	session = size <= 65536 ? d2i_SSL_SESSION(NULL, &at, (long)size) : NULL;
	/* OpenSSL takes times before 1970, and lifetimes below 0, too. */
	if (session && time_of(session) >= 0 && SSL_SESSION_get_timeout(session) >= 0 &&
		is_canonical(session, data, size))
		check_same(&facts, session);
	SSL_SESSION_free(session);
	ERR_clear_error();
	return 0;
}
