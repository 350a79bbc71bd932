/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The minimum that an XDP program must do to reply: it swaps the addresses and sends the frame
 * back. The baseline for the GET program.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/turn.h"

static __always_inline void swap_words(__u32 *a, __u32 *b, int count)
{
	for (int i = 0; i < count; i++)
		SWAP(__u32, a[i], b[i]);
}

SEC("xdp")
int reflect(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = data;
	struct udphdr *udp;

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(eth + 1);

		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || ip->ihl != 5 || ip->protocol != IPPROTO_UDP)
			return XDP_PASS;
		swap_words(&ip->saddr, &ip->daddr, 1);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(eth + 1);

		udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end || ip->nexthdr != IPPROTO_UDP)
			return XDP_PASS;
		swap_words(ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, 4);
	} else {
		return XDP_PASS;
	}
	turn_ethernet(data);
	SWAP(__be16, udp->source, udp->dest);
	return XDP_TX;
}

/* A veth delivers frames that its peer sends from XDP only if it has a program too. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
