/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The limit of a GET in xdp mode. The loader replaces the map by sessiond's.
 */
#include "tests/bench/least.bpf.h"

SEC("xdp")
int least(struct xdp_md *ctx)
{
	return answer_get(ctx);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
