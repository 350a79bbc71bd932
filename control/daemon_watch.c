/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Events for `sessionctl watch`: GETs, TAKEs and what --rate-limit drops from the readers, which
 * sample them, other NEWs and REMOVEs from the writer. Nothing is gathered while nobody watches.
 */
#include "common/clock.h"
#include "control/daemon_private.h"

#include <string.h>

/* Sessions looked up per call, for the context of what was found. */
#define LOOKUPS_MAX 64

struct gathering {
	struct daemon *daemon;
	void (*found)(void *ctx, const struct session_event *event);
	void *ctx;
	unsigned lookups;
};

static void on_request(void *ctx, const struct sessd_request_event *request)
{
	struct gathering *gathering = ctx;
	struct session_event event = {.request = *request, .kind = SESSION_KINDS};
	struct session_info info;
	struct session session;

	if (request->outcome == SESSD_OUTCOME_HIT && gathering->lookups < LOOKUPS_MAX) {
		gathering->lookups++;
		if (writer_find(gathering->daemon->writer, request->key, &session, &info)) {
			event.kind = info.kind;
			event.context_len = info.context_len;
			memcpy(event.context, info.context, sizeof(event.context));
		}
	}
	gathering->found(gathering->ctx, &event);
}

unsigned daemon_gather(struct daemon *daemon,
	void (*found)(void *ctx, const struct session_event *event), void *ctx)
{
	struct gathering gathering = {.daemon = daemon, .found = found, .ctx = ctx};
	struct talker talker;
	struct session_event event;
	bool readers = daemon->ops->observe != NULL;

	if (!daemon->observing) {
		daemon->observing = true;
		writer_observe(daemon->writer, true);
		if (readers)
			daemon->ops->observe(daemon->engine, true);
	}
	daemon->observed_until = clock_tick() + clock_ticks(WATCH_SECONDS);
	/* Starts the counting by source, or continues it: events are its samples. */
	if (readers)
		watch_talkers(
			&daemon->watch, daemon->ops, daemon->engine, clock_tick(), &talker, 0);
	if (readers)
		daemon->ops->events(daemon->engine, on_request, &gathering);
	while (writer_event(daemon->writer, &event))
		found(ctx, &event);
	return readers ? daemon->watch.one_in : 0;
}

void daemon_gather_second(struct daemon *daemon)
{
	if (!daemon->observing || clock_tick() < daemon->observed_until)
		return;
	daemon->observing = false;
	writer_observe(daemon->writer, false);
	if (daemon->ops->observe)
		daemon->ops->observe(daemon->engine, false);
}
