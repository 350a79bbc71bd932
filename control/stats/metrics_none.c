/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replaces metrics.c in builds without libmicrohttpd, which refuse --metrics.
 */
#include "control/stats/metrics.h"

#include <errno.h>

#include "common/log.h"

int metrics_open(struct metrics **metrics, struct event_base *base, const char *text,
	const struct metrics_figures *figures)
{
	(void)metrics;
	(void)base;
	(void)text;
	(void)figures;
	return error_set(ENOTSUP, "this sessiond was built without metrics");
}

int metrics_give(struct metrics *metrics, uid_t uid, gid_t gid)
{
	(void)metrics;
	(void)uid;
	(void)gid;
	return 0;
}

void metrics_close(struct metrics *metrics)
{
	(void)metrics;
}
