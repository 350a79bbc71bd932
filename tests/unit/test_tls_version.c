/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TLS 1.3 is recognised by the first bytes of OpenSSL's sessions, and by nothing else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/tls_version.h"
#include "tests/unit/random.h"

#include <string.h>

#define ROOM 70000

/* The beginnings of sessions of OpenSSL 3.0, of 947 and 901 bytes. */
static const uint8_t tls13[] = {0x30, 0x82, 0x03, 0xaf, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x04,
	0x04, 0x02, 0x13, 0x02, 0x04, 0x20};
static const uint8_t tls12[] = {0x30, 0x82, 0x03, 0x81, 0x02, 0x01, 0x01, 0x02, 0x02, 0x03, 0x03,
	0x04, 0x02, 0xc0, 0x30, 0x04, 0x20};

/* A separate block of exactly `len` bytes, so that a read past its end is found. */
static bool ask(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool answer;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	answer = session_is_tls13(copy, len);
	free(copy);
	return answer;
}

static void made_by_openssl(void **state)
{
	uint8_t bytes[1000] = {0};

	(void)state;
	memcpy(bytes, tls13, sizeof(tls13));
	assert_true(ask(bytes, 947));
	assert_false(ask(bytes, 946));
	assert_false(ask(bytes, 948));
	memcpy(bytes, tls12, sizeof(tls12));
	assert_false(ask(bytes, 901));
}

/* A session of `content` bytes, with its length encoded in `form` bytes. */
static size_t make(uint8_t *bytes, size_t content, unsigned form)
{
	size_t at = 0;

	memset(bytes, 0, ROOM);
	bytes[at++] = 0x30;
	if (form > 1)
		bytes[at++] = 0x80 + form - 1;
	for (unsigned i = form > 1 ? form - 1 : 1; i-- > 0;)
		bytes[at++] = content >> 8 * i;
	memcpy(bytes + at, tls13 + 4, 7);
	return at + content;
}

/* Every length, in every encoding: only the shortest is accepted, and only up to 64 KiB. */
static void lengths(void **state)
{
	static uint8_t bytes[ROOM];

	(void)state;
	for (size_t content = 0; content < 66000; content += content < 1500 ? 1 : 331) {
		unsigned shortest = content < 0x80	? 1
				    : content < 0x100	? 2
				    : content < 0x10000 ? 3
							: 4;

		for (unsigned form = shortest; form <= 5; form++) {
			size_t len = make(bytes, content, form);

			if (form == 1 && content >= 0x80)
				continue;
			assert_int_equal(
				ask(bytes, len), content >= 7 && form == shortest && form <= 3);
		}
	}
}

/* Truncated anywhere, or with any one of the checked bits changed. */
static void damaged(void **state)
{
	static uint8_t bytes[ROOM];

	(void)state;
	for (unsigned form = 1; form <= 3; form++) {
		size_t len = make(bytes, form == 1 ? 100 : form == 2 ? 200 : 300, form);

		assert_true(ask(bytes, len));
		for (size_t cut = 0; cut < len; cut++)
			assert_false(ask(bytes, cut));
		for (unsigned bit = 0; bit < 8 * (form + 8); bit++) {
			bytes[bit / 8] ^= 1 << bit % 8;
			assert_false(ask(bytes, len));
			bytes[bit / 8] ^= 1 << bit % 8;
		}
		bytes[form + 8] ^= 0xff; /* what follows does not matter */
		assert_true(ask(bytes, len));
	}
}

static void noise(void **state)
{
	uint64_t random = 1;
	uint8_t bytes[64];

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		for (size_t at = 0; at < sizeof(bytes); at++)
			bytes[at] = random_next(&random);
		bytes[0] = 0x30;
		assert_false(ask(bytes, random_below(&random, sizeof(bytes) + 1)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_by_openssl),
		cmocka_unit_test(lengths),
		cmocka_unit_test(damaged),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
