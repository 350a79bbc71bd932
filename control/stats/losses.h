/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which of the counters in `stats` are of requests that were lost or refused.
 */
#ifndef SESSIOND_CONTROL_STATS_LOSSES_H
#define SESSIOND_CONTROL_STATS_LOSSES_H

#include <stdbool.h>

/* Is it a count of requests that got no answer? Names of sums only: not their parts, xdp_drop_* and
 * slow_drop_*, nor what dpdk mode drops because it is for nobody here. */
bool figure_is_loss(const char *name);

#endif
