/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The statistics in one line, which SIGUSR1 logs.
 */
#ifndef SESSIOND_CONTROL_STATS_STATS_LINE_H
#define SESSIOND_CONTROL_STATS_STATS_LINE_H

#include <stddef.h>

#include "dataplane/engine.h"

/* Room for the line with every figure at its longest. */
#define STATS_LINE_SIZE 512

/* Writes `N of N sessions, N GETs, N hits, N misses, ...` from the figures that `stats` emits; a
 * figure that it does not emit counts as 0. Misses are all GETs answered ERR; NEWs and REMOVEs are
 * all that were received, whatever their outcome. Returns `line`. */
char *stats_line(void (*stats)(void *ctx, stats_emit emit, void *emit_ctx), void *ctx,
	char line[STATS_LINE_SIZE]);

#endif
