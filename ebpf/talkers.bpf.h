/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Counts requests per source for `sessionctl top`, by sampling, and only while the daemon asks for
 * it. Not pinned.
 */
#ifndef SESSIOND_EBPF_TALKERS_BPF_H
#define SESSIOND_EBPF_TALKERS_BPF_H

#include "ebpf/access.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/percpu.bpf.h"

#define TALKERS_KEPT 1024 /* with more sources, the most recently seen are kept */

/* One request in this many is counted, per CPU; 0: none. The daemon writes it while the program
 * runs. */
__u32 talkers_one_in;

struct talker_key {
	__u8 source[16]; /* v4-mapped for IPv4 */
} __attribute__((aligned(8)));

/* Indexed by enum sessd_type, in requests: a sample adds the number of requests it stands for. */
struct talker_counts {
	__u64 of[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TALKERS_KEPT);
	__type(key, struct talker_key);
	__type(value, struct talker_counts);
} talkers SEC(".maps");

/* noinline, so that the path without sampling stays short. */
__attribute__((noinline)) int talkers_add(struct talker_key *key, __u32 type, __u32 weight)
{
	struct talker_counts first = {}, *counts;
	struct talker_key own; /* Linux 6.1 does not accept a caller's memory as a map key */

	if (!key)
		return 0;
	own = *key;
	counts = bpf_map_lookup_elem(&talkers, &own);
	if (!counts) {
		bpf_map_update_elem(&talkers, &own, &first, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&talkers, &own);
	}
	if (counts)
		__sync_fetch_and_add(&counts->of[type % 4], weight);
	return 0;
}

INLINE void source_key(const struct packet *packet, void *to)
{
	__u32 *addr = to;

	if (packet->v6) {
		for (int i = 0; i < 4; i++)
			addr[i] = packet->ip6->source[i];
	} else {
		addr[0] = 0;
		addr[1] = 0;
		addr[2] = V4_MAPPED;
		addr[3] = packet->ip4->source;
	}
}

INLINE void talkers_count(const struct packet *packet, struct percpu *own, __u8 type)
{
	__u32 one_in = *(volatile __u32 *)&talkers_one_in;
	struct talker_key key;

	if (!one_in || ++own->talkers_skipped < one_in)
		return;
	own->talkers_skipped = 0;
	source_key(packet, &key);
	talkers_add(&key, type, one_in);
}

#endif
