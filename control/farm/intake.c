/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * From the engines to the daemon: what is new, authentic, alive, and was not removed meanwhile.
 */
#include "control/farm/farm_private.h"

#include <string.h>

/* Batches are published up to 1 ms late, and the engine's clock is known to some milliseconds. */
#define SLACK_US 10000

static bool refuse(struct farm *farm, enum farm_refused why)
{
	farm->refused[why]++;
	return false;
}

/* Another sessiond or key may be able to read it: the stream must be read again then. */
static void skipped(struct farm_peer *peer)
{
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		peer->streams[e].skipped = true;
}

static bool refuse_entry(struct farm *farm, struct farm_peer *peer, enum farm_refused why)
{
	skipped(peer);
	return refuse(farm, why);
}

/* A second copy, or a replay. */
static void seen_before(
	struct farm_engine *engine, struct farm_run *run, uint64_t sequence, bool live)
{
	if (live && sequence <= run->engine_high[engine->index])
		(void)refuse(engine->farm, FARM_REFUSED_SEQUENCE);
	else
		engine->farm->copies++;
	if (live && sequence > run->engine_high[engine->index])
		run->engine_high[engine->index] = sequence;
}

/* A flush within history ends what is needed of its batch. */
static void skip_flushed(struct record_cursor *cursor)
{
	struct record_cursor at = *cursor, before = at;
	struct entry_record record;

	while (record_next(&at, &record) == 1) {
		if (record.type == FARM_FLUSH)
			*cursor = before;
		before = at;
	}
}

static void note_live(
	struct farm_engine *engine, struct farm_peer *peer, const struct farm_delivery *delivery)
{
	struct farm *farm = engine->farm;
	int64_t lag = (int64_t)farm->now - delivery->time;

	if (delivery->sequence > delivery->run->engine_high[engine->index])
		delivery->run->engine_high[engine->index] = delivery->sequence;
	peer->current = delivery->run;
	peer->heard = farm->now;
	peer->heard_ever = true;
	peer->lag_ms = lag > 0 ? (uint32_t)(lag / 1000) : 0;
}

bool intake_open(struct farm_engine *engine, struct farm_peer *peer, struct farm_delivery *delivery,
	const uint8_t *entry, size_t size, struct entry_id id, bool live)
{
	struct farm *farm = engine->farm;
	struct farm_subkey *subkey = &farm->scratch;
	struct entry_header header;
	struct farm_run *run;
	enum farm_refused why;
	int64_t time;

	engine->batches_in++;
	if (entry_header_read(entry, size, &header, &why) < 0)
		return refuse_entry(farm, peer, why);
	if (header.shard != ENTRY_SHARD_SESSIONS || strcmp(header.node, peer->name) != 0)
		return refuse_entry(farm, peer, FARM_REFUSED_FOREIGN);
	if (peer == farm->peers && memcmp(header.boot, farm->boot, ENTRY_BOOT) == 0)
		return false;
	run = run_find(farm, peer, header.boot);
	if (run && window_seen(&run->window, header.sequence)) {
		seen_before(engine, run, header.sequence, live);
		return false;
	}
	if (run)
		subkey = &run->subkey;
	else
		subkey->ready = false;
	if (farm_open(&farm->tools, &farm->ring, subkey, &header, entry, size, delivery->body,
		    &why) < 0)
		return refuse_entry(farm, peer, why);
	if (!run) {
		run = run_add(farm, peer, header.boot);
		if (!run) {
			explicit_bzero(delivery->body, size - ENTRY_MIN);
			return refuse_entry(farm, peer, FARM_REFUSED_FOREIGN);
		}
		run->subkey = farm->scratch;
		memset(&farm->scratch, 0, sizeof(farm->scratch));
	}
	window_mark(&run->window, header.sequence);
	run->touched = run->progress = farm->now;
	run->in_use++;
	delivery->active = true;
	delivery->live = live;
	delivery->missed = live && entry_id_compare(id, peer->streams[engine->index].missed) <= 0;
	delivery->noted = !live && entry_id_compare(id, marks_end(engine)) <= 0;
	delivery->run = run;
	delivery->sequence = header.sequence;
	time = engine_entry_time(engine, id);
	delivery->time = time - run_waited(run, farm->now, time, header.sealed, live);
	delivery->cursor = (struct record_cursor){delivery->body, size - ENTRY_MIN};
	delivery->size = size - ENTRY_MIN;
	if (live)
		note_live(engine, peer, delivery);
	else
		skip_flushed(&delivery->cursor);
	return true;
}

static void finish(struct farm_delivery *delivery)
{
	explicit_bzero(delivery->body, delivery->size);
	delivery->run->in_use--;
	delivery->active = false;
}

void intake_drop(struct farm_delivery *delivery)
{
	if (delivery->active)
		finish(delivery);
}

