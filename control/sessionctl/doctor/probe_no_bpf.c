/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Replaces probe_bpf.c in builds without libbpf.
 */
#include "control/sessionctl/doctor/probe.h"

#include <errno.h>

int probe_program(void *ctx, uint32_t id, struct doctor_program *program)
{
	(void)ctx;
	(void)id;
	(void)program;
	return -EOPNOTSUPP;
}

int probe_pinned_map(void *ctx, const char *path, uint32_t *id)
{
	(void)ctx;
	(void)path;
	(void)id;
	return -EOPNOTSUPP;
}

int probe_runs(void *ctx, uint32_t id, unsigned milliseconds, uint64_t *runs)
{
	(void)ctx;
	(void)id;
	(void)milliseconds;
	(void)runs;
	return -EOPNOTSUPP;
}
