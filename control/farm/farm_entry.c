/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/farm_entry.h"

#include <ctype.h>
#include <endian.h>
#include <string.h>

#define NAME_AT	    48
#define RECORD_HEAD 3
#define NEW_FIXED   (SESSD_KEY_SIZE + 4)
#define HELLO_FIXED 10
#define RESEND_SIZE (ENTRY_BOOT + 1) /* and the name */

static void put16(uint8_t *to, uint16_t value)
{
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
}

static void put32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static void put64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return be16toh(value);
}

static uint32_t get32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return be32toh(value);
}

static uint64_t get64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return be64toh(value);
}

bool entry_name_valid(const char *name, size_t size)
{
	if (size < 1 || size > FARM_NAME_MAX)
		return false;
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 128 || (!isalnum(c) && c != '.' && c != '_' && c != '-'))
			return false;
	}
	return true;
}

void entry_header_write(const struct entry_header *header, uint8_t out[ENTRY_HEADER])
{
	size_t name = strlen(header->node);

	memset(out, 0, ENTRY_HEADER);
	out[0] = ENTRY_VERSION;
	out[1] = (uint8_t)name;
	put16(out + 2, header->records);
	memcpy(out + 4, header->key_id, ENTRY_KEY_ID);
	memcpy(out + 8, header->boot, ENTRY_BOOT);
	put32(out + 24, header->epoch);
	put16(out + 28, header->shard);
	put64(out + 32, header->sequence);
	put64(out + 40, header->sealed);
	memcpy(out + NAME_AT, header->node, name);
}

static bool all_zero(const uint8_t *at, size_t size)
{
	while (size > 0 && *at == 0) {
		at++;
		size--;
	}
	return size == 0;
}

int entry_header_read(
	const uint8_t *entry, size_t size, struct entry_header *header, enum farm_refused *why)
{
	*why = FARM_REFUSED_TRUNCATED;
	if (size < 1)
		return -1;
	if (entry[0] != ENTRY_VERSION) {
		*why = FARM_REFUSED_VERSION;
		return -1;
	}
	if (size < ENTRY_MIN || size > ENTRY_MAX)
		return -1;
	header->records = get16(entry + 2);
	memcpy(header->key_id, entry + 4, ENTRY_KEY_ID);
	memcpy(header->boot, entry + 8, ENTRY_BOOT);
	header->epoch = get32(entry + 24);
	header->shard = get16(entry + 28);
	header->sequence = get64(entry + 32);
	header->sealed = get64(entry + 40);
	if (!entry_name_valid((const char *)entry + NAME_AT, entry[1]) ||
		!all_zero(entry + NAME_AT + entry[1], FARM_NAME_MAX - entry[1]))
		return -1;
	memset(header->node, 0, sizeof(header->node));
	memcpy(header->node, entry + NAME_AT, entry[1]);
	*why = FARM_REFUSED_SEQUENCE;
	if (header->sequence == 0 || header->sequence >> ENTRY_EPOCH_SHIFT != header->epoch)
		return -1;
	return 0;
}

/* Reserves a record; NULL if the batch is full. */
static uint8_t *reserve(struct batch *batch, uint8_t type, size_t size)
{
	uint8_t *at = batch->body + batch->size;

	if (batch->records >= ENTRY_RECORDS_MAX ||
		RECORD_HEAD + size > ENTRY_BODY_MAX - batch->size)
		return NULL;
	at[0] = type;
	put16(at + 1, (uint16_t)size);
	batch->size += (uint32_t)(RECORD_HEAD + size);
	batch->records++;
	return at + RECORD_HEAD;
}

enum batch_added batch_add(struct batch *batch, const struct farm_record *record)
{
	uint8_t *at;

	switch (record->type) {
	case FARM_NEW:
		if (record->value_len > SESSD_VALUE_LIMIT)
			return BATCH_REFUSED;
		at = reserve(batch, FARM_NEW, NEW_FIXED + (size_t)record->value_len);
		if (!at)
			return BATCH_FULL;
		memcpy(at, record->key, SESSD_KEY_SIZE);
		put32(at + SESSD_KEY_SIZE, record->seconds_left);
		if (record->value_len > 0)
			memcpy(at + NEW_FIXED, record->value, record->value_len);
		batch->sessions++;
		if (record->seconds_left > batch->seconds_max)
			batch->seconds_max = record->seconds_left;
		return BATCH_ADDED;
	case FARM_REMOVE:
	case FARM_TAKEN:
		at = reserve(batch, record->type, SESSD_KEY_SIZE);
		if (!at)
			return BATCH_FULL;
		memcpy(at, record->key, SESSD_KEY_SIZE);
		return BATCH_ADDED;
	case FARM_FLUSH:
		return reserve(batch, FARM_FLUSH, 0) ? BATCH_ADDED : BATCH_FULL;
	default:
		return BATCH_REFUSED;
	}
}

