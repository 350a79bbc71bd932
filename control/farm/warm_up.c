/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reads history: of one engine at a time, all streams at once, strictly from the newest entry to
 * the oldest, so that removals come before what they removed. The live end is read meanwhile, and
 * comes first.
 */
#include "control/farm/farm_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_PER_RUN 16
#define COUNT_MAX	32   /* of one XREVRANGE: its reply stays below 512 KiB */
#define COUNT_ALL	1024 /* of all streams together */
#define LIFE_MAX_US	(65535LL * 1000000)
#define NO_ENGINE_US	3000000
#define READY_US	(FARM_READY_SECONDS * 1000000ULL)

/* Before each entry in a slice. */
struct slice_head {
	struct entry_id id;
	uint64_t size;
};

static size_t padded(size_t size)
{
	return (size + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

static void slice_free(struct history_slice *slice)
{
	free(slice->bytes);
	memset(slice, 0, sizeof(*slice));
}

void warm_up_forget(struct farm_stream *stream)
{
	slice_free(&stream->slice);
	stream->history_asked = false;
}

static const struct slice_head *slice_first(const struct history_slice *slice)
{
	return slice->at < slice->size ? (const struct slice_head *)(slice->bytes + slice->at)
				       : NULL;
}

static void slice_fill(struct history_slice *slice, const struct reply *entries)
{
	size_t size = 0;
	struct slice_head head = {0};

	slice_free(slice);
	for (uint32_t i = 0; i < entries->size; i++) {
		const struct reply *blob = engine_entry(&entries->items[i], &head.id);

		size += sizeof(head) + padded(blob ? blob->size : 0);
	}
	slice->bytes = malloc(size);
	if (!slice->bytes)
		return;
	for (uint32_t i = 0; i < entries->size; i++) {
		const struct reply *blob = engine_entry(&entries->items[i], &head.id);

		if (!blob)
			continue;
		head.size = blob->size;
		memcpy(slice->bytes + slice->size, &head, sizeof(head));
		memcpy(slice->bytes + slice->size + sizeof(head), blob->text, blob->size);
		slice->size += sizeof(head) + padded(blob->size);
	}
}

static void slice_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct farm_peer *peer = peer_of_handle(engine->farm, arg);
	uint32_t asked = (uint32_t)arg >> 8;
	struct farm_stream *stream;
	struct entry_id last = {0};

	(void)now;
	if (reply->type != REPLY_ARRAY) {
		link_fail_reply(&engine->out, reply);
		return;
	}
	if (!peer)
		return;
	stream = &peer->streams[engine->index];
	if (!stream->history_asked)
		return;
	stream->history_asked = false;
	if (reply->size > 0) {
		const struct reply *oldest = &reply->items[reply->size - 1];

		/* Each step goes back, or the end would never come. */
		if (oldest->type != REPLY_ARRAY || oldest->size < 1 ||
			!reply_entry_id(&oldest->items[0], &last) ||
			entry_id_compare(last, stream->history_next) > 0) {
			link_fail(
				&engine->out, "the engine's XREVRANGE has a form that is unknown");
			return;
		}
		slice_fill(&stream->slice, reply);
		stream->history_next = entry_id_before(last);
	}
	stream->history_last = reply->size < asked || (last.ms == 0 && last.n == 0);
}

static void ask_slice(struct farm_engine *engine, struct farm_peer *peer, unsigned streams)
{
	struct farm_stream *stream = &peer->streams[engine->index];
	unsigned count = COUNT_ALL / streams;
	bool whole = entry_id_compare(stream->history_end, (struct entry_id){0}) == 0;
	char key[FARM_KEY_TEXT], id[ENTRY_ID_TEXT], end[ENTRY_ID_TEXT + 1] = "(", text[16];
	const char *args[] = {"XREVRANGE", peer_key(engine->farm, peer->name, key),
		entry_id_format(stream->history_next, id), whole ? "-" : end, "COUNT", text, NULL};

	count = count > COUNT_MAX ? COUNT_MAX : count;
	entry_id_format(stream->history_end, end + 1);
	snprintf(text, sizeof(text), "%u", count);
	stream->history_asked = engine_send_texts(
		engine, args, slice_answer, peer_handle(engine->farm, peer) | (uint64_t)count << 8);
}

static void end_history(struct farm_stream *stream)
{
	slice_free(&stream->slice);
	stream->history_done = true;
}

static bool unfinished(const struct farm_engine *engine, const struct farm_peer *peer)
{
	const struct farm_stream *stream = &peer->streams[engine->index];

	return peer->used && stream->state == STREAM_READ && !stream->history_done;
}

/* Whether it is known which streams there are, and where they end: or a flush in a stream that is
 * found later would come after what it ended. */
static bool knows_streams(const struct farm_engine *engine)
{
	if (!engine->ready || engine->control.state != STREAM_READ)
		return false;
	for (unsigned i = 0; i < FARM_PEERS; i++) {
		const struct farm_peer *peer = &engine->farm->peers[i];

		if (peer->used && peer->streams[engine->index].state != STREAM_READ)
			return false;
	}
	return true;
}

/* The engine to read from. */
static struct farm_engine *choose(struct farm *farm, unsigned *streams)
{
	bool any = false;

	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++) {
		*streams = 0;
		if (!farm->engines[e].ready)
			continue;
		for (unsigned i = 0; i < FARM_PEERS; i++)
			*streams += unfinished(&farm->engines[e], &farm->peers[i]);
		any |= *streams > 0;
		if (*streams > 0 && knows_streams(&farm->engines[e]))
			return &farm->engines[e];
	}
	if (!any)
		farm->history_sessions = 0;
	return NULL;
}

