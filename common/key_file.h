/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Key files: who has one can read what others sealed. A key a line, NUMBER:KEY, the key in 64 hex
 * digits; the first line seals, every line opens. Empty lines and lines that begin with # do not
 * count. Numbers grow with each rotation, so the file itself says how far one has come.
 *
 * Rotation, each step on all hosts before the next: add (the new key only opens), promote (the new
 * key seals), drop (the old key is gone).
 */
#ifndef SESSIOND_COMMON_KEY_FILE_H
#define SESSIOND_COMMON_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>

#define KEY_FILE_KEYS_MAX 2
#define KEY_FILE_KEY_SIZE 32

struct key_file {
	unsigned count; /* 1 or 2 */
	struct {
		uint32_t number; /* 1 to 2^32 - 1 */
		uint8_t key[KEY_FILE_KEY_SIZE];
	} keys[KEY_FILE_KEYS_MAX];
};

/* All return 0, or a negative errno with error_message() set; no key is ever in a message. Any
 * thread. The caller wipes what it was given. */

/* Refuses a file that others than its owner may read or write, or that belongs to somebody other
 * than root and the caller. */
int key_file_read(const char *path, struct key_file *keys);
/* The same from memory; `path` is for messages. */
int key_file_parse(const char *path, const char *text, size_t size, struct key_file *keys);
/* A file of mode 0600 with one random key. -EEXIST if there is one. */
int key_file_create(const char *path);

enum key_file_step {
	KEY_FILE_ADDED,
	KEY_FILE_PROMOTED,
	KEY_FILE_DROPPED
};

/* Takes the next step of a rotation, and replaces the file at once. Owner and mode stay. */
int key_file_rotate(const char *path, enum key_file_step *step);

#endif
