/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Engines as arbiters: since when each knows what was taken, and whether all caches choose the same
 * one.
 */
#include "control/farm/farm_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/text.h"

#define LEASE_TEXT     "60" /* seconds: what was taken has reached every cache by then */
#define LEASE_TEXT_MS  "60000"
#define LEASE_US       60000000
#define LEASE_SURE_US  50000000 /* after so long it is still there, unless the engine lost it */
#define LEASE_FRESH_US 20000000 /* for so long a look at it counts */
#define LOOK_US	       1000000
#define CLOCK_SPARE_US 2000000

/* HOST:PORT or a path. The scheme and the user may differ between caches. */
static void address_text(const struct engine_url *url, char *text, size_t size)
{
	if (url->local)
		snprintf(text, size, "%s", url->host);
	else
		snprintf(text, size, "%s:%u", url->host, url->port);
}

#define ADDRESS (sizeof(((struct engine_url *)0)->host) + 8)

void arbiter_configure(struct farm *farm)
{
	struct arbiter *arbiter = &farm->arbiter;
	char addresses[FARM_ENGINES_MAX][ADDRESS] = {0};

	if (!arbiter->queues)
		return;
	arbiter->count = 0;
	for (unsigned i = 0; i < FARM_ENGINES_MAX; i++) {
		char address[ADDRESS];
		unsigned at = arbiter->count;

		if (!farm->engines[i].used)
			continue;
		memset(address, 0, sizeof(address));
		address_text(&farm->engines[i].url, address, sizeof(address));
		for (; at > 0 && strcmp(addresses[at - 1], address) > 0; at--) {
			memcpy(addresses[at], addresses[at - 1], ADDRESS);
			arbiter->order[at] = arbiter->order[at - 1];
		}
		memcpy(addresses[at], address, ADDRESS);
		arbiter->order[at] = i;
		arbiter->count++;
	}
	arbiter->view_count = 0;
	for (unsigned i = 0; i < farm->ring.count; i++) {
		uint8_t view[FARM_TAKE_NAME];

		if (!farm_take_name(&farm->tools, &farm->ring.keys[i], 'v', addresses,
			    arbiter->count * ADDRESS, view)) {
			arbiter->count = 0; /* nothing is asked */
			return;
		}
		for (unsigned k = 0; k < FARM_TAKE_NAME; k++)
			snprintf(arbiter->views[i] + 2 * k, 3, "%02x", view[k]);
		arbiter->view_count++;
	}
}

/* As the first engine has it, by address: so all caches follow the same one. */
unsigned arbiter_key(const struct farm *farm)
{
	const struct arbiter *arbiter = &farm->arbiter;

	for (unsigned i = 0; i < arbiter->count; i++) {
		const struct arbiter_engine *take = &farm->engines[arbiter->order[i]].take;

		if (take->seen == 0 || farm->now - take->seen > LEASE_US)
			continue;
		for (unsigned k = 0; k < arbiter->view_count; k++)
			if (strcmp(take->held, arbiter->views[k]) == 0)
				return k;
	}
	return 0;
}

enum farm_take_state arbiter_state(const struct farm_engine *engine, uint64_t now)
{
	const struct farm *farm = engine->farm;
	const struct arbiter *arbiter = &farm->arbiter;
	const struct arbiter_engine *take = &engine->take;
	const char *view = arbiter->views[arbiter_key(farm)];

	if (!arbiter->queues)
		return FARM_TAKE_LOCAL;
	for (unsigned i = 1; i < FARM_PEERS; i++) {
		const struct farm_peer *peer = &farm->peers[i];

		if (peer->used && peer->takes_local && peer->said != 0 &&
			now < peer->said + FARM_ALIVE_US)
			return FARM_TAKE_DISAGREED;
	}
	/* All of them: what one engine says holds for all keys. */
	for (unsigned i = 0; i < arbiter->count; i++) {
		const char *held = farm->engines[arbiter->order[i]].take.held;

		if (held[0] && strcmp(held, view) != 0)
			return FARM_TAKE_DISAGREED;
	}
	for (unsigned i = 0; i < arbiter->count; i++)
		if (!farm->engines[arbiter->order[i]].take.held[0])
			return FARM_TAKE_DOWN;
	/* What others took arrives by its streams. */
	if (take->link.state != LINK_UP || take->confirmed == 0 ||
		now > take->confirmed + LEASE_FRESH_US || !engine->ready ||
		engine->in.state != LINK_UP)
		return FARM_TAKE_DOWN;
	return now < take->usable ? FARM_TAKE_WAITING : FARM_TAKE_READY;
}

static void wait_for_window(struct farm_engine *engine, uint64_t since)
{
	uint64_t usable = since + engine->farm->arbiter.window;

	if (usable > engine->take.usable)
		engine->take.usable = usable;
}

