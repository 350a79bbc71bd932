/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Key files. What is taken has one or two keys that differ, and none is all zero; what is refused
 * says why in a line that has no key in it.
 */
#include "tests/fuzz/fuzz.h"

#include "common/key_file.h"
#include "common/log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static void check_message(const uint8_t *data, size_t size)
{
	const char *text = error_message();

	if (!*text)
		FUZZ_FAIL("an error without a message");
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20)
			FUZZ_FAIL("a control character in a message: %s", text);
	/* 16 digits in a row are a piece of a key. */
	for (size_t i = 0; i + 16 <= size; i++) {
		char piece[17] = "";

		memcpy(piece, data + i, 16);
		if (strspn(piece, "0123456789abcdefABCDEF") == 16 && strstr(text, piece))
			FUZZ_FAIL("a key in a message: %s", text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zero[KEY_FILE_KEY_SIZE];
	struct key_file keys;

	if (key_file_parse("fuzz", (const char *)data, size, &keys) < 0) {
		check_message(data, size);
		if (keys.count != 0)
			FUZZ_FAIL("refused, and yet keys are left");
		return 0;
	}
	if (keys.count < 1 || keys.count > KEY_FILE_KEYS_MAX)
		FUZZ_FAIL("%u keys", keys.count);
	for (unsigned i = 0; i < keys.count; i++)
		if (keys.keys[i].number == 0 || memcmp(keys.keys[i].key, zero, sizeof(zero)) == 0)
			FUZZ_FAIL("a key without a number, or of zeros");
	if (keys.count == 2 &&
		(keys.keys[0].number == keys.keys[1].number ||
			memcmp(keys.keys[0].key, keys.keys[1].key, KEY_FILE_KEY_SIZE) == 0))
		FUZZ_FAIL("the same key twice");
	return 0;
}
