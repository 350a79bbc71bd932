/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * From the daemon to the engines.
 */
#include "control/farm/farm_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COLLECT_ROUNDS 16
#define IN_FLIGHT_MAX  256
#define COMMAND_MAX    (ENTRY_MAX + 512)
#define BACKLOG_SMALL  32      /* with more, batches wait until they are full */
#define BATCH_AGE_US   1000000 /* but not longer */
#define STALL_US       1000000 /* after so long the daemon has dropped something */

static void take(void *to, const struct farm_record *record)
{
	struct farm *farm = to;

	if (record->type == FARM_NEW && record->seconds_left == 0) {
		farm->expired++;
		return;
	}
	if (publisher_add(&farm->publisher, record, farm->now))
		intake_own(farm, record);
	else
		farm->dropped[FARM_DROPPED_TOO_LONG]++;
}

/* The most that an engine has. */
static uint64_t best_acked(const struct farm *farm)
{
	uint64_t best = 0;

	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		if (farm->engines[i].used && farm->engines[i].acked > best)
			best = farm->engines[i].acked;
	return best;
}

void publish_collect(struct farm *farm)
{
	struct publisher *publisher = &farm->publisher;

	for (unsigned i = 0; i < COLLECT_ROUNDS; i++) {
		unsigned count;

		if (!publisher_has_room(publisher)) {
			if (farm->stalled == 0)
				farm->stalled = farm->now;
			return;
		}
		count = farm->side.outgoing(farm->side.ctx, ENTRY_RECORDS_MAX, take, farm);
		if (count < ENTRY_RECORDS_MAX)
			break;
	}
	if (farm->stalled != 0 && farm->now - farm->stalled > STALL_US)
		farm->resend_wanted = true;
	farm->stalled = 0;
	if (publish_deadline(farm) <= farm->now)
		publisher_seal(publisher, farm->now);
}

uint64_t publish_deadline(const struct farm *farm)
{
	const struct publisher *publisher = &farm->publisher;

	if (publisher->batch->records == 0 || !publisher_has_room(publisher))
		return UINT64_MAX;
	/* How long a batch waits is known from when it was sealed. */
	if (publisher_last(publisher) - best_acked(farm) > BACKLOG_SMALL)
		return publisher->opened + BATCH_AGE_US;
	return publisher->sealed + PUBLISHER_CLOSE_US;
}

static void added(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct farm *farm = engine->farm;
	struct farm_stream *own = &farm->peers[0].streams[engine->index];
	struct entry_id id;

	(void)now;
	if (reply->type == REPLY_TEXT) {
		if (reply_entry_id(reply, &id) && entry_id_compare(id, own->tail) > 0)
			own->tail = id;
		engine->batches_out++;
		engine->note[0] = '\0';
		if (!own->exists)
			engine->next_expire = 0;
		own->exists = true;
		if (engine->missed)
			farm->resend_wanted = true;
		engine->missed = false;
	} else if (reply->type == REPLY_ERROR && strncmp(reply->text, "OOM", 3) == 0) {
		snprintf(engine->note, sizeof(engine->note),
			"the engine is out of memory: raise its maxmemory");
		if (arg >= farm->publisher.oldest)
			engine->dropped[FARM_DROPPED_ENGINE_FULL] +=
				publisher_slot(&farm->publisher, arg)->records;
		engine->missed = true;
	} else {
		link_fail_reply(&engine->out, reply);
		return;
	}
	if (arg > engine->acked)
		engine->acked = arg;
}

static bool send_batch(struct farm_engine *engine, uint64_t sequence)
{
	struct farm *farm = engine->farm;
	const struct publisher_slot *slot = publisher_slot(&farm->publisher, sequence);
	char key[FARM_KEY_TEXT], keep[24];
	const char *args[] = {"XADD", peer_key(farm, farm->node, key), "MAXLEN", "~", keep, "*",
		"b", (const char *)slot->entry};
	const size_t sizes[] = {4, strlen(key), 6, 1,
		(size_t)snprintf(keep, sizeof(keep), "%" PRIu64,
			publisher_keep(&farm->publisher, engine->before)),
		1, 1, slot->size};

	return engine_send(engine, 8, args, sizes, added, sequence);
}

void publish_send(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	uint64_t last = publisher_last(&farm->publisher);

	/* Its history comes first: the length of the stream tells how much to keep of it. */
	if (farm->peers[0].streams[engine->index].state != STREAM_READ)
		return;
	while (engine->sent < last && engine->sent - engine->acked < IN_FLIGHT_MAX &&
		link_room(&engine->out, COMMAND_MAX)) {
		uint64_t next = engine->sent + 1;

		if (publisher_slot(&farm->publisher, next)->size == 0) {
			/* It could not be sealed. */
			if (engine->acked == engine->sent)
				engine->acked = next;
		} else if (!send_batch(engine, next)) {
			return;
		}
		engine->sent = next;
	}
}

/* Gives up the oldest batches for an engine that the other one left behind. */
static void leave_behind(struct farm_engine *engine, uint64_t best)
{
	struct publisher *publisher = &engine->farm->publisher;
	uint64_t to = engine->acked + PUBLISHER_SLOTS / 4;

	if (to > best)
		to = best;
	for (uint64_t i = engine->acked + 1; i <= to; i++)
		engine->dropped[FARM_DROPPED_ENGINE_SLOW] += publisher_slot(publisher, i)->records;
	if (to > engine->acked)
		engine->missed = true;
	engine->acked = to;
	if (engine->sent < to)
		engine->sent = to;
}

void publish_release(struct farm *farm)
{
	uint64_t best = best_acked(farm), least = UINT64_MAX;
	bool full = !publisher_has_room(&farm->publisher);

	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++) {
		struct farm_engine *engine = &farm->engines[i];

		if (!engine->used)
			continue;
		if (full && engine->acked < best &&
			publisher_last(&farm->publisher) - best < PUBLISHER_SLOTS / 2)
			leave_behind(engine, best);
		if (engine->acked < least)
			least = engine->acked;
	}
	if (least != UINT64_MAX)
		publisher_release(&farm->publisher, least);
}

bool publish_pending(const struct farm *farm)
{
	return farm->publisher.batch->records > 0 ||
	       best_acked(farm) < publisher_last(&farm->publisher);
}
