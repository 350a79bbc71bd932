/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Text that people typed: strict numbers, and quoting it in a line of a message.
 */
#ifndef SESSIOND_COMMON_TEXT_H
#define SESSIOND_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A decimal number from `min` to `max`: digits only, no sign, blank, prefix or anything after. */
bool text_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* As text_number; a k, M or G at the end multiplies by 1e3, 1e6 or 1e9. */
bool text_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* Room for what text_quote writes. */
#define TEXT_QUOTE 64

/* Writes `text` so that it is fit for one line of a message: control characters become '?', a long
 * text ends in "...", an empty one is "". Returns `out`. */
char *text_quote(const char *text, char out[TEXT_QUOTE]);

/* An id of 1 to 32 bytes as hex digits, an even number of them; the rest of `key` is zero. */
bool text_key(const char *text, uint8_t key[32]);

/* 64 hex digits and the end. */
#define TEXT_KEY_SIZE 65
char *text_key_format(const uint8_t key[32], char out[TEXT_KEY_SIZE]);

#endif
