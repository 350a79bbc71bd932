/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `sessiond --check`: what the engines say of themselves, within a bounded time.
 */
#include "control/farm/farm_private.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

struct guest {
	const struct engine_url *url;
	struct engine_link link;
	struct engine_check check;
	char error[192]; /* the last; "": none */
	bool open;
};

static void on_link(void *ctx, uint64_t now)
{
	(void)ctx;
	(void)now;
}

static void on_down(void *ctx, uint64_t now)
{
	struct guest *guest = ctx;

	(void)now;
	engine_check_forget(&guest->check);
}

/* Answered, or each of its addresses failed. */
static bool is_done(const struct guest *guest)
{
	const struct engine_link *link = &guest->link;

	return !guest->open || guest->check.done ||
	       (link->failures > 0 && link->failures >= link->address_count);
}

static void step(struct guest *guest, short revents, uint64_t now)
{
	link_run(&guest->link, revents, now);
	if (guest->link.state == LINK_UP)
		engine_check_run(&guest->check, &guest->link, now);
	link_run(&guest->link, 0, now);
	if (guest->link.error[0])
		memcpy(guest->error, guest->link.error, sizeof(guest->error));
}

static void ask_all(struct guest *guests, unsigned count, unsigned wait_ms)
{
	struct pollfd polled[FARM_ENGINES_MAX] = {0};
	uint64_t now = farm_clock(), end = now + wait_ms * 1000ULL;

	for (; now < end; now = farm_clock()) {
		bool done = true;

		for (unsigned i = 0; i < count; i++) {
			if (is_done(&guests[i])) {
				polled[i].fd = -1;
				polled[i].revents = 0;
				continue;
			}
			done = false;
			step(&guests[i], polled[i].revents, now);
			polled[i].events = link_poll(&guests[i].link, &polled[i].fd);
		}
		if (done)
			return;
		/* The links have deadlines of their own. */
		if (poll(polled, count, 10) < 0)
			for (unsigned i = 0; i < count; i++)
				polled[i].revents = 0;
	}
}

static void tell_engine(const struct guest *guest, unsigned wait_ms,
	void (*tell)(void *ctx, const char *line), void *ctx)
{
	char line[512];

	if (!guest->check.done) {
		if (guest->error[0])
			snprintf(line, sizeof(line), "engine %s was not checked: %s",
				guest->url->shown, guest->error);
		else
			snprintf(line, sizeof(line),
				"engine %s was not checked: no answer within %u ms",
				guest->url->shown, wait_ms);
		tell(ctx, line);
		return;
	}
	for (unsigned i = 0; i < FARM_ENGINE_FAULTS; i++) {
		if (!(guest->check.faults >> i & 1))
			continue;
		snprintf(line, sizeof(line), "engine %s: %s: %s", guest->url->shown,
			farm_faults[i].text, farm_faults[i].advice);
		tell(ctx, line);
	}
}

void farm_check_engines(const struct farm_config *config, unsigned wait_ms,
	void (*tell)(void *ctx, const char *line), void *ctx)
{
	static struct guest guests[FARM_ENGINES_MAX];
	int ret;
	struct farm_pending *pending = pending_make(config, &ret);

	if (!pending)
		return;
	for (unsigned i = 0; i < pending->engine_count; i++) {
		struct guest *guest = &guests[i];
		const struct link_events events = {guest, on_link, on_down};

		*guest = (struct guest){.url = &pending->urls[i]};
		guest->open = link_open(&guest->link, guest->url, pending->ssl_ctx, &events,
				      config->on_thread) == 0;
		if (!guest->open)
			snprintf(guest->error, sizeof(guest->error), "no memory");
	}
	ask_all(guests, pending->engine_count, wait_ms);
	for (unsigned i = 0; i < pending->engine_count; i++) {
		tell_engine(&guests[i], wait_ms, tell, ctx);
		if (guests[i].open)
			link_close(&guests[i].link);
	}
	pending_free(pending);
}
