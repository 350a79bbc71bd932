/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program compares lifetimes with the kernel's CLOCK_MONOTONIC. In a time namespace this
 * process's clock has an offset: without a correction, sessions would be expired when stored, or
 * served too long.
 */
#include "dataplane/xdp/xdp.h"

#include "common/clock.h"
#include "common/log.h"

#include "ebpf/sessiond.skel.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Larger differences are an offset, not the time between two readings. */
#define OFFSET_LEAST_NS 100000000

static int64_t own_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int kernel_clock_follow(struct engine *engine)
{
	uint64_t kernel = 0;
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &kernel, .ctx_size_in = sizeof(kernel));
	int64_t before = own_clock(), after, ahead;
	int err = bpf_prog_test_run_opts(bpf_program__fd(engine->skel->progs.sessiond_clock), &run);

	if (err || kernel == 0)
		return error_set(err ? -err : EIO, "cannot read the kernel's clock: %s",
			strerror(err ? -err : EIO));
	after = own_clock();
	clock_offset_ns = 0;
	if ((int64_t)kernel >= before && (int64_t)kernel <= after)
		return 0;
	ahead = (int64_t)kernel - after;
	if (llabs(ahead) < OFFSET_LEAST_NS)
		return 0;
	clock_offset_ns = ahead;
	log_notice("this time namespace's clock differs from the kernel's by %lld s: sessions "
		   "expire by the kernel's clock",
		(long long)(-ahead / 1000000000));
	return 0;
}
