/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The daemon's figures for Prometheus: its text format 0.0.4, or OpenMetrics 1.0.
 *
 * The prefix of a name in `stats` selects a metric family, the rest becomes a label: `xdp_get_hits
 * 5` is sessiond_gets_total{path="xdp",outcome="hits"} 5. A figure that is the sum of several
 * paths' figures is left out, so that a sum over `path` counts nothing twice. A figure without a
 * family becomes a metric with its own name: sessiond_threads, sessiond_dpdk_port_link{port="0"}.
 */
#ifndef SESSIOND_CONTROL_STATS_METRICS_TEXT_H
#define SESSIOND_CONTROL_STATS_METRICS_TEXT_H

#include <stdbool.h>

#include "common/latency.h"
#include "control/sessions/census.h"
#include "dataplane/engine.h"

struct metrics_figures {
	void (*stats)(void *ctx, stats_emit emit, void *emit_ctx);
	/* Times of the daemon's replies, and of inserts; false if they are not measured. */
	bool (*slow_path)(void *ctx, struct latency *latency);
	bool (*inserts)(void *ctx, struct latency *latency);
	/* Sessions by context: rows, at most CENSUS_ROWS. Returns how many. */
	unsigned (*contexts)(void *ctx, struct census_row rows[CENSUS_ROWS]);
	/* Sessions by who made them: rows, at most SOURCE_LIST_SIZE. Returns how many. */
	unsigned (*sources)(void *ctx, struct source_place rows[SOURCE_LIST_SIZE]);
	/* Times of the XDP program's replies; false if they are not measured. */
	bool (*xdp_answers)(void *ctx, struct sessd_answer_times *times);
	void *ctx;
};

#define METRICS_TYPE_TEXT	 "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_TYPE_OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* The whole page, freed by the caller; NULL if out of memory. */
char *metrics_text(const struct metrics_figures *figures, bool openmetrics, size_t *size);

#endif
