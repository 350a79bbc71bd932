/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/farm_private.h"

#include <stdio.h>
#include <string.h>

#define AHEAD_US 60000000

struct farm_peer *peer_find(struct farm *farm, const char *name)
{
	for (unsigned i = 0; i < FARM_PEERS; i++)
		if (farm->peers[i].used && strcmp(farm->peers[i].name, name) == 0)
			return &farm->peers[i];
	return NULL;
}

struct farm_peer *peer_get(struct farm *farm, const char *name)
{
	struct farm_peer *peer = peer_find(farm, name);
	uint32_t generation;

	if (peer)
		return peer;
	for (unsigned i = 0; i < FARM_PEERS; i++) {
		peer = &farm->peers[i];
		if (peer->used)
			continue;
		generation = peer->generation + 1;
		memset(peer, 0, sizeof(*peer));
		peer->generation = generation;
		peer->used = true;
		peer->heard = farm->now;
		snprintf(peer->name, sizeof(peer->name), "%s", name);
		return peer;
	}
	return NULL;
}

uint64_t peer_handle(const struct farm *farm, const struct farm_peer *peer)
{
	return (uint64_t)peer->generation << 32 | (uint64_t)(peer - farm->peers);
}

struct farm_peer *peer_of_handle(struct farm *farm, uint64_t handle)
{
	struct farm_peer *peer = &farm->peers[handle & 0xff];

	return peer->used && peer->generation == handle >> 32 ? peer : NULL;
}

struct farm_run *run_find(
	struct farm *farm, const struct farm_peer *peer, const uint8_t boot[ENTRY_BOOT])
{
	struct farm_run *run = peer->current;

	if (run && memcmp(run->boot, boot, ENTRY_BOOT) == 0)
		return run;
	for (unsigned i = 0; i < FARM_RUNS; i++) {
		run = &farm->runs[i];
		if (run->peer == peer && memcmp(run->boot, boot, ENTRY_BOOT) == 0)
			return run;
	}
	return NULL;
}

static void run_close(struct farm_run *run)
{
	if (!run->peer)
		return;
	if (run->peer->current == run)
		run->peer->current = NULL;
	window_close(&run->window);
	farm_subkey_close(&run->subkey);
	run->peer = NULL;
}

struct farm_run *run_add(struct farm *farm, struct farm_peer *peer, const uint8_t boot[ENTRY_BOOT])
{
	struct farm_run *run = NULL;

	for (unsigned i = 0; i < FARM_RUNS; i++) {
		struct farm_run *at = &farm->runs[i];

		if (!at->peer) {
			run = at;
			break;
		}
		if (!at->in_use && at->peer->current != at && (!run || at->touched < run->touched))
			run = at;
	}
	if (!run)
		return NULL;
	run_close(run);
	memset(run, 0, sizeof(*run));
	/* A batch may hold a single session, and history is as long as the capacity. */
	if (window_open(&run->window, farm->capacity < 16384 ? 16384 : farm->capacity) < 0)
		return NULL;
	run->peer = peer;
	run->number = ++farm->next_run;
	run->touched = run->progress = farm->now;
	run->resumes = farm->resumes && farm->warm_up != FARM_WARM_UP_DONE;
	memcpy(run->boot, boot, ENTRY_BOOT);
	return run;
}

static int64_t ahead_of(const struct farm_run *run)
{
	return run->ahead < run->ahead_before ? run->ahead : run->ahead_before;
}

/* Whether an entry that seems to have been accepted before it was sealed tells of an engine whose
 * clock was set back: its ids then stay what they were. Else what was known is wrong: by it the
 * entry would be sealed in the future. */
static bool is_set_back(const struct farm_run *run, uint64_t now, int64_t ahead, uint64_t sealed)
{
	return ahead < ahead_of(run) - FARM_STEP_US &&
	       (int64_t)sealed * 1000 + ahead_of(run) <= (int64_t)now + FARM_STEP_US;
}

int64_t run_waited(struct farm_run *run, uint64_t now, int64_t time, uint64_t sealed, bool live)
{
	int64_t ahead;

	/* No clock is so far; only a node that has the key can say so. */
	if (sealed > INT64_MAX / 2000)
		return 0;
	ahead = time - (int64_t)sealed * 1000;
	if (run->ahead_since == 0 || (live && !run->ahead_live)) {
		run->ahead = run->ahead_before = ahead;
		run->ahead_since = now;
		run->ahead_live = live;
	} else if (live ? is_set_back(run, now, ahead, sealed) : run->ahead_live) {
		/* The engine's clock was another when it took the entry. */
	} else if (now - run->ahead_since > AHEAD_US) {
		/* Clocks drift: the quickest of long ago is no measure. */
		run->ahead_before = run->ahead;
		run->ahead = ahead;
		run->ahead_since = now;
	} else if (ahead < run->ahead) {
		run->ahead = ahead;
	}
	return ahead - ahead_of(run);
}

static void peer_close(struct farm *farm, struct farm_peer *peer)
{
	for (unsigned i = 0; i < FARM_RUNS; i++)
		if (farm->runs[i].peer == peer)
			run_close(&farm->runs[i]);
	for (unsigned e = 0; e < FARM_ENGINES_MAX; e++)
		warm_up_forget(&peer->streams[e]);
	peer->used = false;
}

static bool run_in_use(const struct farm *farm, const struct farm_peer *peer)
{
	for (unsigned i = 0; i < FARM_RUNS; i++)
		if (farm->runs[i].peer == peer && farm->runs[i].in_use)
			return true;
	return false;
}

void peers_forget(struct farm *farm)
{
	for (unsigned i = 1; i < FARM_PEERS; i++) {
		struct farm_peer *peer = &farm->peers[i];
		bool gone = peer->used && farm->now - peer->heard > FARM_FORGET_US;

		for (unsigned e = 0; e < FARM_ENGINES_MAX && gone; e++)
			gone = !farm->engines[e].used ||
			       (farm->engines[e].ready && peer->streams[e].state == STREAM_READ &&
				       !peer->streams[e].exists);
		if (gone && !run_in_use(farm, peer))
			peer_close(farm, peer);
	}
}

void peers_close(struct farm *farm)
{
	for (unsigned i = 0; i < FARM_PEERS; i++)
		if (farm->peers[i].used)
			peer_close(farm, &farm->peers[i]);
}

void peers_reset_engine(struct farm *farm, unsigned engine)
{
	for (unsigned i = 0; i < FARM_PEERS; i++) {
		warm_up_forget(&farm->peers[i].streams[engine]);
		memset(&farm->peers[i].streams[engine], 0, sizeof(farm->peers[i].streams[engine]));
	}
	for (unsigned i = 0; i < FARM_RUNS; i++)
		farm->runs[i].engine_high[engine] = 0;
}

char *peer_key(const struct farm *farm, const char *node, char key[FARM_KEY_TEXT])
{
	snprintf(key, FARM_KEY_TEXT, "sd:%s:%s:0", farm->name, node);
	return key;
}

char *control_key(const struct farm *farm, char key[FARM_KEY_TEXT])
{
	snprintf(key, FARM_KEY_TEXT, "sd:%s:nodes", farm->name);
	return key;
}
