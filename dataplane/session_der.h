/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads what a session's value says of it in clear. The value is what OpenSSL's i2d_SSL_SESSION
 * makes, or what libsessiond sealed. For the writer, never for the fast path.
 */
#ifndef SESSIOND_DATAPLANE_SESSION_DER_H
#define SESSIOND_DATAPLANE_SESSION_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SSL_MAX_SID_CTX_LENGTH */
#define SESSION_CONTEXT_MAX 32

enum session_kind {
	SESSION_TLS13,
	SESSION_TLS12,
	SESSION_TLS_OTHER, /* of any other version, DTLS included */
	SESSION_SEALED,	   /* by libsessiond: only its keys open it */
	SESSION_OPAQUE,	   /* neither */
	SESSION_KINDS
};

struct session_facts {
	enum session_kind kind;
	/* The rest is 0 for SESSION_SEALED and SESSION_OPAQUE. */
	uint16_t version; /* as in TLS: 0x0303 is TLS 1.2 */
	uint16_t cipher;  /* as in TLS: 0x1301 is TLS_AES_128_GCM_SHA256 */
	uint8_t context_len;
	uint8_t context[SESSION_CONTEXT_MAX]; /* the session id context; zero behind its length */
	uint64_t time;			      /* when it was made, in seconds since 1970 */
};

/* Reads the `len` bytes of `value`. Strict: lengths must fit exactly, and every field up to the
 * context must be as OpenSSL writes it; else SESSION_OPAQUE. Reads at most the headers of some
 * thirty fields, and neither the session id nor the master secret. Any thread. */
void session_read(const void *value, size_t len, struct session_facts *facts);

/* "1.3", "1.2", "other", "sealed", "opaque". */
const char *session_kind_name(enum session_kind kind);
/* False if there is none of that name. */
bool session_kind_find(const char *name, enum session_kind *kind);

#endif
