/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's state in one line, for `systemctl status`.
 */
#ifndef SESSIOND_CONTROL_STATS_STATUS_TEXT_H
#define SESSIOND_CONTROL_STATS_STATUS_TEXT_H

#include "dataplane/engine.h"

#define STATUS_TEXT 384

/* Counts at the last call; zero-initialise it. */
struct status_last {
	uint64_t hits, misses;
};

/* Writes `MODE: N of N sessions, N % of N GETs found`, which counts the GETs and TAKEs since the
 * last call, and behind it what is not as it should be, from the figures that `stats` emits.
 * `fallback`: XDP was asked for, and another mode runs. Returns `text`. */
char *status_text(const char *mode, bool fallback,
	void (*stats)(void *ctx, stats_emit emit, void *emit_ctx), void *ctx,
	struct status_last *last, char text[STATUS_TEXT]);

#endif
