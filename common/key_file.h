/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Key files. Whoever has one can read what others sealed. One key per line, NUMBER:KEY, the key in
 * 64 hex digits; the first line seals, every line opens. Empty lines and lines that begin with #
 * are ignored. Numbers grow with each rotation, so that the file itself shows the rotation's
 * progress.
 *
 * Rotation, each step on all hosts before the next: add (the new key only opens), promote (the new
 * key seals), drop (deletes the old key).
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

/* All functions return 0, or a negative errno with error_message() set; no message contains a key.
 * Any thread. The caller wipes the keys it was given. */

/* Reads a key file. Refuses a file that others than its owner may read or write, or whose owner is
 * neither root nor the caller. */
int key_file_read(const char *path, struct key_file *keys);
/* key_file_read from memory; `path` is for messages. */
int key_file_parse(const char *path, const char *text, size_t size, struct key_file *keys);
/* Creates a file of mode 0600 with one random key. -EEXIST if the file exists. */
int key_file_create(const char *path);

enum key_file_step {
	KEY_FILE_ADDED,
	KEY_FILE_PROMOTED,
	KEY_FILE_DROPPED
};

/* Takes the next step of a rotation and replaces the file atomically. Owner and mode stay.
 * Root may do it for every owner. */
int key_file_rotate(const char *path, enum key_file_step *step);

#endif