/* The stream with the newest entry; NULL: some stream's next entry is not here yet, or all are at
 * their ends. */
static struct farm_peer *newest(struct farm_engine *engine, unsigned streams)
{
	struct farm *farm = engine->farm;
	struct farm_peer *best = NULL;
	struct entry_id best_id = {0};
	bool waits = false;

	for (unsigned i = 0; i < FARM_PEERS; i++) {
		struct farm_peer *peer = &farm->peers[i];
		struct farm_stream *stream = &peer->streams[engine->index];
		const struct slice_head *head;

		if (!unfinished(engine, peer))
			continue;
		head = slice_first(&stream->slice);
		if (!head && stream->history_last) {
			end_history(stream);
		} else if (!head) {
			waits = true;
			if (!stream->history_asked)
				ask_slice(engine, peer, streams);
		} else if (!best || entry_id_compare(head->id, best_id) > 0) {
			best = peer;
			best_id = head->id;
		}
	}
	return waits ? NULL : best;
}

/* Whether nothing older is of use. */
static bool enough(const struct farm *farm, int64_t time)
{
	return (int64_t)farm->now - time > LIFE_MAX_US ||
	       (farm->flushed && time < farm->flush_time - 1000000) ||
	       (!farm->side.taken_over && farm->history_sessions >= farm->capacity);
}

bool warm_up_run(struct farm *farm)
{
	struct farm_engine *engine;
	unsigned streams;

	if (farm->history.active && !intake_pass(farm, &farm->history))
		return false;
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		if (farm->engines[e].delivery.active)
			return false;
	engine = choose(farm, &streams);
	for (unsigned i = 0; engine && i < ENTRIES_PER_RUN; i++) {
		struct farm_peer *peer = newest(engine, streams);
		struct farm_stream *stream;
		const struct slice_head *head;

		if (!peer)
			return false;
		stream = &peer->streams[engine->index];
		head = slice_first(&stream->slice);
		if (enough(farm, engine_entry_time(engine, head->id))) {
			end_history(stream);
			continue;
		}
		stream->slice.at += sizeof(*head) + padded(head->size);
		stream->history_read++;
		if (intake_open(engine, peer, &farm->history, (const uint8_t *)(head + 1),
			    head->size, head->id, false) &&
			!intake_pass(farm, &farm->history))
			return false;
	}
	return engine != NULL;
}

static bool engine_settled(const struct farm_engine *engine)
{
	if (!engine->ready)
		return engine->out.failures > 0;
	if (!knows_streams(engine))
		return false;
	for (unsigned i = 0; i < FARM_PEERS; i++) {
		const struct farm_peer *peer = &engine->farm->peers[i];
		const struct farm_stream *stream = &peer->streams[engine->index];

		if (unfinished(engine, peer) ||
			(peer->used && entry_id_compare(stream->tail, stream->missed) < 0))
			return false;
	}
	return true;
}

void warm_up_check(struct farm *farm)
{
	bool any = false, settled = !farm->history.active;

	if (farm->warm_up == FARM_WARM_UP_DONE)
		return;
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++) {
		if (!farm->engines[e].used)
			continue;
		any |= farm->engines[e].ready;
		settled &= engine_settled(&farm->engines[e]);
	}
	if (any && farm->warm_up == FARM_WARM_UP_WAITING) {
		farm->warm_up = FARM_WARM_UP_READING;
		farm->warm_up_begun = farm->now;
	}
	if (farm->warm_up == FARM_WARM_UP_READING)
		farm->warm_up_took = farm->now - farm->warm_up_begun;
	if (any && settled) {
		farm->warm_up = FARM_WARM_UP_DONE;
		tombstones_rotate(&farm->tombstones);
		farm->next_rotate = farm->now + FARM_TOMBSTONE_SECONDS * 1000000ULL;
	}
	if (farm->warm_up == FARM_WARM_UP_DONE || farm->now - farm->begun > READY_US ||
		(!any && farm->now - farm->begun > NO_ENGINE_US))
		atomic_store(&farm->ready, true);
}

unsigned warm_up_percent(const struct farm *farm)
{
	uint64_t all = 0, read = 0;

	if (farm->warm_up == FARM_WARM_UP_DONE)
		return 100;
	for (unsigned i = 0; i < FARM_PEERS; i++) {
		for (unsigned e = 0; e < FARM_ENGINES_MAX; e++) {
			const struct farm_stream *stream = &farm->peers[i].streams[e];

			if (!farm->peers[i].used || stream->state != STREAM_READ)
				continue;
			all += stream->history_length;
			read += stream->history_done ||
						stream->history_read > stream->history_length
					? stream->history_length
					: stream->history_read;
		}
	}
	return all == 0 ? 0 : (unsigned)(read * 100 / all);
}
