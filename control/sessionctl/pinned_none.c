/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replaces pinned.c in builds without xdp mode.
 */
#include "control/sessionctl/sessionctl.h"

#include <errno.h>

int ctl_pinned_stats(const struct ctl *ctl, stats_emit emit, void *emit_ctx)
{
	(void)ctl;
	(void)emit;
	(void)emit_ctx;
	return error_set(ENOENT, "this sessionctl was built without xdp mode, which pins counters");
}