/* Whether a removal at (time, run, sequence) came after the session of the delivery. */
static bool came_after(
	const struct farm_delivery *delivery, int64_t time, uint32_t run, uint64_t sequence)
{
	/* One node's records have an order. Within an entry they are passed on in that order. */
	if (run == delivery->run->number)
		return sequence > delivery->sequence;
	return delivery->time <= time + SLACK_US;
}

static bool was_removed(
	const struct farm *farm, const struct farm_delivery *delivery, const uint8_t *key)
{
	const struct tombstone *stone = tombstones_find(&farm->tombstones, key);

	if (stone && came_after(delivery, stone->time, stone->run, stone->sequence))
		return true;
	return farm->flushed && came_after(delivery, farm->flush_time - SLACK_US, farm->flush_run,
					farm->flush_sequence);
}

static void note_flush(struct farm *farm, int64_t time, uint32_t run, uint64_t sequence)
{
	if (farm->flushed && farm->flush_time > time)
		return;
	farm->flushed = true;
	farm->flush_time = time;
	farm->flush_run = run;
	farm->flush_sequence = sequence;
}

static bool hand_on(
	struct farm *farm, const struct farm_delivery *delivery, const struct farm_record *record)
{
	enum farm_age age = !delivery->live    ? FARM_HISTORY
			    : delivery->missed ? FARM_MISSED
					       : FARM_LIVE;

	if (!farm->side.incoming(farm->side.ctx, record, age))
		return false;
	farm->received++;
	return true;
}

static bool pass_session(
	struct farm *farm, struct farm_delivery *delivery, struct farm_record *record)
{
	struct farm_peer *peer = delivery->run->peer;
	int64_t age = (int64_t)farm->now - delivery->time;
	int64_t left = (int64_t)record->seconds_left * 1000000 - (age > 0 ? age : 0);

	if (record->value_len > farm->value_max) {
		farm->too_long++;
		return true;
	}
	/* It never lives longer than its client said, so what is less than a second is over. */
	if (left < 1000000) {
		farm->expired++;
		return true;
	}
	if (was_removed(farm, delivery, record->key)) {
		farm->tombstoned++;
		return true;
	}
	record->seconds_left = (uint32_t)(left / 1000000);
	if (!hand_on(farm, delivery, record))
		return false;
	peer->sessions++;
	if (delivery->live && !delivery->missed)
		peer->sessions_live++;
	else if (farm->warm_up != FARM_WARM_UP_DONE)
		farm->warm_up_sessions++;
	if (!delivery->live)
		farm->history_sessions++;
	return true;
}

/* Whether a flush ends sessions that are here. A former daemon carried out those of the history
 * that are older than anything that it noted. */
static bool concerns_us(const struct farm *farm, const struct farm_delivery *delivery)
{
	return delivery->live || (farm->side.taken_over && !delivery->noted);
}

/* False: no room; the record comes again. */
static bool pass(struct farm *farm, struct farm_delivery *delivery, struct farm_record *record)
{
	const struct tombstone stone = {
		.time = delivery->time,
		.sequence = delivery->sequence,
		.run = delivery->run->number,
	};

	switch (record->type) {
	case FARM_NEW:
		return pass_session(farm, delivery, record);
	case FARM_FLUSH:
		note_flush(farm, stone.time, stone.run, stone.sequence);
		/* What history has from before it is not passed on. */
		if (concerns_us(farm, delivery) && !hand_on(farm, delivery, record))
			return false;
		break;
	default:
		tombstones_add(&farm->tombstones, record->key, &stone);
		if (!hand_on(farm, delivery, record))
			return false;
	}
	delivery->run->peer->removes++;
	return true;
}

bool intake_pass(struct farm *farm, struct farm_delivery *delivery)
{
	struct record_cursor before = delivery->cursor;
	struct entry_record bytes;
	struct farm_record record;
	int ret;

	if (farm->retry > farm->now)
		return false;
	while ((ret = record_next(&delivery->cursor, &bytes)) == 1) {
		enum record_kind kind = record_read(&bytes, &record);

		if (kind == RECORD_UNKNOWN) {
			farm->unknown++;
			skipped(delivery->run->peer);
		} else if (kind == RECORD_BROKEN) {
			(void)refuse(farm, FARM_REFUSED_TRUNCATED);
		} else if (!pass(farm, delivery, &record)) {
			delivery->cursor = before;
			farm->retry = farm->now + FARM_RETRY_US;
			farm->held_up++;
			return false;
		}
		before = delivery->cursor;
	}
	if (ret < 0)
		(void)refuse(farm, FARM_REFUSED_TRUNCATED);
	finish(delivery);
	return true;
}

void intake_own(struct farm *farm, const struct farm_record *record)
{
	/* Run 0 is this node. */
	const struct tombstone stone = {.time = (int64_t)farm->now};

	if (record->type == FARM_REMOVE || record->type == FARM_TAKEN)
		tombstones_add(&farm->tombstones, record->key, &stone);
	else if (record->type == FARM_FLUSH)
		note_flush(farm, stone.time, 0, 0);
}
