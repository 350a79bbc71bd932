/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The control stream: who is there, what is missing, and who publishes again.
 */
#include "control/farm/farm_private.h"

#include <inttypes.h>
#include <string.h>

#define CONTROL_KEEP "1024"
#define LATE_US	     1000000 /* without progress for so long, what is missing is lost */
#define RESEND_US    (FARM_RESEND_SECONDS * 1000000ULL)

static void said(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;

	(void)arg;
	(void)now;
	if (reply->type == REPLY_ERROR && strncmp(reply->text, "OOM", 3) != 0)
		link_fail_reply(&engine->out, reply);
}

/* Publishes farm->control_batch. */
static void say(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	struct entry_header header = {.shard = ENTRY_SHARD_CONTROL};
	uint8_t entry[ENTRY_MAX];
	char key[FARM_KEY_TEXT];
	const char *args[] = {"XADD", control_key(farm, key), "MAXLEN", "~", CONTROL_KEEP, "*", "b",
		(const char *)entry};
	size_t sizes[8];

	header.sequence = ++farm->control_sequence;
	header.sealed = farm->now / 1000U;
	memcpy(header.boot, farm->boot, ENTRY_BOOT);
	memcpy(header.node, farm->node, sizeof(header.node));
	for (unsigned i = 0; i < 7; i++)
		sizes[i] = strlen(args[i]);
	sizes[7] = farm_seal(&farm->tools, &farm->ring, &farm->control_subkey, &header,
		&farm->control_batch, entry);
	if (sizes[7] > 0)
		(void)engine_send(engine, 8, args, sizes, said, 0);
}

/* What goes through this engine after the batches that were sent to it. */
void control_hello(struct farm_engine *engine)
{
	struct farm *farm = engine->farm;
	struct entry_hello hello = {.sequence = engine->sent, .takes_local = farm->takes_local};

	for (unsigned i = 1; i < FARM_PEERS; i++) {
		const struct farm_peer *peer = &farm->peers[i];

		if (peer->used && (peer->streams[0].exists || peer->streams[1].exists))
			memcpy(hello.nodes[hello.count++], peer->name, sizeof(peer->name));
	}
	batch_clear(&farm->control_batch);
	if (entry_hello_add(&farm->control_batch, &hello))
		say(engine);
}

static void ask_again(struct farm *farm, struct farm_run *run)
{
	struct entry_resend resend;

	if (run->asked != 0 && farm->now - run->asked < RESEND_US)
		return;
	run->asked = farm->now;
	run->peer->resends++;
	memcpy(resend.boot, run->boot, ENTRY_BOOT);
	memcpy(resend.node, run->peer->name, sizeof(resend.node));
	batch_clear(&farm->control_batch);
	if (!entry_resend_add(&farm->control_batch, &resend))
		return;
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		if (farm->engines[e].ready)
			say(&farm->engines[e]);
}

static void take_hello(struct farm_engine *engine, const struct entry_header *header,
	const struct entry_hello *hello, int64_t time)
{
	struct farm *farm = engine->farm;
	bool own = strcmp(header->node, farm->node) == 0;
	int64_t age = (int64_t)farm->now - time;
	struct farm_peer *peer = own ? NULL : peer_get(farm, header->node);
	struct farm_run *run;

	for (unsigned i = 0; i < hello->count; i++)
		(void)peer_get(farm, hello->nodes[i]);
	if (own) {
		if (time > (int64_t)farm->begun + FARM_HELLO_US && age < FARM_RECENT_US)
			farm->clashed = farm->now;
		return;
	}
	if (!peer) {
		farm->refused[FARM_REFUSED_FOREIGN]++;
		return;
	}
	if (age > FARM_RECENT_US)
		return;
	run = run_find(farm, peer, header->boot);
	if (!run)
		run = run_add(farm, peer, header->boot);
	if (!run)
		return;
	(void)run_waited(run, farm->now, time, header->sealed, true);
	window_begin(&run->window, hello->sequence);
	if (run->resumes && time > (int64_t)farm->begun) {
		window_skip(&run->window, hello->sequence);
		run->resumes = false;
	}
	if (hello->sequence > run->announced)
		run->announced = hello->sequence;
	run->touched = farm->now;
	peer->current = run;
	peer->takes_local = hello->takes_local;
	peer->said = farm->now;
	peer->heard = farm->now;
	peer->heard_ever = true;
	if (hello->sequence == 0 || run->window.low >= hello->sequence)
		peer->lag_ms = age > 0 ? (uint32_t)(age / 1000) : 0;
}

