/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * BPF_PROG_TEST_RUN runs `flood` on live frames; `sink` is attached to the interface and consumes
 * the replies. UDP over IPv4 is sent without a checksum (0), which is valid; IPv6 does not allow
 * that.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <stdbool.h>
#include <stddef.h>

#include <sessiond/checksum.h>
#include <sessiond/protocol.h>

#include "bench/population.h"
#include "tests/stress/flood.h"

const volatile struct flood_config config;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_counters);
} counters SEC(".maps");

#define HEADERS	 (ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr))
#define HEADERS6 (ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr))

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

static __always_inline void put_ethernet(struct ethhdr *eth, __u16 type)
{
	for (int i = 0; i < 6; i++) {
		eth->h_dest[i] = config.target_mac[i];
		eth->h_source[i] = config.source_mac[i];
	}
	eth->h_proto = bpf_htons(type);
}

static __always_inline void put_udp(struct udphdr *udp, __u32 payload, __u64 random)
{
	udp->source = bpf_htons(20000 + scale32(random << 16, 4096));
	udp->dest = config.port;
	udp->len = bpf_htons(sizeof(*udp) + payload);
	udp->check = 0;
}

static __always_inline void put_headers(void *data, __u32 payload, __u64 random)
{
	struct iphdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	__be32 source = source_of(random);
	__u64 sum = 0;

	put_ethernet(data, ETH_P_IP);
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
	ip->check = ~checksum_fold(sum);
	put_udp(udp, payload, random);
}

static __always_inline void put_source6(struct in6_addr *source, __u64 random)
{
	__u64 net, host = mix64(random);

	if (config.kind == FLOOD_UNKNOWN6) {
		source->s6_addr32[0] = config.source6[0];
		source->s6_addr32[1] = config.source6[1];
	} else {
		net = mix64(host);
		__builtin_memcpy(source, &net, 8);
		if (config.kind == FLOOD_SPOOFED6)
			source->s6_addr[0] = 0xfd;
		else
			source->s6_addr32[0] = bpf_htonl(0x20010db8);
	}
	__builtin_memcpy(source->s6_addr + 8, &host, 8);
}

/* Before a payload that is already there, and is a GET. */
static __always_inline void put_headers6(void *data, __u64 random)
{
	struct ipv6hdr *ip = data + ETH_HLEN;
	struct udphdr *udp = (void *)(ip + 1);
	__u64 sum;

	put_ethernet(data, ETH_P_IPV6);
	*(__be32 *)ip = bpf_htonl(6U << 28);
	put_udp(udp, SESSD_HEADER_SIZE, random);
	ip->payload_len = udp->len;
	ip->nexthdr = IPPROTO_UDP;
	ip->hop_limit = 64;
	put_source6(&ip->saddr, random);
	for (int i = 0; i < 4; i++)
		ip->daddr.s6_addr32[i] = config.target6[i];
	sum = bpf_csum_diff(NULL, 0, (void *)&ip->saddr, 32, 0);
	sum += bpf_csum_diff(NULL, 0, (void *)udp, sizeof(*udp) + SESSD_HEADER_SIZE, 0);
	sum += udp->len + bpf_htons(IPPROTO_UDP);
	udp->check = ~checksum_fold(sum);
	if (!udp->check)
		udp->check = 0xffff;
}

/* Random bytes, and over them the beginning of a message of the kind; garbage has no such
 * beginning, even by chance. */
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
	const __u32 headers = FLOOD_IS_IPV6(config.kind) ? HEADERS6 : HEADERS;
	long size = (long)ctx->data_end - (long)ctx->data;
	__u32 zero = 0, payload;
	struct flood_counters *c = bpf_map_lookup_elem(&counters, &zero);
	void *data, *end;
	__u64 random;

	if (!c)
		return XDP_ABORTED;
	asm volatile("" : "+r"(size)); /* an offset, no longer a pointer */
	random = mix64(++c->sent + ((__u64)config.seed << 40));
	payload = payload_size(random);
	c->sent_bytes += headers + payload;
	if (bpf_xdp_adjust_tail(ctx, (int)(headers + payload - size)) < 0)
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (FLOOD_IS_IPV6(config.kind)) {
		if (data + HEADERS6 + SESSD_HEADER_SIZE > end ||
			put_payload(data + HEADERS6, end, payload, random) < 0)
			return XDP_ABORTED;
		put_headers6(data, mix64(random));
		return XDP_TX;
	}
	if (data + HEADERS > end)
		return XDP_ABORTED;
	put_headers(data, payload, mix64(random));
	return put_payload(data + HEADERS, end, payload, random) < 0 ? XDP_ABORTED : XDP_TX;
}

static __always_inline bool is_reply(const void *data, const void *end)
{
	const struct ethhdr *eth = data;
	const struct iphdr *ip = data + ETH_HLEN;
	const struct ipv6hdr *ip6 = data + ETH_HLEN;

	if (data + HEADERS > end)
		return false;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return ip->ihl == 5 && ip->protocol == IPPROTO_UDP &&
		       ((const struct udphdr *)(ip + 1))->source == config.port;
	return eth->h_proto == bpf_htons(ETH_P_IPV6) && data + HEADERS6 <= end &&
	       ip6->nexthdr == IPPROTO_UDP &&
	       ((const struct udphdr *)(ip6 + 1))->source == config.port;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct flood_counters *c;
	__u32 zero = 0;

	if (!is_reply(data, end))
		return XDP_PASS;
	c = bpf_map_lookup_elem(&counters, &zero);
	if (!c)
		return XDP_ABORTED;
	c->replies++;
	c->reply_bytes += end - data;
	return XDP_DROP;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
