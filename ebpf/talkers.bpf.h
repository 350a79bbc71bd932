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

#include <sessiond/request_event.h>

#define TALKERS_KEPT 1024 /* with more sources, the most recently seen are kept */

/* One request in this many is counted, per CPU; 0: none. The daemon writes it while the program
 * runs. */
__u32 talkers_one_in;

/* While it is not 0, each sample is also written to `watched`, for `sessionctl watch`. */
__u32 talkers_watched;

struct talker_key {
	__u8 source[16]; /* v4-mapped for IPv4 */
} __attribute__((aligned(8)));

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, TALKERS_KEPT);
	__type(key, struct talker_key);
	__type(value, struct sessd_talker_counts);
} talkers SEC(".maps");

/* Of struct sessd_request_event. A full ring drops more: the daemon reads it ten times a second. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} watched SEC(".maps");

/* noinline, so that the path without sampling stays short. */
__attribute__((noinline)) int talkers_add(struct sessd_request_event *sample, __u32 weight)
{
	struct sessd_talker_counts first = {}, *counts;
	struct sessd_request_event *event;
	struct talker_key own; /* Linux 6.1 does not accept a caller's memory as a map key */

	if (!sample)
		return 0;
	__builtin_memcpy(&own, sample->source, sizeof(own));
	counts = bpf_map_lookup_elem(&talkers, &own);
	if (!counts) {
		bpf_map_update_elem(&talkers, &own, &first, BPF_NOEXIST);
		counts = bpf_map_lookup_elem(&talkers, &own);
	}
	if (counts) {
		if (sample->type != SESSD_EVENT_UNKNOWN)
			__sync_fetch_and_add(&counts->of[sample->type % 4], weight);
		if (sample->outcome == SESSD_OUTCOME_HIT)
			__sync_fetch_and_add(&counts->of[SESSD_TAKE], weight);
		if (sample->outcome == SESSD_OUTCOME_DROPPED)
			__sync_fetch_and_add(&counts->drops, weight);
	}
	/* What becomes of other NEWs and REMOVEs, the daemon knows. */
	if (!*(volatile __u32 *)&talkers_watched || sample->outcome == SESSD_OUTCOMES)
		return 0;
	event = bpf_ringbuf_reserve(&watched, sizeof(*event), 0);
	if (!event)
		return 0;
	*event = *sample;
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
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

INLINE void talkers_sample(
	const struct packet *packet, __u8 type, enum sessd_outcome outcome, __u32 weight)
{
	struct sessd_request_event sample;
	const struct sessd_header *header;

	__builtin_memset(&sample, 0, sizeof(sample));
	sample.type = type;
	sample.outcome = outcome;
	source_key(packet, sample.source);
	header = (const void *)(packet->udp + 1);
	if ((const void *)(header + 1) <= packet->end)
		__builtin_memcpy(sample.key, header->key, sizeof(sample.key));
	talkers_add(&sample, weight);
}

/* Whether requests are sampled now. */
INLINE bool talkers_on(void)
{
	return *(volatile __u32 *)&talkers_one_in;
}

/* `type`: SESSD_GET for a TAKE, too. `outcome`: SESSD_OUTCOMES if it is not
 * known here. */
INLINE void talkers_count(
	const struct packet *packet, struct percpu *own, __u8 type, enum sessd_outcome outcome)
{
	__u32 one_in = *(volatile __u32 *)&talkers_one_in;

	if (!one_in || ++own->talkers_skipped < one_in)
		return;
	own->talkers_skipped = 0;
	barrier(); /* the sample is not cleared before it is due */
	talkers_sample(packet, type, outcome, one_in);
}

/* Given offsets and not a packet, so that the verifier checks it once for all calls. */
__attribute__((noinline)) int talkers_malformed(
	struct xdp_md *ctx, __u32 ip_offset, __u32 v6, __u32 weight)
{
	struct sessd_request_event sample;
	const void *ip = (void *)(long)ctx->data + ip_offset % 32,
		   *end = (void *)(long)ctx->data_end;
	const struct ip6_header *ip6 = ip;
	const struct ip4_header *ip4 = ip;
	__u32 *addr = (__u32 *)sample.source;

	__builtin_memset(&sample, 0, sizeof(sample));
	sample.type = SESSD_EVENT_UNKNOWN;
	sample.outcome = SESSD_OUTCOME_DROPPED;
	if (v6) {
		if ((void *)(ip6 + 1) > end)
			return 0;
		for (int i = 0; i < 4; i++)
			addr[i] = ip6->source[i];
	} else {
		if ((void *)(ip4 + 1) > end)
			return 0;
		addr[2] = V4_MAPPED;
		addr[3] = ip4->source;
	}
	return talkers_add(&sample, weight);
}

/* For what is dropped as no request. */
INLINE void talkers_count_malformed(
	struct xdp_md *ctx, const struct packet *packet, struct percpu *own)
{
	__u32 one_in = *(volatile __u32 *)&talkers_one_in;

	if (!one_in || ++own->talkers_skipped < one_in)
		return;
	own->talkers_skipped = 0;
	talkers_malformed(ctx, packet_span(packet->data, packet->ip), packet->v6, one_in);
}

#endif
