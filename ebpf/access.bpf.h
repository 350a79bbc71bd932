/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Access checks: is the destination ours, and may the source ask?
 */
#ifndef SESSIOND_EBPF_ACCESS_BPF_H
#define SESSIOND_EBPF_ACCESS_BPF_H

#include "ebpf/maps.bpf.h"
#include "ebpf/packet.bpf.h"

#define V4_MAPPED bpf_htonl(0x0000ffff)

/* Are the destination's address and port served here? The kernel does not accept loopback or
 * v4-mapped addresses from a wire either. */
INLINE bool access_local(const struct packet *packet)
{
	struct sessd_local key = {.port = packet->udp->dest};
	__u32 *addr = (__u32 *)key.addr;

	if (packet->v6) {
		const __u32 *dest = packet->ip6->dest;

		if (!(dest[0] | dest[1]))
			return false;
		for (int i = 0; i < 4; i++)
			addr[i] = dest[i];
	} else {
		if (*(__u8 *)&packet->ip4->dest == 127)
			return false;
		addr[2] = V4_MAPPED;
		addr[3] = packet->ip4->dest;
	}
	return bpf_map_lookup_elem(&local, &key);
}

/* Would the kernel accept the source address, and can a reply go to it? */
INLINE bool access_source(const struct packet *packet)
{
	if (packet->v6) {
		const __u32 *source = packet->ip6->source;

		if (*(const __u8 *)source == 0xff)
			return false;
		if (source[0] | source[1])
			return true;
		/* not ::, ::1 or a v4-mapped address */
		return source[2] != V4_MAPPED &&
		       (source[2] || (source[3] && source[3] != bpf_htonl(1)));
	}
	switch (*(const __u8 *)&packet->ip4->source) {
	case 0:
	case 127:
	case 224 ... 255:
		return false;
	default:
		return true;
	}
}

INLINE bool access_allowed(const struct packet *packet)
{
	if (packet->v6) {
		struct sessd_lpm6 key = {.prefixlen = 128};

		__builtin_memcpy(key.addr, packet->ip6->source, sizeof(key.addr));
		return bpf_map_lookup_elem(&allow6, &key);
	} else {
		struct sessd_lpm4 key = {.prefixlen = 32};

		__builtin_memcpy(key.addr, &packet->ip4->source, sizeof(key.addr));
		return bpf_map_lookup_elem(&allow4, &key);
	}
}

#endif
