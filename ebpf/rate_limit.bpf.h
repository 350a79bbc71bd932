/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit: the request rate allowed to one source. Without it the verifier removes all of
 * this.
 */
#ifndef SESSIOND_EBPF_RATE_LIMIT_BPF_H
#define SESSIOND_EBPF_RATE_LIMIT_BPF_H

#include "ebpf/clock.bpf.h"
#include "ebpf/packet.bpf.h"
#include "ebpf/talkers.bpf.h"

#include <sessiond/rate_limit.h>

/* Average nanoseconds between two requests of a source; 0: no limit. Set before load. */
const volatile __u64 limit_get_interval = 0;
const volatile __u64 limit_new_interval = 0;

/* The loader sets max_entries if there is a limit. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct talker_key);
	__type(value, struct sessd_limit);
} limits SEC(".maps");

/* Is this GET, NEW or REMOVE within its source's limit? IPv6 sources are limited by /64. */
INLINE bool limit_allows(const struct packet *packet, struct percpu *own, bool get)
{
	__u64 interval = get ? limit_get_interval : limit_new_interval;
	struct sessd_limit first = {}, *limit;
	struct talker_key key;

	if (!interval)
		return true;
	source_key(packet, &key);
	if (packet->v6)
		*(__u64 *)(key.source + 8) = 0;
	limit = bpf_map_lookup_elem(&limits, &key);
	if (!limit) {
		bpf_map_update_elem(&limits, &key, &first, BPF_NOEXIST);
		limit = bpf_map_lookup_elem(&limits, &key);
		if (!limit)
			return true;
	}
	return sessd_limit_take(
		get ? &limit->gets : &limit->news, clock_tick(own) << SESSD_TICK_SHIFT, interval);
}

#endif
