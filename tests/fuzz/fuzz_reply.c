/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What comes from a cache, up to a session. The first byte says what the datagram is laid into: a
 * right reply to the question, of which the rest is the value; a sealed value under the right name,
 * changed as the rest says; or the datagram itself. Nothing but an unchanged sealed value opens.
 */
#include "tests/fuzz/fuzz.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "client/exchange.h"
#include "client/seal.h"

#define TAG	 0x1234
#define CLEAR	 144
#define DATAGRAM (SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT + 64)

static struct seal_tools tools;
static struct seal_ring ring;
static const struct sessiond_id id = {.bytes = "an id", .len = 5, .tls_version = 0x0304};
static uint8_t name[SESSD_KEY_SIZE], clear[CLEAR], sealed[CLEAR + SESSIOND_SEAL_OVERHEAD];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct key_file keys = {.count = 1, .keys[0] = {.number = 1, .key = {1}}};

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(clear); i++)
		clear[i] = (uint8_t)i;
	if (seal_tools_open(&tools) < 0 || seal_ring_make(&ring, &keys, "www") < 0 ||
		!seal_name(&tools, ring.slots, &id, name) ||
		!seal_value(&tools, ring.slots, &id, name, clear, sizeof(clear), sealed))
		FUZZ_FAIL("nothing can be sealed");
	return 0;
}

/* A plain value goes to OpenSSL as it is. */
static void decode(const uint8_t *value, size_t len)
{
	SSL_SESSION_free(d2i_SSL_SESSION(NULL, &value, (long)len));
	ERR_clear_error();
}

static void unseal(const uint8_t *value, size_t len)
{
	static uint8_t opened[SESSD_VALUE_LIMIT];
	bool same = len == sizeof(sealed) && memcmp(value, sealed, len) == 0;

	if (seal_open(&tools, ring.slots, &id, name, value, len, opened) != same)
		FUZZ_FAIL("%s", same ? "what was sealed does not open" : "what was changed opens");
	if (same && memcmp(opened, clear, sizeof(clear)) != 0)
		FUZZ_FAIL("another value than was sealed");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t what = fuzz_byte(&in), key[SESSD_KEY_SIZE], *datagram;
	struct exchange_value value;
	size_t len = in.left;

	/* Of its size exactly: a read past its end is seen. */
	datagram = malloc(DATAGRAM);
	if (!datagram || len > SESSD_VALUE_LIMIT)
		goto out;
	memcpy(key, name, sizeof(key));
	exchange_header(datagram, SESSD_OK, TAG, key);
	if (what % 3 == 0) {
		memcpy(datagram, in.data, len);
	} else if (what % 3 == 1) {
		memcpy(datagram + SESSD_HEADER_SIZE, in.data, len);
		len += SESSD_HEADER_SIZE;
	} else {
		memcpy(datagram + SESSD_HEADER_SIZE, sealed, sizeof(sealed));
		for (size_t i = 0; i < len && i < sizeof(sealed); i++)
			datagram[SESSD_HEADER_SIZE + i] ^= in.data[i];
		len = SESSD_HEADER_SIZE + sizeof(sealed);
	}
	datagram = realloc(datagram, len ? len : 1);
	if (!datagram)
		return 0;
	switch (exchange_read(datagram, len, key, TAG, &value)) {
	case EXCHANGE_OK:
		if (value.len < 1 || value.len > SESSD_VALUE_LIMIT ||
			value.bytes + value.len != datagram + len)
			FUZZ_FAIL("a value that is not in the datagram");
		unseal(value.bytes, value.len);
		decode(value.bytes, value.len);
		break;
	case EXCHANGE_ERR:
		if (len != SESSD_HEADER_SIZE)
			FUZZ_FAIL("an ERR of %zu bytes", len);
		break;
	case EXCHANGE_STRAY:
		if (what % 3 && len > SESSD_HEADER_SIZE)
			FUZZ_FAIL("a right reply is none");
		break;
	}
out:
	free(datagram);
	return 0;
}
