/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Questions of readers, and what becomes of them.
 */
#include "control/farm/farm_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lifetimes of one session differ between caches by what they round, and by how far their clients'
 * NEWs are apart. */
#define LIFETIME_SPARE 60

static struct arbiter_ask *ask_at(struct arbiter *arbiter, uint64_t number)
{
	return &arbiter->asks[number % ARBITER_ASKS];
}

static void decide(struct arbiter_ask *ask, enum take_decision decision, uint64_t *counter)
{
	ask->decided = true;
	++*counter;
	take_queue_decide(ask->queue, ask->place, decision);
}

static void claimed(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct arbiter *arbiter = &engine->farm->arbiter;
	struct farm_takes *counts = &arbiter->counts;
	struct arbiter_ask *ask = ask_at(arbiter, arg);
	bool known = reply->type == REPLY_NIL || reply->type == REPLY_TEXT;

	if (!known && reply->type != REPLY_ERROR)
		link_fail_reply(&engine->take.link, reply);
	/* A session that was won too late is nobody's. */
	if (arg < arbiter->first || ask->decided)
		return;
	if (now >= ask->deadline)
		decide(ask, TAKE_UNDECIDED, &counts->late);
	else if (reply->type == REPLY_NIL)
		decide(ask, TAKE_WON, &counts->won);
	else if (reply->type == REPLY_TEXT)
		decide(ask, TAKE_LOST, &counts->lost);
	else
		decide(ask, TAKE_UNDECIDED, &counts->failed);
}

static void hex(const uint8_t *bytes, size_t size, char *text)
{
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool claim(struct farm_engine *engine, const uint8_t name[FARM_TAKE_NAME], uint32_t seconds,
	uint64_t number, uint64_t now)
{
	const struct farm *farm = engine->farm;
	char key[FARM_KEY_TEXT], text[ARBITER_NAME], ms[24];
	const char *args[] = {"SET", key, farm->node, "NX", "GET", "PX", ms};
	size_t sizes[7];

	hex(name, FARM_TAKE_NAME, text);
	snprintf(key, sizeof(key), "sd:%s:t:%s", farm->name, text);
	snprintf(ms, sizeof(ms), "%" PRIu64, (uint64_t)(seconds + LIFETIME_SPARE) * 1000);
	for (unsigned i = 0; i < 7; i++)
		sizes[i] = strlen(args[i]);
	return link_command(
		&engine->take.link, 7, args, sizes, claimed, number, LINK_TIMEOUT_US, now);
}

static uint64_t *counter_of(struct farm_takes *counts, enum farm_take_state state)
{
	switch (state) {
	case FARM_TAKE_WAITING:
		return &counts->refused;
	case FARM_TAKE_DISAGREED:
		return &counts->disagreed;
	case FARM_TAKE_LOCAL:
	case FARM_TAKE_READY:
	case FARM_TAKE_DOWN:
	case FARM_TAKE_STATES:
		break;
	}
	return &counts->down;
}

static void put(struct farm *farm, struct take_queue *queue, const struct take_question *question)
{
	struct arbiter *arbiter = &farm->arbiter;
	struct farm_takes *counts = &arbiter->counts;
	uint64_t now = farm_clock();
	struct arbiter_ask ask = {queue, question->place, 0, false, question->asked + TAKE_WAIT_US};
	uint8_t name[FARM_TAKE_NAME];
	enum farm_take_state state;
	struct farm_engine *engine;

	if (now >= ask.deadline) {
		decide(&ask, TAKE_UNDECIDED, &counts->late);
		return;
	}
	if (arbiter->next - arbiter->first == ARBITER_ASKS) {
		decide(&ask, TAKE_UNDECIDED, &counts->full);
		return;
	}
	if (arbiter->count == 0 ||
		!farm_take_name(&farm->tools, &farm->ring.keys[arbiter_key(farm)], 'k',
			question->key, SESSD_KEY_SIZE, name)) {
		decide(&ask, TAKE_UNDECIDED, &counts->failed);
		return;
	}
	ask.engine = (uint8_t)arbiter->order[name[0] % arbiter->count];
	engine = &farm->engines[ask.engine];
	state = arbiter_state(engine, now);
	if (state != FARM_TAKE_READY) {
		decide(&ask, TAKE_UNDECIDED, counter_of(counts, state));
		return;
	}
	if (!claim(engine, name, question->seconds, arbiter->next, now)) {
		decide(&ask, TAKE_UNDECIDED, &counts->full);
		return;
	}
	counts->asked++;
	*ask_at(arbiter, arbiter->next++) = ask;
}

void arbiter_run(struct farm *farm)
{
	struct arbiter *arbiter = &farm->arbiter;
	struct take_question question;
	uint64_t now;

	if (!arbiter->queues)
		return;
	for (unsigned i = 0; i < arbiter->queues->count; i++) {
		struct take_queue *queue = &arbiter->queues->queues[i];

		for (unsigned k = 0; k < TAKE_PLACES && take_queue_next(queue, &question); k++)
			put(farm, queue, &question);
	}
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		if (farm->engines[i].used)
			link_run(&farm->engines[i].take.link, 0, farm->now);
	now = farm_clock();
	for (; arbiter->first != arbiter->next; arbiter->first++) {
		struct arbiter_ask *ask = ask_at(arbiter, arbiter->first);

		if (!ask->decided && now < ask->deadline)
			break;
		if (!ask->decided)
			decide(ask, TAKE_UNDECIDED, &arbiter->counts.late);
	}
	take_queues_tell(arbiter->queues);
}

uint64_t arbiter_deadline(const struct farm *farm)
{
	const struct arbiter *arbiter = &farm->arbiter;

	return arbiter->first == arbiter->next
		       ? UINT64_MAX
		       : arbiter->asks[arbiter->first % ARBITER_ASKS].deadline;
}

void arbiter_forget(struct farm *farm, unsigned engine)
{
	struct arbiter *arbiter = &farm->arbiter;

	for (uint64_t i = arbiter->first; i != arbiter->next; i++)
		if (!ask_at(arbiter, i)->decided && ask_at(arbiter, i)->engine == engine)
			decide(ask_at(arbiter, i), TAKE_UNDECIDED, &arbiter->counts.down);
}

void arbiter_stop(struct farm *farm)
{
	if (!farm->arbiter.queues)
		return;
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++)
		arbiter_forget(farm, i);
	take_queues_end(farm->arbiter.queues);
}
