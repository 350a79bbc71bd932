/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether the modes agree on a frame; a finding if they do not. The results of socket mode and
 * AF_XDP's reader are computed here.
 */
#ifndef TESTS_FUZZ_PACKET_JUDGE_H
#define TESTS_FUZZ_PACKET_JUDGE_H

#include "tests/fuzz/packet_frame.h"

#include "dataplane/table/table.h"

#define VALUE_MAX 512 /* of every mode */

/* The sessions of socket mode. */
void packet_judge_open(struct table *stored);

/* `request` is the input of each mode, `verdict` the program's (XDP_*), `xdp` and `dpdk` the
 * replies, empty for none. `is_nobodys`: the kernel drops the passed packet; `is_update`: it was
 * counted as a NEW or REMOVE. */
void packet_judge(const struct fuzz_frame *request, uint32_t verdict, const struct fuzz_frame *xdp,
	const struct fuzz_frame *dpdk, bool is_nobodys, bool is_update);

#endif
