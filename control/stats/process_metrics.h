/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Figures of this process, under the names that Prometheus' client libraries give them.
 */
#ifndef SESSIOND_CONTROL_STATS_PROCESS_METRICS_H
#define SESSIOND_CONTROL_STATS_PROCESS_METRICS_H

#include "control/stats/metrics_families.h"

/* Calls `put` for each figure that the kernel tells; `metric` is one of METRIC_PROCESS_. Needs no
 * privilege. */
void process_metrics(void (*put)(void *ctx, enum metrics_made metric, double value), void *ctx);

#endif
