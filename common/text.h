/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parses numbers and keys that people typed, and quotes text for messages. Any thread may call the
 * functions.
 */
#ifndef SESSIOND_COMMON_TEXT_H
#define SESSIOND_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses a decimal number from `min` to `max`: digits only; no sign, space, prefix or suffix. */
bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* As text_number; a k, M or G at the end multiplies by 1e3, 1e6 or 1e9. */
bool text_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Bytes that text_quote writes, at most. */
#define TEXT_QUOTE 64

/* Writes `text` so that it fits into one line of a message: control characters become '?', a long
 * text ends in "...", an empty one becomes "". Returns `out`. */
char *text_quote(const char *text, char out[TEXT_QUOTE]);

/* Parses an id of 1 to 32 bytes, given as an even number of hex digits; the rest of `key` becomes
 * zero. */
bool text_key(const char *text, uint8_t key[32]);

/* text_key_format writes 64 hex digits and a NUL, and returns `out`. */
#define TEXT_KEY_SIZE 65
char *text_key_format(const uint8_t key[32], char out[TEXT_KEY_SIZE]);

#endif