static void take_resend(struct farm *farm, const struct entry_resend *resend, int64_t time)
{
	struct farm_peer *peer;
	struct farm_run *run;

	if ((int64_t)farm->now - time > FARM_RECENT_US)
		return;
	if (strcmp(resend->node, farm->node) == 0) {
		if (memcmp(resend->boot, farm->boot, ENTRY_BOOT) == 0)
			farm->resend_wanted = true;
		return;
	}
	/* Somebody has asked already. */
	peer = peer_find(farm, resend->node);
	run = peer ? run_find(farm, peer, resend->boot) : NULL;
	if (run)
		run->asked = farm->now;
}

void control_entry(
	struct farm_engine *engine, const uint8_t *entry, size_t size, struct entry_id id)
{
	uint8_t body[ENTRY_BODY_MAX];
	struct entry_hello hello;
	struct farm *farm = engine->farm;
	struct record_cursor cursor = {body, size - ENTRY_MIN};
	int64_t time = engine_entry_time(engine, id);
	struct entry_header header;
	struct entry_record record;
	struct entry_resend resend;
	enum farm_refused why;

	if (entry_header_read(entry, size, &header, &why) < 0) {
		farm->refused[why]++;
		return;
	}
	if (header.shard != ENTRY_SHARD_CONTROL) {
		farm->refused[FARM_REFUSED_FOREIGN]++;
		return;
	}
	if (memcmp(header.boot, farm->boot, ENTRY_BOOT) == 0)
		return;
	farm->scratch.ready = false;
	if (farm_open(&farm->tools, &farm->ring, &farm->scratch, &header, entry, size, body, &why) <
		0) {
		farm->refused[why]++;
		return;
	}
	while (record_next(&cursor, &record) == 1) {
		if (record.type == ENTRY_HELLO && entry_hello_read(&record, &hello))
			take_hello(engine, &header, &hello, time);
		else if (record.type == ENTRY_RESEND && entry_resend_read(&record, &resend))
			take_resend(farm, &resend, time);
		else
			farm->unknown++;
	}
}

/* Whether no engine will bring the next number any more. */
static bool is_lost(const struct farm *farm, const struct farm_run *run)
{
	bool all_passed = true, any = false;

	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++) {
		const struct farm_engine *engine = &farm->engines[e];

		if (engine->delivery.active || engine->reply)
			return false;
		if (!engine->ready || engine->in.state != LINK_UP)
			continue;
		any = true;
		if (run->engine_high[e] <= run->window.low)
			all_passed = false;
	}
	return any && (all_passed || farm->now - run->progress > LATE_US);
}

static void look_for_gaps(struct farm *farm, struct farm_run *run)
{
	uint64_t end = run->window.high > run->announced ? run->window.high : run->announced;
	uint64_t lost;

	window_advance(&run->window);
	if (!run->window.begun || run->resumes || run->window.low >= end) {
		run->progress = farm->now;
		return;
	}
	if (!is_lost(farm, run))
		return;
	lost = window_give_up(&run->window, end);
	run->progress = farm->now;
	run->peer->gaps += lost;
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		engine_doubt(&farm->engines[e], run->peer);
	if (run == run->peer->current)
		ask_again(farm, run);
}

void control_gaps(struct farm *farm)
{
	for (unsigned i = 0; i < FARM_RUNS; i++)
		if (farm->runs[i].peer && farm->runs[i].peer != farm->peers)
			look_for_gaps(farm, &farm->runs[i]);
}

void control_resend(struct farm *farm)
{
	bool any = farm->engines[0].ready || farm->engines[1].ready;

	/* Not while it would be dropped again, nor what history may end. */
	if (!any || farm->stalled != 0 ||
		(farm->side.taken_over && farm->warm_up != FARM_WARM_UP_DONE))
		return;
	if (atomic_exchange_explicit(&farm->lost, false, memory_order_relaxed))
		farm->resend_wanted = true;
	if (!farm->resend_wanted || (farm->resent != 0 && farm->now - farm->resent < RESEND_US))
		return;
	farm->resend_wanted = false;
	farm->resent = farm->now;
	farm->resends++;
	farm->side.resend(farm->side.ctx);
}
