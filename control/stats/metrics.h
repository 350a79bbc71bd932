/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Metrics over HTTP, on the event loop's thread: GET /metrics. libmicrohttpd implements HTTP.
 * Connections, memory for each, and idle time are bounded.
 */
#ifndef SESSIOND_CONTROL_STATS_METRICS_H
#define SESSIOND_CONTROL_STATS_METRICS_H

#include <sys/types.h>

#include <event2/event.h>

#include "control/stats/metrics_text.h"

struct metrics;

/* `text` is an address that metrics_address_parse accepts; the caller keeps `figures`. 0, or a
 * negative errno with error_message() set: -ENOTSUP if not built in. */
int metrics_open(struct metrics **metrics, struct event_base *base, const char *text,
	const struct metrics_figures *figures);
/* Gives a Unix socket to the user that the daemon is about to become. 0, or a negative errno with
 * error_message() set. */
int metrics_give(struct metrics *metrics, uid_t uid, gid_t gid);
/* NULL is allowed. */
void metrics_close(struct metrics *metrics);

#endif
