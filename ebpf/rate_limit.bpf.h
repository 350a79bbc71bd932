/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit: the request rate allowed to one source.
 */
#ifndef SESSIOND_EBPF_RATE_LIMIT_BPF_H
#define SESSIOND_EBPF_RATE_LIMIT_BPF_H

#include "ebpf/clock.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/talkers.bpf.h"

#include <sessiond/rate_limit.h>

/* Average nanoseconds between two requests of a source; 0: no limit. The daemon writes them while
 * the program runs. */
__u64 limit_get_interval;
__u64 limit_new_interval;

/* The loader sets max_entries. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct talker_key);
	__type(value, struct sessd_limit);
} limits SEC(".maps");

/* 0: over the limit. noinline, so that the path without a limit stays short. */
__attribute__((noinline)) int limit_take(
	struct talker_key *source, __u64 now, __u64 interval, int get)
{
	struct sessd_limit first = {}, *limit;
	struct talker_key own; /* Linux 6.1 does not accept a caller's memory as a map key */

	if (!source)
		return 1;
	own = *source;
	limit = bpf_map_lookup_elem(&limits, &own);
	if (!limit) {
		bpf_map_update_elem(&limits, &own, &first, BPF_NOEXIST);
		limit = bpf_map_lookup_elem(&limits, &own);
		if (!limit)
			return 1;
	}
	return sessd_limit_take(get ? &limit->gets : &limit->news, now, interval);
}

/* Is this GET, NEW or REMOVE within its source's limit? IPv6 sources are limited by /64. */
INLINE bool limit_allows(const struct packet *packet, struct percpu *own, bool get)
{
	__u64 interval = *(volatile __u64 *)(get ? &limit_get_interval : &limit_new_interval);
	struct talker_key key;

	if (__builtin_expect(!interval, 1))
		return true;
	source_key(packet, &key);
	if (packet->v6)
		*(__u64 *)(key.source + 8) = 0;
	return limit_take(&key, clock_tick(own) << SESSD_TICK_SHIFT, interval, get);
}

#endif
