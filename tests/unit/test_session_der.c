/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a session's value says of it: version, cipher, context and time of what OpenSSL makes;
 * sealed values; and nothing of anything that differs from it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/session_der.h"

#include <stdlib.h>
#include <string.h>

/* Made by OpenSSL 3.0 of a session with the context "farm", time 1700000000, timeout 300. */
static const uint8_t tls13[] = {0x30, 0x81, 0x85, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x04, 0x04,
	0x02, 0x13, 0x02, 0x04, 0x20, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab,
	0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab,
	0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0x04, 0x30, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05,
	0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14,
	0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23,
	0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0xa1, 0x06, 0x02,
	0x04, 0x65, 0x53, 0xf1, 0x00, 0xa2, 0x04, 0x02, 0x02, 0x01, 0x2c, 0xa4, 0x06, 0x04, 0x04,
	0x66, 0x61, 0x72, 0x6d, 0xa5, 0x03, 0x02, 0x01, 0x01, 0xb1, 0x04, 0x02, 0x02, 0x00, 0xff,
	0xb3, 0x03, 0x02, 0x01, 0x00};

#define LENGTH	   sizeof(tls13)
#define AT_VERSION 9 /* the low byte */
#define AT_CIPHER  13
#define AT_TIME	   98 /* of its tag */
#define AT_CONTEXT 112

/* Reads a separate block of exactly `len` bytes, so that a read past its end is found. */
static struct session_facts ask(const uint8_t *bytes, size_t len)
{
	struct session_facts facts;
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	memset(&facts, 0xa5, sizeof(facts));
	session_read(copy, len, &facts);
	free(copy);
	return facts;
}

static void assert_opaque(const uint8_t *bytes, size_t len)
{
	static const struct session_facts nothing = {.kind = SESSION_OPAQUE};
	struct session_facts facts = ask(bytes, len);

	assert_int_equal(facts.kind, SESSION_OPAQUE);
	assert_int_equal(facts.version, nothing.version);
	assert_int_equal(facts.cipher, 0);
	assert_int_equal(facts.context_len, 0);
	assert_int_equal(facts.time, 0);
	assert_memory_equal(facts.context, nothing.context, sizeof(facts.context));
}

static void made_by_openssl(void **state)
{
	struct session_facts facts = ask(tls13, LENGTH);
	uint8_t bytes[LENGTH];

	(void)state;
	assert_int_equal(facts.kind, SESSION_TLS13);
	assert_int_equal(facts.version, 0x0304);
	assert_int_equal(facts.cipher, 0x1302);
	assert_int_equal(facts.time, 1700000000);
	assert_int_equal(facts.context_len, 4);
	assert_memory_equal(facts.context, "farm", 5);
	memcpy(bytes, tls13, LENGTH);
	bytes[AT_VERSION] = 3;
	assert_int_equal(ask(bytes, LENGTH).kind, SESSION_TLS12);
	bytes[AT_VERSION] = 1;
	assert_int_equal(ask(bytes, LENGTH).kind, SESSION_TLS_OTHER);
}

/* Fields that are absent, and the certificate of a client. */
static void optional_fields(void **state)
{
	static const uint8_t peer[] = {0xa3, 0x04, 0x30, 0x02, 0x05, 0x00};
	uint8_t bytes[LENGTH + sizeof(peer)];

	(void)state;
	memcpy(bytes, tls13, AT_TIME);
	bytes[2] = AT_TIME - 3;
	bytes[1] = 0x81;
	/* 95 bytes need the short form. */
	bytes[1] = AT_TIME - 3;
	memmove(bytes + 2, bytes + 3, AT_TIME - 3);
	assert_int_equal(ask(bytes, AT_TIME - 1).kind, SESSION_TLS13);
	assert_int_equal(ask(bytes, AT_TIME - 1).context_len, 0);
	memcpy(bytes, tls13, AT_CONTEXT);
	memcpy(bytes + AT_CONTEXT, peer, sizeof(peer));
	memcpy(bytes + AT_CONTEXT + sizeof(peer), tls13 + AT_CONTEXT, LENGTH - AT_CONTEXT);
	bytes[2] += sizeof(peer);
	assert_int_equal(ask(bytes, sizeof(bytes)).kind, SESSION_TLS13);
	assert_memory_equal(ask(bytes, sizeof(bytes)).context, "farm", 5);
}

