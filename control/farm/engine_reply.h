/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replies of an engine, by hiredis' parser. What it parses goes into memory of a fixed size, so an
 * engine that lies about sizes, or floods, gets an error. One thread.
 */
#ifndef SESSIOND_CONTROL_FARM_ENGINE_REPLY_H
#define SESSIOND_CONTROL_FARM_ENGINE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a reply, at most. What is asked for is far below. */
#define ENGINE_REPLY_MAX (1024 * 1024)
/* Elements of an array, at most. */
#define ENGINE_REPLY_ELEMENTS 4096

enum reply_type {
	REPLY_NIL,
	REPLY_TEXT, /* a string or a status */
	REPLY_ERROR,
	REPLY_INTEGER,
	REPLY_ARRAY,
};

struct reply {
	uint32_t type; /* enum reply_type */
	uint32_t size; /* bytes of text, or elements of the array */
	union {
		const char *text; /* followed by a NUL */
		long long integer;
		struct reply *items;
	};
};

struct engine_reader;

/* NULL: no memory. */
struct engine_reader *engine_reader_open(void);
void engine_reader_close(struct engine_reader *reader);
/* 0, or -1: too large, or no memory. Invalidates no reply. */
int engine_reader_feed(struct engine_reader *reader, const void *bytes, size_t size);
/* 1: *reply is valid until the next call; 0: more bytes are needed; -1: this is no engine's reply,
 * or it is too large: close the connection. */
int engine_reader_next(struct engine_reader *reader, const struct reply **reply);

/* Whether a string or a status is this text. */
bool reply_is(const struct reply *reply, const char *text);
/* The value of a name in an array of names and values; NULL if there is none, or no array. */
const struct reply *reply_field(const struct reply *reply, const char *name);
/* A non-negative number, as an integer or as text. */
bool reply_number(const struct reply *reply, uint64_t *out);

/* The id of an entry. */
struct entry_id {
	uint64_t ms, n;
};
#define ENTRY_ID_TEXT 48
bool reply_entry_id(const struct reply *reply, struct entry_id *id);
int entry_id_compare(struct entry_id a, struct entry_id b);
/* The id before; 0-0 has none and stays. */
struct entry_id entry_id_before(struct entry_id id);
char *entry_id_format(struct entry_id id, char text[ENTRY_ID_TEXT]);

#endif
