/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The VLANs that this host is in. On a trunk, a frame of any other is for the kernel to drop.
 *
 * The map is not pinned, but this program's own: the daemon that loads it fills it before the
 * program meets a packet, and a program that outlives its daemon keeps it as it was.
 */
#ifndef SESSIOND_EBPF_VLAN_BPF_H
#define SESSIOND_EBPF_VLAN_BPF_H

#include "ebpf/packet.bpf.h"

#include <sessiond/map_abi.h>

#include <linux/if_ether.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, SESSD_VLANS_MAX);
	__type(key, struct sessd_vlan);
	__type(value, __u8);
} vlans SEC(".maps");

INLINE bool vlan_is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/* The tag, if `proto` says that it is one. */
INLINE __u32 vlan_tag(__be16 proto, const struct vlan_header *vlan)
{
	if (!vlan_is_tag(proto))
		return 0;
	return sessd_vlan_tag(bpf_ntohs(vlan->tag), proto == bpf_htons(ETH_P_8021AD));
}

/* Whether a frame that has a tag is of one of the VLANs. A tag of VLAN 0 has a priority and nothing
 * else, and counts for none. A function of its own, which the verifier sees once, and which frames
 * without a tag pay nothing for. */
__attribute__((noinline)) int vlan_served(struct xdp_md *ctx)
{
	const struct eth_header *eth = (void *)(long)ctx->data;
	const struct vlan_header *vlan = (const void *)(eth + 1);
	struct sessd_vlan key = {0};

	/* With one tag, IP is behind it, which is longer. */
	if ((const void *)(vlan + 2) > (void *)(long)ctx->data_end)
		return 1; /* cut: passed on, whatever it is */
	key.tags = sessd_vlan_push(vlan_tag(eth->proto, vlan), vlan_tag(vlan->proto, vlan + 1));
	if (!key.tags)
		return 1;
	key.ifindex = ctx->ingress_ifindex;
	return bpf_map_lookup_elem(&vlans, &key) ? 1 : 0;
}

#endif
