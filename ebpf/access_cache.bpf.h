/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Per-CPU cache of address pairs that passed both access checks. Most packets come from a few
 * terminators; a hit replaces one lookup in `local` and one in an allow list.
 *
 * Each tag contains settings->generation. The daemon increments it after it has changed either map,
 * so an entry never outlives the map contents it was derived from.
 */
#ifndef SESSIOND_EBPF_ACCESS_CACHE_BPF_H
#define SESSIOND_EBPF_ACCESS_CACHE_BPF_H

#include "ebpf/packet.bpf.h"
#include "ebpf/percpu.bpf.h"

#define ACCESS_CACHE_MULTIPLIER 0x9e3779b97f4a7c15ULL /* 2^64 over the golden ratio */

/* Takes the tag before the map lookups, so that their result is never stored under a generation
 * newer than the maps they read. Never 0, the tag of an unused entry. */
INLINE __u64 access_cache_tag(const struct sessd_config *settings, __be16 port)
{
	__u64 generation = *(const volatile __u64 *)&settings->generation;

	return generation << 17 | 1 << 16 | port;
}

INLINE void access_cache_take_tag(struct packet *packet, const struct sessd_config *settings)
{
	packet->tag = access_cache_tag(settings, packet->udp->dest);
}

INLINE struct access_cache4 *access_cache_place4(struct percpu *own, __u64 addresses)
{
	return &own->access_cache4[addresses * ACCESS_CACHE_MULTIPLIER >> (64 - ACCESS_CACHE_BITS)];
}

INLINE struct access_cache6 *access_cache_place6(struct percpu *own, const __u64 *addresses)
{
	__u64 sum = addresses[0] + addresses[1] + addresses[2] + addresses[3];

	return &own->access_cache6[sum * ACCESS_CACHE_MULTIPLIER >> (64 - ACCESS_CACHE_BITS)];
}

INLINE bool access_cache_known4(struct percpu *own, __u64 addresses, __u64 tag)
{
	const struct access_cache4 *recent = access_cache_place4(own, addresses);

	return recent->tag == tag && recent->addresses == addresses;
}

INLINE bool access_cache_known(const struct packet *packet, struct percpu *own)
{
	__u64 tag = packet->tag;

	if (packet->v6) {
		const __u64 *addresses = (const __u64 *)packet->ip6->source; /* and dest */
		const struct access_cache6 *recent = access_cache_place6(own, addresses);

		return !((recent->tag ^ tag) | (recent->addresses[0] ^ addresses[0]) |
			 (recent->addresses[1] ^ addresses[1]) |
			 (recent->addresses[2] ^ addresses[2]) |
			 (recent->addresses[3] ^ addresses[3]));
	} else {
		return access_cache_known4(
			own, *(const __u64 *)&packet->ip4->source /* and dest */, tag);
	}
}

INLINE void access_cache_store(const struct packet *packet, struct percpu *own)
{
	__u64 tag = packet->tag;

	if (packet->v6) {
		const __u64 *addresses = (const __u64 *)packet->ip6->source;
		struct access_cache6 *recent = access_cache_place6(own, addresses);

		recent->tag = tag;
		for (int i = 0; i < 4; i++)
			recent->addresses[i] = addresses[i];
	} else {
		__u64 addresses = *(const __u64 *)&packet->ip4->source;
		struct access_cache4 *recent = access_cache_place4(own, addresses);

		recent->tag = tag;
		recent->addresses = addresses;
	}
}

#endif
