/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/watchdog.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/log.h"

#include "control/notify.h"

struct watchdog {
	struct event *timer;
	uint64_t (*progress)(void *ctx);
	void *ctx;
	uint64_t seen;
	bool warned;
};

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct watchdog *watchdog = ctx;
	uint64_t now = watchdog->progress(watchdog->ctx);

	(void)fd;
	(void)what;
	if (now != watchdog->seen)
		notify_alive();
	else if (!watchdog->warned)
		log_error("the writer makes no progress: systemd will restart the daemon");
	watchdog->warned = now == watchdog->seen;
	watchdog->seen = now;
}

int watchdog_open(
	struct watchdog **out, struct event_base *base, uint64_t (*progress)(void *ctx), void *ctx)
{
	uint64_t limit = notify_watchdog_usec(), half = limit / 2;
	const struct timeval interval = {(time_t)(half / 1000000), (suseconds_t)(half % 1000000)};
	struct watchdog *watchdog;

	*out = NULL;
	if (limit == 0)
		return 0;
	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return error_set(ENOMEM, "cannot set up the watchdog");
	watchdog->progress = progress;
	watchdog->ctx = ctx;
	watchdog->seen = progress(ctx);
	watchdog->timer = event_new(base, -1, EV_PERSIST, on_timer, watchdog);
	if (!watchdog->timer || event_add(watchdog->timer, &interval) < 0) {
		watchdog_close(watchdog);
		return error_set(ENOMEM, "cannot set up the watchdog");
	}
	*out = watchdog;
	return 0;
}

void watchdog_close(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	if (watchdog->timer)
		event_free(watchdog->timer);
	free(watchdog);
}
