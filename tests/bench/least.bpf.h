/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The minimum that an XDP program must do to answer a GET correctly from a hash map: look up the
 * session, make room, copy the value and swap the addresses; of a miss, turn the frame round. It
 * takes every frame for a request, checks nothing, and assumes that the entry does not change. Its
 * cost is the cost of any program with such a map; sessiond's additional cost is its checks.
 *
 * For values of 144 bytes over IPv4, untagged and with a UDP checksum: sessionbench's own.
 */
#ifndef TESTS_BENCH_LEAST_BPF_H
#define TESTS_BENCH_LEAST_BPF_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/turn.h"

#include <sessiond/checksum.h>
#include <sessiond/map_abi.h>
#include <sessiond/protocol.h>

#define VALUE 144

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct sessd_header message;
} __attribute__((packed));

/* As sessiond's; a loader sets max_entries, or replaces the map. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u8[SESSD_KEY_SIZE]);
	__type(value, struct sessd_entry);
} sessions SEC(".maps");

/* Updates a checksum for one changed word (RFC 1624), not folded and not complemented. */
static __always_inline __u64 change(__u16 from, __u16 to)
{
	return (__u64)(__u16)~from + to;
}

static __always_inline void swap_addresses(struct frame *frame)
{
	turn_ethernet(frame);
	SWAP(__be32, frame->ip.saddr, frame->ip.daddr);
	SWAP(__be16, frame->udp.source, frame->udp.dest);
}

static __always_inline int answer_miss(struct frame *frame)
{
	swap_addresses(frame);
	frame->udp.check = ~checksum_fold(
		(__u16)~frame->udp.check + change(bpf_htons(SESSD_GET), bpf_htons(SESSD_ERR)));
	frame->message.type = SESSD_ERR;
	return XDP_TX;
}

static __always_inline void turn_round(struct frame *frame, __u16 sum)
{
	const __u16 grown = bpf_htons(sizeof(struct udphdr) + SESSD_HEADER_SIZE + VALUE);
	const __u16 total =
		bpf_htons(sizeof(struct iphdr) + sizeof(struct udphdr) + SESSD_HEADER_SIZE + VALUE);

	swap_addresses(frame);
	frame->ip.check =
		~checksum_fold((__u16)~frame->ip.check + change(frame->ip.tot_len, total));
	frame->ip.tot_len = total;
	frame->udp.check =
		~checksum_fold((__u16)~frame->udp.check + 2 * change(frame->udp.len, grown) +
			       change(bpf_htons(SESSD_GET), bpf_htons(SESSD_OK)) + sum);
	frame->udp.len = grown;
	frame->message.type = SESSD_OK;
}

static __always_inline int answer_get(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	struct sessd_entry *entry;
	__u64 *to;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	entry = bpf_map_lookup_elem(&sessions, frame->message.key);
	if (!entry)
		return answer_miss(frame);
	if (bpf_xdp_adjust_head(ctx, -VALUE))
		return XDP_PASS;
	frame = (void *)(long)ctx->data;
	to = (void *)(frame + 1);
	if ((void *)to + VALUE > (void *)(long)ctx->data_end)
		return XDP_PASS;
#pragma unroll
	for (__u64 at = 0; at + 8 <= sizeof(*frame); at += 8)
		*(__u64 *)((void *)frame + at) = *(volatile __u64 *)((void *)frame + VALUE + at);
	*(__u64 *)((void *)to - 8) = *(volatile __u64 *)((void *)to + VALUE - 8);
#pragma unroll
	for (int i = 0; i < VALUE / 8; i++)
		to[i] = ((volatile __u64 *)(void *)entry->data)[i];
	turn_round(frame, entry->sum);
	return XDP_TX;
}

#endif