enum batch_added batch_add_bytes(struct batch *batch, uint8_t type, const void *bytes, size_t size)
{
	uint8_t *at;

	if (size > ENTRY_BODY_MAX - RECORD_HEAD)
		return BATCH_REFUSED;
	at = reserve(batch, type, size);
	if (!at)
		return BATCH_FULL;
	if (size > 0)
		memcpy(at, bytes, size);
	return BATCH_ADDED;
}

void batch_clear(struct batch *batch)
{
	explicit_bzero(batch->body, batch->size);
	batch->size = 0;
	batch->records = 0;
	batch->sessions = 0;
	batch->seconds_max = 0;
}

int record_next(struct record_cursor *cursor, struct entry_record *record)
{
	if (cursor->left == 0)
		return 0;
	if (cursor->left < RECORD_HEAD)
		return -1;
	record->type = cursor->at[0];
	record->size = get16(cursor->at + 1);
	record->body = cursor->at + RECORD_HEAD;
	if (cursor->left - RECORD_HEAD < record->size)
		return -1;
	cursor->at += RECORD_HEAD + record->size;
	cursor->left -= RECORD_HEAD + (size_t)record->size;
	return 1;
}

enum record_kind record_read(const struct entry_record *record, struct farm_record *out)
{
	*out = (struct farm_record){.type = record->type};
	switch (record->type) {
	case FARM_NEW:
		if (record->size < NEW_FIXED || record->size - NEW_FIXED > SESSD_VALUE_LIMIT)
			return RECORD_BROKEN;
		out->seconds_left = get32(record->body + SESSD_KEY_SIZE);
		out->value = record->body + NEW_FIXED;
		out->value_len = (uint16_t)(record->size - NEW_FIXED);
		break;
	case FARM_REMOVE:
	case FARM_TAKEN:
		if (record->size < SESSD_KEY_SIZE)
			return RECORD_BROKEN;
		break;
	case FARM_FLUSH:
		return RECORD_GOOD;
	default:
		return RECORD_UNKNOWN;
	}
	memcpy(out->key, record->body, SESSD_KEY_SIZE);
	return RECORD_GOOD;
}

/* Behind the names. Nodes before it say nothing there, and ask nobody. */
#define HELLO_TAKES_ASK 1

bool entry_hello_add(struct batch *batch, const struct entry_hello *hello)
{
	uint8_t body[HELLO_FIXED + FARM_NODES_MAX * (1 + FARM_NAME_MAX) + 1];
	uint8_t *at = body + HELLO_FIXED;

	put64(body, hello->sequence);
	put16(body + 8, (uint16_t)hello->count);
	for (unsigned i = 0; i < hello->count; i++) {
		size_t size = strlen(hello->nodes[i]);

		*at++ = (uint8_t)size;
		memcpy(at, hello->nodes[i], size);
		at += size;
	}
	if (!hello->takes_local)
		*at++ = HELLO_TAKES_ASK;
	return batch_add_bytes(batch, ENTRY_HELLO, body, (size_t)(at - body)) == BATCH_ADDED;
}

/* Reads a length and a name; NULL if it is none. Returns what follows. */
static const uint8_t *read_name(const uint8_t *at, const uint8_t *end, char name[FARM_NAME_MAX + 1])
{
	if (at >= end || *at > end - at - 1 || !entry_name_valid((const char *)at + 1, *at))
		return NULL;
	memset(name, 0, FARM_NAME_MAX + 1);
	memcpy(name, at + 1, *at);
	return at + 1 + *at;
}

bool entry_hello_read(const struct entry_record *record, struct entry_hello *hello)
{
	const uint8_t *at = record->body + HELLO_FIXED, *end = record->body + record->size;

	if (record->size < HELLO_FIXED)
		return false;
	hello->sequence = get64(record->body);
	hello->count = get16(record->body + 8);
	if (hello->count > FARM_NODES_MAX)
		return false;
	for (unsigned i = 0; i < hello->count; i++) {
		at = read_name(at, end, hello->nodes[i]);
		if (!at)
			return false;
	}
	hello->takes_local = at == end || !(*at & HELLO_TAKES_ASK);
	return true;
}

bool entry_resend_add(struct batch *batch, const struct entry_resend *resend)
{
	uint8_t body[RESEND_SIZE + FARM_NAME_MAX];
	size_t size = strlen(resend->node);

	memcpy(body, resend->boot, ENTRY_BOOT);
	body[ENTRY_BOOT] = (uint8_t)size;
	memcpy(body + RESEND_SIZE, resend->node, size);
	return batch_add_bytes(batch, ENTRY_RESEND, body, RESEND_SIZE + size) == BATCH_ADDED;
}

bool entry_resend_read(const struct entry_record *record, struct entry_resend *resend)
{
	if (record->size < RESEND_SIZE)
		return false;
	memcpy(resend->boot, record->body, ENTRY_BOOT);
	return read_name(record->body + ENTRY_BOOT, record->body + record->size, resend->node) !=
	       NULL;
}
