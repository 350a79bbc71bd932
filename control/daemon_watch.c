/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Events for `sessionctl watch` and the sources of `top`: GETs, TAKEs and what --rate-limit drops
 * from the readers, which sample them, other NEWs and REMOVEs from the writer. Nothing is gathered
 * while nobody looks.
 */
#include "common/clock.h"
#include "control/daemon_private.h"

#include <string.h>

/* Requests of one look: as many as the readers keep, and the XDP program. */
#define REQUESTS_MAX (2 * TALKERS_EVENTS)

struct gathering {
	unsigned count;
	struct sessd_request_event requests[REQUESTS_MAX];
};

static void keep(void *ctx, const struct sessd_request_event *request)
{
	struct gathering *gathering = ctx;

	if (gathering->count < REQUESTS_MAX)
		gathering->requests[gathering->count++] = *request;
}

/* Passes on what the readers have sampled, with what the writer knows of the sessions. */
static void pass_on(struct daemon *daemon, const struct gathering *gathering,
	void (*found)(void *ctx, const struct session_event *event), void *ctx)
{
	struct session_event events[WRITER_DESCRIBE_MAX];

	for (unsigned done = 0; done < gathering->count;) {
		unsigned count = 0;

		while (count < WRITER_DESCRIBE_MAX && done < gathering->count)
			events[count++] = (struct session_event){
				.request = gathering->requests[done++], .kind = SESSION_KINDS};
		writer_describe(daemon->writer, events, count, daemon->watch.one_in);
		for (unsigned i = 0; i < count; i++)
			found(ctx, &events[i]);
	}
}

unsigned daemon_gather(struct daemon *daemon,
	void (*found)(void *ctx, const struct session_event *event), void *ctx)
{
	static struct gathering gathering;
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
	if (readers) {
		watch_talkers(
			&daemon->watch, daemon->ops, daemon->engine, clock_tick(), &talker, 0);
		gathering.count = 0;
		daemon->ops->events(daemon->engine, keep, &gathering);
		pass_on(daemon, &gathering, found, ctx);
	}
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
