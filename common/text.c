/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "common/text.h"

#include <string.h>

#include <sessiond/protocol.h>

_Static_assert(SESSD_KEY_SIZE == 32, "keys are 32 bytes");

bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (*text == '\0')
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned char)*text - (unsigned)'0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value < min || value > max)
		return false;
	*out = value;
	return true;
}

bool text_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	static const char units[] = "kMG";
	size_t length = strlen(text);
	char digits[24];
	uint64_t number, factor = 1;
	const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;

	if (!unit)
		return text_number(text, min, max, out);
	if (length > sizeof(digits))
		return false;
	memcpy(digits, text, length - 1);
	digits[length - 1] = '\0';
	for (const char *u = units; u <= unit; u++)
		factor *= 1000;
	if (!text_number(digits, 0, UINT64_MAX / factor, &number) || number * factor < min ||
		number * factor > max)
		return false;
	*out = number * factor;
	return true;
}

char *text_quote(const char *text, char out[TEXT_QUOTE])
{
	static const char dots[] = "...";
	size_t n = 0;

	if (*text == '\0')
		return strcpy(out, "\"\"");
	for (; *text && n < TEXT_QUOTE - 1; text++) {
		unsigned char c = (unsigned char)*text;

		out[n++] = c < 0x20 || c == 0x7f ? '?' : *text;
	}
	if (*text)
		memcpy(out + TEXT_QUOTE - sizeof(dots), dots, sizeof(dots));
	else
		out[n] = '\0';
	return out;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_key(const char *text, uint8_t key[32])
{
	size_t len = strlen(text);

	if (len == 0 || len % 2 || len > 2 * SESSD_KEY_SIZE)
		return false;
	memset(key, 0, SESSD_KEY_SIZE);
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i / 2] = (uint8_t)(high << 4 | low);
	}
	return true;
}

char *text_key_format(const uint8_t key[32], char out[TEXT_KEY_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SESSD_KEY_SIZE; i++) {
		out[2 * i] = digits[key[i] >> 4];
		out[2 * i + 1] = digits[key[i] & 15];
	}
	out[2 * SESSD_KEY_SIZE] = '\0';
	return out;
}
