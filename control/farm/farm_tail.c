/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads the live end of all streams of an engine, by one XREAD after another.
 */
#include "control/farm/farm_private.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_MS    "250"
#define BLOCK_US    250000
#define REPLY_LIMIT (512 * 1024)

static void read_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;

	(void)arg;
	(void)now;
	engine->reading = false;
	if (reply->type == REPLY_NIL)
		return;
	if (reply->type != REPLY_ARRAY) {
		link_fail_reply(&engine->in, reply);
		return;
	}
	engine->reply = reply;
	engine->reply_stream = engine->reply_entry = 0;
	engine->advanced = false;
	link_hold(&engine->in);
}

void tail_forget(struct farm_engine *engine)
{
	engine->reading = false;
	if (engine->reply && engine->in.reader)
		link_release(&engine->in);
	engine->reply = NULL;
}

void tail_read(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	char keys[FARM_PEERS + 1][FARM_KEY_TEXT], ids[FARM_PEERS + 1][ENTRY_ID_TEXT], count[16];
	const char *args[LINK_ARGS_MAX] = {"XREAD", "COUNT", count, "BLOCK", BLOCK_MS, "STREAMS"};
	size_t sizes[LINK_ARGS_MAX];
	unsigned streams = 1, n = 6;

	_Static_assert(LINK_ARGS_MAX >= 6 + 2 * (FARM_PEERS + 1), "all streams in one command");
	if (!engine->ready || engine->in.state != LINK_UP || engine->reading || engine->reply ||
		engine->delivery.active || engine->control.state != STREAM_READ)
		return;
	control_key(farm, keys[0]);
	entry_id_format(engine->control.tail, ids[0]);
	for (unsigned i = 1; i < FARM_PEERS; i++) {
		const struct farm_stream *stream = &farm->peers[i].streams[engine->index];

		if (!farm->peers[i].used)
			continue;
		/* Where it ends is known in a moment; a blocked XREAD would not include it. */
		if (stream->state != STREAM_READ)
			return;
		peer_key(farm, farm->peers[i].name, keys[streams]);
		entry_id_format(stream->tail, ids[streams++]);
	}
	snprintf(count, sizeof(count), "%u",
		REPLY_LIMIT / ENTRY_MAX / streams > 0 ? REPLY_LIMIT / ENTRY_MAX / streams : 1);
	for (unsigned i = 0; i < streams; i++)
		args[n++] = keys[i];
	for (unsigned i = 0; i < streams; i++)
		args[n++] = ids[i];
	for (unsigned i = 0; i < n; i++)
		sizes[i] = strlen(args[i]);
	engine->reading = link_command(&engine->in, (int)n, args, sizes, read_answer, 0,
		BLOCK_US + LINK_TIMEOUT_US, farm->now);
}

/* The peer whose stream has this key. */
static struct farm_peer *peer_of_key(struct farm *farm, const struct reply *key)
{
	char expected[FARM_KEY_TEXT];

	for (unsigned i = 1; i < FARM_PEERS; i++)
		if (farm->peers[i].used &&
			reply_is(key, peer_key(farm, farm->peers[i].name, expected)))
			return &farm->peers[i];
	return NULL;
}

/* The id of an entry, if it is later than what was read. */
static bool advance(
	struct farm_engine *engine, struct farm_stream *stream, const struct reply *entry)
{
	struct entry_id id;

	if (!reply_entry_id(&entry->items[0], &id) || entry_id_compare(id, stream->tail) <= 0) {
		engine->farm->refused[FARM_REFUSED_TRUNCATED]++;
		return false;
	}
	stream->tail = id;
	stream->exists = true;
	engine->advanced = true;
	return true;
}

static void take_control(struct farm_engine *engine, const struct reply *entries)
{
	struct entry_id id;

	for (uint32_t i = 0; i < entries->size; i++) {
		const struct reply *blob = engine_entry(&entries->items[i], &id);

		if (advance(engine, &engine->control, &entries->items[i]) && blob)
			control_entry(engine, (const uint8_t *)blob->text, blob->size, id);
	}
}

/* Passes on the entries of one stream from reply_entry on. False: no room now. */
static bool take_entries(
	struct farm_engine *engine, struct farm_peer *peer, const struct reply *entries)
{
	struct farm *farm = engine->farm;
	struct farm_stream *stream = &peer->streams[engine->index];

	while (engine->reply_entry < entries->size) {
		const struct reply *entry = &entries->items[engine->reply_entry++], *blob;
		struct entry_id id;

		if (!advance(engine, stream, entry))
			continue;
		blob = engine_entry(entry, &id);
		if (!blob) {
			farm->refused[FARM_REFUSED_TRUNCATED]++;
			continue;
		}
		if (intake_open(engine, peer, &engine->delivery, (const uint8_t *)blob->text,
			    blob->size, id, true) &&
			!intake_pass(farm, &engine->delivery))
			return false;
	}
	return true;
}

static bool is_stream(const struct reply *reply)
{
	if (reply->type != REPLY_ARRAY || reply->size != 2 || reply->items[1].type != REPLY_ARRAY)
		return false;
	for (uint32_t i = 0; i < reply->items[1].size; i++)
		if (reply->items[1].items[i].type != REPLY_ARRAY ||
			reply->items[1].items[i].size != 2)
			return false;
	return true;
}

void tail_deliver(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	char control[FARM_KEY_TEXT];

	if (engine->delivery.active && !intake_pass(farm, &engine->delivery))
		return;
	if (!engine->reply)
		return;
	control_key(farm, control);
	while (engine->reply_stream < engine->reply->size) {
		const struct reply *stream = &engine->reply->items[engine->reply_stream];
		struct farm_peer *peer;

		if (!is_stream(stream)) {
			link_fail(&engine->in, "the engine's XREAD has a form that is unknown");
			break;
		}
		if (reply_is(&stream->items[0], control)) {
			take_control(engine, &stream->items[1]);
		} else {
			peer = peer_of_key(farm, &stream->items[0]);
			if (peer && peer->streams[engine->index].state == STREAM_READ &&
				!take_entries(engine, peer, &stream->items[1]))
				return;
		}
		engine->reply_stream++;
		engine->reply_entry = 0;
	}
	engine->reply = NULL;
	link_release(&engine->in);
	/* Or it would be asked again at once, for ever. */
	if (!engine->advanced)
		link_fail(&engine->in, "the engine's XREAD repeats itself");
}