static void info_answer(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct arbiter_engine *take = &engine->take;
	bool text = reply->type == REPLY_TEXT;
	const char *run = text ? strstr(reply->text, "run_id:") : NULL;
	const char *up = text ? strstr(reply->text, "uptime_in_seconds:") : NULL;
	char run_id[sizeof(take->run_id)] = "", digits[16] = "";
	uint64_t uptime;

	(void)arg;
	if (!run || sscanf(run, "run_id:%47[0-9a-f]", run_id) != 1 || !up ||
		sscanf(up, "uptime_in_seconds:%15[0-9]", digits) != 1 ||
		!text_number(digits, 0, UINT32_MAX, &uptime)) {
		link_fail_reply(&take->link, reply);
		return;
	}
	uptime *= 1000000U;
	if (uptime > now)
		uptime = now;
	if (strcmp(run_id, take->run_id) != 0) {
		/* It cannot have been up for longer than the former is gone: its clock has moved.
		 */
		if (take->seen != 0 && uptime > now - take->seen + CLOCK_SPARE_US)
			uptime = 0;
		memcpy(take->run_id, run_id, sizeof(run_id));
		take->seen = 0;
	}
	wait_for_window(engine, now - uptime);
	take->known = true;
	take->next = 0;
}

static void renewed(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;

	(void)arg;
	(void)now;
	if (reply->type != REPLY_INTEGER)
		link_fail_reply(&engine->take.link, reply);
}

static void lease_key(const struct farm *farm, char key[FARM_KEY_TEXT])
{
	snprintf(key, FARM_KEY_TEXT, "sd:%s:take", farm->name);
}

static bool send_texts(struct farm_engine *engine, int count, const char *const *args,
	link_answer answer, uint64_t now)
{
	size_t sizes[8];

	for (int i = 0; i < count; i++)
		sizes[i] = strlen(args[i]);
	return link_command(
		&engine->take.link, count, args, sizes, answer, 0, LINK_TIMEOUT_US, now);
}

static void looked(void *ctx, uint64_t arg, const struct reply *reply, uint64_t now)
{
	struct farm_engine *engine = ctx;
	struct farm *farm = engine->farm;
	struct arbiter_engine *take = &engine->take;
	char key[FARM_KEY_TEXT];
	const char *args[] = {"EXPIRE", key, LEASE_TEXT}, *lease;

	(void)arg;
	if (reply->type == REPLY_NIL) {
		lease = take->offered;
	} else if (reply->type == REPLY_TEXT && reply->size == ARBITER_LEASE - 1) {
		lease = reply->text;
	} else {
		link_fail_reply(&take->link, reply);
		return;
	}
	/* Another was there a moment ago: the engine has lost its memory. */
	if (take->seen != 0 && now - take->seen < LEASE_SURE_US && strcmp(take->lease, lease) != 0)
		wait_for_window(engine, now);
	memcpy(take->lease, lease, ARBITER_LEASE);
	memcpy(take->held, lease, ARBITER_NAME - 1);
	take->held[ARBITER_NAME - 1] = '\0';
	take->confirmed = now;
	/* What differs ends by itself. */
	if (strncmp(take->held, take->offered, ARBITER_NAME - 1) != 0) {
		for (unsigned i = 0; i < farm->arbiter.view_count; i++)
			if (strcmp(take->held, farm->arbiter.views[i]) == 0)
				take->seen = now;
		return;
	}
	take->seen = now;
	lease_key(farm, key);
	(void)send_texts(engine, 3, args, renewed, now);
}

static void look(struct farm_engine *engine, uint64_t now)
{
	struct farm *farm = engine->farm;
	struct arbiter_engine *take = &engine->take;
	char key[FARM_KEY_TEXT];
	const char *args[] = {"SET", key, take->offered, "NX", "GET", "PX", LEASE_TEXT_MS};
	uint64_t random;

	take->next = now + LOOK_US;
	if (farm->arbiter.count == 0)
		return;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		return;
	snprintf(take->offered, sizeof(take->offered), "%s%016" PRIx64,
		farm->arbiter.views[arbiter_key(farm)], random);
	lease_key(farm, key);
	(void)send_texts(engine, 7, args, looked, now);
}

static void up(void *ctx, uint64_t now)
{
	static const char *const args[] = {"INFO", "server"};
	struct farm_engine *engine = ctx;

	engine->take.known = false;
	engine->take.confirmed = 0;
	(void)send_texts(engine, 2, args, info_answer, now);
}

static void down(void *ctx, uint64_t now)
{
	struct farm_engine *engine = ctx;

	(void)now;
	engine->take.known = false;
	engine->take.confirmed = 0;
	arbiter_forget(engine->farm, engine->index);
}

int arbiter_open(struct farm_engine *engine)
{
	const struct link_events events = {engine, up, down};

	if (!engine->farm->arbiter.queues)
		return 0;
	return link_open(&engine->take.link, &engine->url, engine->ssl_ctx, &events,
		engine->farm->on_thread);
}

void arbiter_close(struct farm_engine *engine)
{
	if (!engine->farm->arbiter.queues)
		return;
	arbiter_forget(engine->farm, engine->index);
	link_close(&engine->take.link);
}

void arbiter_engine_run(struct farm_engine *engine, short events)
{
	struct farm *farm = engine->farm;

	if (!farm->arbiter.queues)
		return;
	link_run(&engine->take.link, events, farm->now);
	if (engine->take.known && farm->now >= engine->take.next)
		look(engine, farm->now);
}
