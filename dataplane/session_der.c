/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/session_der.h"

#include <string.h>

#define DER_INTEGER  0x02
#define DER_OCTETS   0x04
#define DER_SEQUENCE 0x30
#define DER_CONTEXT  0xa0 /* constructed, context-specific: explicit tags */

/* Explicit tags of SSL_SESSION_ASN1 in OpenSSL's ssl/ssl_asn1.c, always in this order. */
#define TAG_TIME    1
#define TAG_TIMEOUT 2
#define TAG_PEER    3
#define TAG_CONTEXT 4
#define TAG_LAST    30 /* of those in one byte */

/* client/seal.h: a mark, key id, nonce, ciphertext, tag. */
#define SEALED_MARK  0xd1
#define SEALED_LEAST (1 + 4 + 12 + 16)

#define MASTER_SECRET_MAX 256 /* TLS13_MAX_RESUMPTION_PSK_LENGTH, the larger of both limits */

/* A part of the value: what is left to read. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

/* Reads the header of an element with this identifier and steps over it; `body` is its content.
 * DER requires the shortest form of a length (X.690 10.1). */
static bool element(struct cursor *cursor, uint8_t identifier, struct cursor *body)
{
	const uint8_t *at = cursor->at;
	size_t header, content;

	if (cursor->left < 2 || at[0] != identifier)
		return false;
	if (at[1] < 0x80) {
		header = 2;
		content = at[1];
	} else if (at[1] == 0x81 && cursor->left >= 3 && at[2] >= 0x80) {
		header = 3;
		content = at[2];
	} else if (at[1] == 0x82 && cursor->left >= 4 && at[2] > 0) {
		header = 4;
		content = (size_t)at[2] << 8 | at[3];
	} else {
		return false;
	}
	if (content > cursor->left - header)
		return false;
	*body = (struct cursor){at + header, content};
	cursor->at += header + content;
	cursor->left -= header + content;
	return true;
}

/* A non-negative INTEGER of at most 8 bytes, in the shortest form (X.690 8.3.2). */
static bool integer(struct cursor *cursor, uint64_t *value)
{
	struct cursor body;

	if (!element(cursor, DER_INTEGER, &body) || body.left == 0 || body.left > 9 ||
		body.at[0] & 0x80 || (body.left == 9 && body.at[0]) ||
		(body.left > 1 && body.at[0] == 0 && !(body.at[1] & 0x80)))
		return false;
	*value = 0;
	for (size_t i = 0; i < body.left; i++)
		*value = *value << 8 | body.at[i];
	return true;
}

static bool octets(struct cursor *cursor, size_t least, size_t most, struct cursor *body)
{
	return element(cursor, DER_OCTETS, body) && body->left >= least && body->left <= most;
}

static bool is_tag(const struct cursor *cursor, uint8_t tag)
{
	return cursor->left > 0 && cursor->at[0] == (DER_CONTEXT | tag);
}

/* An optional INTEGER in an explicit tag. */
static bool tagged_integer(struct cursor *cursor, uint8_t tag, uint64_t *value)
{
	struct cursor body;

	if (!is_tag(cursor, tag))
		return true;
	return element(cursor, DER_CONTEXT | tag, &body) && integer(&body, value) && !body.left;
}

static bool context(struct cursor *cursor, struct session_facts *facts)
{
	struct cursor body, text;

	if (!is_tag(cursor, TAG_CONTEXT))
		return true;
	if (!element(cursor, DER_CONTEXT | TAG_CONTEXT, &body) ||
		!octets(&body, 0, SESSION_CONTEXT_MAX, &text) || body.left)
		return false;
	memcpy(facts->context, text.at, text.left);
	facts->context_len = (uint8_t)text.left;
	return true;
}

/* What follows the context: explicit tags in ascending order, unread. */
static bool rest(struct cursor fields)
{
	uint8_t last = DER_CONTEXT | TAG_CONTEXT;
	struct cursor body;

	while (fields.left) {
		uint8_t identifier = fields.at[0];

		if (identifier <= last || identifier > (DER_CONTEXT | TAG_LAST) ||
			!element(&fields, identifier, &body))
			return false;
		last = identifier;
	}
	return true;
}

static bool session(struct cursor all, struct session_facts *facts)
{
	uint64_t structure, version, timeout = 0;
	struct cursor fields, body;

	if (!element(&all, DER_SEQUENCE, &fields) || all.left)
		return false;
	if (!integer(&fields, &structure) || structure != 1 || !integer(&fields, &version) ||
		version > UINT16_MAX)
		return false;
	facts->version = (uint16_t)version;
	if (!octets(&fields, 2, 2, &body))
		return false;
	facts->cipher = (uint16_t)(body.at[0] << 8 | body.at[1]);
	if (!octets(&fields, 0, 32, &body) || !octets(&fields, 0, MASTER_SECRET_MAX, &body))
		return false;
	if (!tagged_integer(&fields, TAG_TIME, &facts->time) ||
		!tagged_integer(&fields, TAG_TIMEOUT, &timeout))
		return false;
	if (is_tag(&fields, TAG_PEER) && !element(&fields, DER_CONTEXT | TAG_PEER, &body))
		return false;
	return context(&fields, facts) && rest(fields);
}

void session_read(const void *value, size_t len, struct session_facts *facts)
{
	const uint8_t *bytes = value;

	memset(facts, 0, sizeof(*facts));
	facts->kind = SESSION_OPAQUE;
	if (len >= SEALED_LEAST && bytes[0] == SEALED_MARK) {
		facts->kind = SESSION_SEALED;
		return;
	}
	if (!session((struct cursor){bytes, len}, facts)) {
		memset(facts, 0, sizeof(*facts));
		facts->kind = SESSION_OPAQUE;
		return;
	}
	facts->kind = facts->version == 0x0304	 ? SESSION_TLS13
		      : facts->version == 0x0303 ? SESSION_TLS12
						 : SESSION_TLS_OTHER;
}

static const char *const names[SESSION_KINDS] = {
	[SESSION_TLS13] = "1.3",
	[SESSION_TLS12] = "1.2",
	[SESSION_TLS_OTHER] = "other",
	[SESSION_SEALED] = "sealed",
	[SESSION_OPAQUE] = "opaque",
};

const char *session_kind_name(enum session_kind kind)
{
	return names[kind];
}

bool session_kind_find(const char *name, enum session_kind *kind)
{
	for (unsigned i = 0; i < SESSION_KINDS; i++) {
		if (strcmp(names[i], name) == 0) {
			*kind = (enum session_kind)i;
			return true;
		}
	}
	return false;
}
