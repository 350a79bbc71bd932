/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The VLANs that this host is in. On a trunk, frames of other VLANs are passed to the kernel, which
 * drops them.
 *
 * The map is not pinned; it belongs to this load of the program. The daemon fills it before it
 * attaches the program, and after the daemon exits it keeps its contents.
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

/* The tag as sessd_vlan_tag makes it; 0 if `proto` is not a tag's. */
INLINE __u32 vlan_tag(__be16 proto, const struct vlan_header *vlan)
{
	if (!vlan_is_tag(proto))
		return 0;
	return sessd_vlan_tag(bpf_ntohs(vlan->tag), proto == bpf_htons(ETH_P_8021AD));
}

/* Whether a tagged frame belongs to one of the VLANs. VLAN 0 carries only a priority and counts as
 * untagged. noinline, so that the verifier checks it once and untagged frames do not pay for it. */
__attribute__((noinline)) int vlan_served(struct xdp_md *ctx)
{
	const struct eth_header *eth = (void *)(long)ctx->data;
	const struct vlan_header *vlan = (const void *)(eth + 1);
	struct sessd_vlan key = {0};

	/* With one tag, the second read is of the IP header, which is longer than a tag. */
	if ((const void *)(vlan + 2) > (void *)(long)ctx->data_end)
		return 1; /* truncated: the parser passes it */
	key.tags = sessd_vlan_push(vlan_tag(eth->proto, vlan), vlan_tag(vlan->proto, vlan + 1));
	if (!key.tags)
		return 1;
	key.ifindex = ctx->ingress_ifindex;
	return bpf_map_lookup_elem(&vlans, &key) ? 1 : 0;
}

#endif
