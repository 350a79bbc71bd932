/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The program of tests/bench/least_new: hands NEWs to AF_XDP, and answers GETs from the map.
 */
#include "tests/bench/least.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int least_new(struct xdp_md *ctx)
{
	const struct frame *frame = (void *)(long)ctx->data;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end ||
		frame->eth.h_proto != bpf_htons(ETH_P_IP))
		return XDP_PASS;
	if (frame->message.type == SESSD_NEW)
		return bpf_redirect_map(&sockets, ctx->rx_queue_index, XDP_DROP);
	return answer_get(ctx);
}

char program_license[] SEC("license") = "Dual BSD/GPL";
