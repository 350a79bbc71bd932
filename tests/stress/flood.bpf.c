/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * `flood` is run by BPF_PROG_TEST_RUN on live frames; `sink` is attached to the interface and takes
 * what comes back. UDP over IPv4 without a checksum (0), which is legal.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <sessiond/protocol.h>

#include "../../bench/population.h"
#include "flood.h"

const volatile struct flood_config config;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_counters);
} counters SEC(".maps");

#define HEADERS (ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))

static __always_inline __u32 payload_size(__u64 random)
{
	switch (config.kind) {
	case FLOOD_GARBAGE:
		return scale32(random, FLOOD_GARBAGE_MAX + 1);
	case FLOOD_NEW:
		return SESSD_HEADER_SIZE + FLOOD_VALUE;
	default:
		return SESSD_HEADER_SIZE;
	}
}

static __always_inline __be32 source_of(__u64 random)
{
	switch (config.kind) {
	case FLOOD_STRANGERS:
		return bpf_htonl(198U << 24 | 18U << 16 | scale32(random, 1U << 17));
	case FLOOD_SPOOFED:
		return bpf_htonl(10U << 24 | scale32(random, 1U << 24));
	default:
		return config.source;
	}
}

static __always_inline __u16 fold(__u64 sum)
{
	for (int i = 0; i < 4; i++)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __always_inline void put_headers(void *data, __u32 payload, __u64 random)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	__be32 source = source_of(random);
	__u64 sum = 0;

	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = config.target_mac[i];
		eth->h_source[i] = config.source_mac[i];
	}
	eth->h_proto = bpf_htons(ETH_P_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->tos = 0;
	ip->tot_len = bpf_htons(sizeof(*ip) + sizeof(*udp) + payload);
	ip->id = 0;
	ip->frag_off = bpf_htons(0x4000);
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->saddr = source;
	ip->daddr = config.target;
	sum = bpf_htons(0x4500) + (__u64)ip->tot_len + bpf_htons(0x4000) +
	      bpf_htons(64 << 8 | IPPROTO_UDP) + source + config.target;
	ip->check = ~fold(sum);
	udp->source = bpf_htons(20000 + scale32(random << 16, 4096));
	udp->dest = config.port;
	udp->len = bpf_htons(sizeof(*udp) + payload);
	udp->check = 0;
}

/* Random bytes, and over them what a message of the kind begins with; garbage by chance none. */
static __always_inline int put_payload(void *at, const void *end, __u32 size, __u64 random)
{
	struct sessd_header *header = at;

	for (__u32 i = 0; i < (FLOOD_GARBAGE_MAX + 7) / 8; i++) {
		if (i * 8 + 8 > size || at + i * 8 + 8 > end)
			break;
		*(__u64 *)(at + i * 8) = mix64(random + i);
	}
	if (config.kind == FLOOD_GARBAGE) {
		if (at + 2 <= end && header->version == SESSD_VERSION)
			header->type |= 0x40;
		return 0;
	}
	if ((void *)(header + 1) > end)
		return -1;
	header->version = SESSD_VERSION;
	header->type = config.kind == FLOOD_NEW ? SESSD_NEW : SESSD_GET;
	header->timeout = bpf_htons(3600);
	return 0;
}

SEC("xdp")
int flood(struct xdp_md *ctx)
{
	long size = (long)ctx->data_end - (long)ctx->data;
	__u32 zero = 0, payload;
	struct flood_counters *c = bpf_map_lookup_elem(&counters, &zero);
	void *data, *end;
	__u64 random;

	if (!c)
		return XDP_ABORTED;
	asm volatile("" : "+r"(size)); /* a difference of pointers, and no pointer any more */
	random = mix64(++c->sent + ((__u64)config.seed << 40));
	payload = payload_size(random);
	c->sent_bytes += HEADERS + payload;
	if (bpf_xdp_adjust_tail(ctx, (int)(HEADERS + payload - size)) < 0)
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (data + HEADERS > end)
		return XDP_ABORTED;
	put_headers(data, payload, mix64(random));
	return put_payload(data + HEADERS, end, payload, random) < 0 ? XDP_ABORTED : XDP_TX;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	const struct iphdr *ip = data + ETH_HLEN;
	const struct udphdr *udp = (const void *)(ip + 1);
	struct flood_counters *c;
	__u32 zero = 0;

	if (data + HEADERS > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
		ip->protocol != IPPROTO_UDP || udp->source != config.port)
		return XDP_PASS;
	c = bpf_map_lookup_elem(&counters, &zero);
	if (!c)
		return XDP_ABORTED;
	c->replies++;
	c->reply_bytes += end - data;
	return XDP_DROP;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
