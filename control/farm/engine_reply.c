/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/engine_reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis.h>

#include "common/text.h"

/* Arrays within arrays, at most: XREAD's reply has 5. Newer hiredis has no limit of its own. */
#define DEPTH_MAX 7

struct engine_reader {
	redisReader *reader;
	size_t used;
	_Alignas(struct reply) uint8_t memory[ENGINE_REPLY_MAX];
};

static void *take(struct engine_reader *own, size_t size)
{
	void *at = own->memory + own->used;

	size = (size + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	if (size > sizeof(own->memory) - own->used)
		return NULL;
	own->used += size;
	return at;
}

/* Where the element that is parsed goes. NULL makes hiredis give up the reply. */
static struct reply *place(const redisReadTask *task, enum reply_type type)
{
	struct engine_reader *own = task->privdata;
	struct reply *reply;

	if (task->parent) {
		const struct reply *array = task->parent->obj;

		if (!array || array->type != REPLY_ARRAY || task->idx < 0 ||
			(size_t)task->idx >= array->size)
			return NULL;
		reply = &array->items[task->idx];
	} else {
		own->used = 0;
		reply = take(own, sizeof(*reply));
	}
	memset(reply, 0, sizeof(*reply));
	reply->type = type;
	return reply;
}

static void *create_string(const redisReadTask *task, char *text, size_t size)
{
	struct reply *reply =
		place(task, task->type == REDIS_REPLY_ERROR ? REPLY_ERROR : REPLY_TEXT);
	char *to;

	if (!reply || size >= ENGINE_REPLY_MAX)
		return NULL;
	to = take(task->privdata, size + 1);
	if (!to)
		return NULL;
	memcpy(to, text, size);
	to[size] = '\0';
	reply->text = to;
	reply->size = (uint32_t)size;
	return reply;
}

#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t elements)
#else
static void *create_array(const redisReadTask *task, int elements)
#endif
{
	struct reply *reply = place(task, REPLY_ARRAY);
	size_t count = (size_t)elements;
	unsigned depth = 0;

	for (const redisReadTask *at = task; at && depth <= DEPTH_MAX; at = at->parent)
		depth++;
	if (!reply || count > ENGINE_REPLY_ELEMENTS || depth > DEPTH_MAX)
		return NULL;
	reply->items = take(task->privdata, count * sizeof(*reply->items));
	if (!reply->items)
		return NULL;
	memset(reply->items, 0, count * sizeof(*reply->items));
	reply->size = (uint32_t)count;
	return reply;
}

static void *create_integer(const redisReadTask *task, long long value)
{
	struct reply *reply = place(task, REPLY_INTEGER);

	if (reply)
		reply->integer = value;
	return reply;
}

static void *create_nil(const redisReadTask *task)
{
	return place(task, REPLY_NIL);
}

#if HIREDIS_MAJOR >= 1
/* RESP3, which nobody asked for. */
static void *create_double(const redisReadTask *task, double value, char *text, size_t size)
{
	(void)task;
	(void)value;
	(void)text;
	(void)size;
	return NULL;
}

static void *create_bool(const redisReadTask *task, int value)
{
	(void)task;
	(void)value;
	return NULL;
}
#endif

static void free_object(void *object)
{
	(void)object;
}

static redisReplyObjectFunctions functions = {
	.createString = create_string,
	.createArray = create_array,
	.createInteger = create_integer,
	.createNil = create_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = create_double,
	.createBool = create_bool,
#endif
	.freeObject = free_object,
};

struct engine_reader *engine_reader_open(void)
{
	struct engine_reader *own = malloc(sizeof(*own));

	if (!own)
		return NULL;
	own->used = 0;
	own->reader = redisReaderCreateWithFunctions(&functions);
	if (!own->reader) {
		free(own);
		return NULL;
	}
	own->reader->privdata = own;
	own->reader->maxbuf = 0; /* keeps its buffer, which engine_reader_feed bounds */
	return own;
}

void engine_reader_close(struct engine_reader *own)
{
	if (!own)
		return;
	redisReaderFree(own->reader);
	free(own);
}

int engine_reader_feed(struct engine_reader *own, const void *bytes, size_t size)
{
	if (own->reader->len - own->reader->pos + size > ENGINE_REPLY_MAX)
		return -1;
	return redisReaderFeed(own->reader, bytes, size) == REDIS_OK ? 0 : -1;
}

int engine_reader_next(struct engine_reader *own, const struct reply **reply)
{
	void *object = NULL;

	if (redisReaderGetReply(own->reader, &object) != REDIS_OK)
		return -1;
	*reply = object;
	return object != NULL;
}

bool reply_is(const struct reply *reply, const char *text)
{
	return reply->type == REPLY_TEXT && reply->size == strlen(text) &&
	       memcmp(reply->text, text, reply->size) == 0;
}

const struct reply *reply_field(const struct reply *reply, const char *name)
{
	if (reply->type != REPLY_ARRAY)
		return NULL;
	for (uint32_t i = 0; i + 1 < reply->size; i += 2)
		if (reply_is(&reply->items[i], name))
			return &reply->items[i + 1];
	return NULL;
}

bool reply_number(const struct reply *reply, uint64_t *out)
{
	if (reply->type == REPLY_INTEGER && reply->integer >= 0) {
		*out = (uint64_t)reply->integer;
		return true;
	}
	return reply->type == REPLY_TEXT && strlen(reply->text) == reply->size &&
	       text_number(reply->text, 0, UINT64_MAX, out);
}

bool reply_entry_id(const struct reply *reply, struct entry_id *id)
{
	char ms[24];
	const char *dash;

	if (reply->type != REPLY_TEXT || strlen(reply->text) != reply->size)
		return false;
	dash = strchr(reply->text, '-');
	if (!dash || (size_t)(dash - reply->text) >= sizeof(ms))
		return false;
	memcpy(ms, reply->text, (size_t)(dash - reply->text));
	ms[dash - reply->text] = '\0';
	return text_number(ms, 0, UINT64_MAX, &id->ms) &&
	       text_number(dash + 1, 0, UINT64_MAX, &id->n);
}

int entry_id_compare(struct entry_id a, struct entry_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.n < b.n ? -1 : a.n > b.n;
}

struct entry_id entry_id_before(struct entry_id id)
{
	if (id.n > 0)
		id.n--;
	else if (id.ms > 0)
		id = (struct entry_id){id.ms - 1, UINT64_MAX};
	return id;
}

char *entry_id_format(struct entry_id id, char text[ENTRY_ID_TEXT])
{
	snprintf(text, ENTRY_ID_TEXT, "%" PRIu64 "-%" PRIu64, id.ms, id.n);
	return text;
}