static void cut_or_longer(void **state)
{
	uint8_t bytes[LENGTH + 1] = {0};

	(void)state;
	for (size_t len = 0; len < LENGTH; len++)
		assert_opaque(tls13, len);
	memcpy(bytes, tls13, LENGTH);
	assert_opaque(bytes, LENGTH + 1);
	/* A field that is longer than the value, though the outer length fits. */
	for (size_t cut = 4; cut < AT_CONTEXT + 8; cut++) {
		size_t content = cut - 3;

		if (content < 0x80)
			continue;
		memcpy(bytes, tls13, cut);
		bytes[2] = (uint8_t)content;
		assert_int_not_equal(ask(bytes, cut).context_len, 4);
	}
}

/* What no OpenSSL writes. */
static void malformed(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} wrong[] = {
		{0, 0x31},		/* no SEQUENCE */
		{1, 0x80},		/* indefinite length */
		{5, 2},			/* another structure */
		{AT_VERSION - 1, 0x83}, /* negative */
		{AT_CIPHER - 3, 0x03},	/* a cipher that is no OCTET STRING */
		{AT_CIPHER - 2, 0x03},	/* a cipher of 3 bytes */
		{15, 0x21},		/* a session id of 33 bytes */
		{49, 0x00},		/* no master secret */
		{AT_TIME + 1, 0x05},	/* a tag that is shorter than its content */
		{AT_TIME + 2, 0x04},	/* a time that is no INTEGER */
		{AT_CONTEXT + 2, 0x0c}, /* a context that is no OCTET STRING */
		{AT_CONTEXT + 3, 0x03}, /* a context that is shorter than its tag */
		{AT_CONTEXT + 3, 0x05}, /* ... and longer */
	};
	uint8_t bytes[LENGTH];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(bytes, tls13, LENGTH);
		bytes[wrong[i].at] = wrong[i].byte;
		assert_opaque(bytes, LENGTH);
	}
	/* A length that is not in the shortest form. */
	memcpy(bytes, tls13, LENGTH);
	bytes[1] = 0x82;
	assert_opaque(bytes, LENGTH);
}

/* The longest context, and one that is longer. */
static void context_lengths(void **state)
{
	uint8_t bytes[LENGTH + 40];
	struct session_facts facts;

	(void)state;
	for (size_t len = 0; len <= 33; len++) {
		uint8_t *at = bytes + AT_CONTEXT;

		memcpy(bytes, tls13, AT_CONTEXT);
		*at++ = 0xa4;
		*at++ = (uint8_t)(len + 2);
		*at++ = 0x04;
		*at++ = (uint8_t)len;
		memset(at, 0xfe, len);
		at += len;
		bytes[2] = (uint8_t)(at - bytes - 3);
		bytes[1] = 0x81;
		if (bytes[2] < 0x80)
			continue;
		facts = ask(bytes, (size_t)(at - bytes));
		assert_int_equal(facts.kind, len > 32 ? SESSION_OPAQUE : SESSION_TLS13);
		assert_int_equal(facts.context_len, len > 32 ? 0 : len);
	}
}

static void sealed(void **state)
{
	uint8_t bytes[33] = {0xd1, 1, 2, 3, 4};

	(void)state;
	assert_int_equal(ask(bytes, sizeof(bytes)).kind, SESSION_SEALED);
	assert_int_equal(ask(bytes, sizeof(bytes)).version, 0);
	assert_opaque(bytes, sizeof(bytes) - 1);
}

static void any_bytes(void **state)
{
	uint8_t bytes[LENGTH];

	(void)state;
	/* One byte after another takes every value: no read past the end (valgrind, ASan), and no
	 * context that is not in the value. */
	for (size_t at = 0; at < LENGTH; at++) {
		for (unsigned byte = 0; byte < 256; byte++) {
			struct session_facts facts;

			memcpy(bytes, tls13, LENGTH);
			bytes[at] = (uint8_t)byte;
			facts = ask(bytes, LENGTH);
			assert_in_range(facts.context_len, 0, SESSION_CONTEXT_MAX);
			if (facts.kind == SESSION_OPAQUE)
				assert_opaque(bytes, LENGTH);
		}
	}
}

static void names(void **state)
{
	enum session_kind kind;

	(void)state;
	for (unsigned i = 0; i < SESSION_KINDS; i++) {
		assert_true(session_kind_find(session_kind_name((enum session_kind)i), &kind));
		assert_int_equal(kind, i);
	}
	assert_false(session_kind_find("1.1", &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_by_openssl),
		cmocka_unit_test(optional_fields),
		cmocka_unit_test(cut_or_longer),
		cmocka_unit_test(malformed),
		cmocka_unit_test(context_lengths),
		cmocka_unit_test(sealed),
		cmocka_unit_test(any_bytes),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
