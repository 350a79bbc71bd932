/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/dpdk/burst.h"
#include "dataplane/packet/parse.h"
#include "dataplane/packet/source.h"
#include "dataplane/packet/verify.h"

#include "common/clock.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#define COLD __attribute__((noinline, cold))

COLD static void drop(struct burst *burst, struct rte_mbuf *mbuf, uint64_t *counter)
{
	counter_add(counter, 1);
	burst_drop(burst, mbuf);
}

COLD static void drop_parsed(struct burst *burst, struct rte_mbuf *mbuf, enum parse_result result)
{
	drop(burst, mbuf, counters_of_parse(&burst->lcore->counters, result));
}

COLD static void drop_request(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame,
	enum request_kind kind)
{
	struct udp_datagram datagram = {
		.data = (uint8_t *)(frame_udp(frame) + 1),
		.length = frame->l4_len - sizeof(struct frame_udp),
		.port = ntohs(frame_udp(frame)->source),
	};

	source_address(frame, &datagram.source);
	reader_drop(&burst->lcore->reader, kind, &datagram, burst->now);
	burst_drop(burst, mbuf);
}

/* Collects a NEW or REMOVE. Its buffer is freed once the writer's ring has a copy. */
FRAME_INLINE void collect_update(struct burst *burst, struct rte_mbuf *mbuf,
	const struct frame *frame, const struct sessd_header *header, size_t len)
{
	burst->updates[burst->update_count++] = (struct update_request){.request = header,
		.source = frame->v6 ? frame_ip6(frame)->source
				    : (const uint8_t *)&frame_ip4(frame)->source,
		.length = (uint32_t)len,
		.source_len = frame->v6 ? 16 : 4};
	burst_drop(burst, mbuf);
}

void sort_updates(struct burst *burst)
{
	struct dpdk_counters *counters = &burst->lcore->counters;
	unsigned room = burst->update_room - burst->taken_count, news = 0, removes = 0;
	unsigned n = RTE_MIN(room, burst->update_count);

	if (burst->taken_count)
		update_ring_push(&burst->lcore->updates, burst->taken, burst->taken_count);
	for (unsigned i = 0; i < n; i++) {
		news += burst->updates[i].request->type == SESSD_NEW;
		removes += burst->updates[i].request->type == SESSD_REMOVE;
	}
	update_ring_push(&burst->lcore->updates, burst->updates, n);
	if (__builtin_expect(burst->watched != 0, 0)) {
		watch_updates(burst);
		watch_lost_updates(burst, n);
	}
	counter_add(&counters->new_queued, news);
	counter_add(&counters->remove_queued, removes);
	counter_add(&counters->drop_ring_full, burst->update_count - n);
}

FRAME_INLINE void collect_get(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame,
	const struct sessd_header *header, uint64_t sum, bool take, enum take_decision decision)
{
	const struct table_view view = table_view(burst->table);
	struct pending_get *get = &burst->gets[burst->get_count++];

	get->take = take;
	get->decision = (uint8_t)decision;
	burst->take_count += take && decision == TAKE_WON;
	get->mbuf = mbuf;
	get->frame = *frame;
	get->sum = sum;
	get->key = table_burst_start(&view, header->key);
}

/* A TAKE that the farm decides. Its buffer waits; lcore_decided answers it. What cannot be asked is
 * a miss. */
COLD static void ask(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame,
	const struct sessd_header *header, uint64_t sum)
{
	struct lcore *lcore = burst->lcore;
	uint64_t left = table_left(
		burst->table, table_hash(burst->table, header->key), header->key, burst->now);
	int place = -1;

	if (left > 0 && lcore->waiting_count < LCORE_TAKES)
		place = take_queue_ask(lcore->takes, header->key, (uint32_t)clock_seconds(left));
	if (place < 0) {
		collect_get(burst, mbuf, frame, header, sum, true, TAKE_UNDECIDED);
		return;
	}
	lcore->waiting[place] = (struct lcore_take){mbuf, burst->queue, *frame, sum};
	lcore->waiting_count++;
	burst->asked = true;
}

void collect_decided(
	struct burst *burst, const struct lcore_take *take, enum take_decision decision)
{
	const struct frame *frame = &take->frame;

	collect_get(burst, take->mbuf, frame, (const struct sessd_header *)(frame_udp(frame) + 1),
		take->sum, true, decision);
}

/* Handles a packet for an address or port that is not served. */
COLD static void not_served(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame)
{
	struct dpdk_counters *counters = &burst->lcore->counters;

	drop(burst, mbuf,
		local_endpoints_why_not(burst->neighbour.local, frame) == LOCAL_NONE
			? &counters->drop_not_local
			: &counters->drop_other_port);
}

COLD static bool within_limit(
	struct burst *burst, const struct frame *frame, enum request_kind kind)
{
	struct address source;

	source_address(frame, &source);
	if (reader_take_token(&burst->lcore->reader, kind, &source, burst->now))
		return true;
	watch_limited(burst, &source, kind, (const void *)(frame_udp(frame) + 1));
	return false;
}

FRAME_INLINE void sort_udp(struct burst *burst, struct rte_mbuf *mbuf, struct frame *frame)
{
	struct dpdk_counters *counters = &burst->lcore->counters;
	const struct sessd_header *header;
	enum parse_result result = parse_udp(frame);
	uint64_t pseudo, header_sum;
	enum request_kind kind;
	size_t len;

	if (parse_refused(result)) {
		drop_parsed(burst, mbuf, result);
		return;
	}
	if (!local_endpoints_match(burst->neighbour.local, frame)) {
		not_served(burst, mbuf, frame);
		return;
	}
	if (frame->data[0] & 1) { /* multicast MAC address */
		drop(burst, mbuf, &counters->drop_not_local);
		return;
	}
	if (!source_usable(frame) || !frame_udp(frame)->source) {
		drop(burst, mbuf, &counters->drop_bad_source);
		return;
	}
	if (!burst->allow || !allow_source(burst->allow, frame)) {
		drop_request(burst, mbuf, frame, REQUEST_REFUSED);
		return;
	}
	header = (const struct sessd_header *)(frame_udp(frame) + 1);
	len = frame->l4_len - sizeof(struct frame_udp);
	kind = reader_classify(&burst->lcore->reader, header, len);
	if (request_is_dropped(kind)) {
		drop_request(burst, mbuf, frame, kind);
		return;
	}
	pseudo = checksum_pseudo(frame);
	header_sum = checksum_bytes(header, SESSD_HEADER_SIZE);
	if (!verify_udp(frame, pseudo, header_sum, SESSD_HEADER_SIZE)) {
		watch_lost(burst, frame);
		drop(burst, mbuf, &counters->drop_bad_checksum);
		return;
	}
	if (__builtin_expect(reader_limit(&burst->lcore->reader) != NULL, 0) &&
		!within_limit(burst, frame, kind)) {
		burst_drop(burst, mbuf);
		return;
	}
	switch (kind) {
	case REQUEST_GET:
	case REQUEST_TAKE:
		pseudo += header_sum + load32(frame_udp(frame));
		if (kind == REQUEST_TAKE && burst->lcore->takes)
			ask(burst, mbuf, frame, header, pseudo);
		else
			collect_get(
				burst, mbuf, frame, header, pseudo, kind == REQUEST_TAKE, TAKE_WON);
		break;
	case REQUEST_NEW:
	case REQUEST_REMOVE:
		collect_update(burst, mbuf, frame, header, len);
		break;
	case REQUEST_SHORT:
	case REQUEST_VERSION:
	case REQUEST_TYPE:
	case REQUEST_REFUSED:
		break;
	}
}

/* Replies per second and lcore, as the kernel's limit for ICMP (icmp_msgs_per_sec). */
#define ANSWERS_MAX 1000

static bool within_answers(struct answer_limit *limit, uint64_t now)
{
	if (now - limit->began >= clock_ticks(1)) {
		limit->began = now;
		limit->used = 0;
	}
	return limit->used++ < ANSWERS_MAX;
}

static bool is_echo(const struct frame *frame)
{
	return frame->l4_len > 0 &&
	       frame->data[frame->l4] == (frame->v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO);
}

/* NULL to answer; else the counter under which to drop. Pings are answered for sources in the allow
 * list only; ARP and neighbour solicitations for any source: the sender may be a router that the
 * list need not include. */
static uint64_t *neighbour_refused(
	struct burst *burst, const struct frame *frame, enum parse_result kind)
{
	struct lcore *lcore = burst->lcore;
	bool echo = kind == PARSE_ICMP && is_echo(frame);

	if (echo && (!burst->allow || !allow_source(burst->allow, frame)))
		return &lcore->counters.drop_echo_refused;
	if (!within_answers(echo ? &lcore->echoes : &lcore->neighbours, burst->now))
		return &lcore->counters.drop_neighbour_limit;
	return NULL;
}

/* Handles ARP and ICMP. The reply may be a few bytes longer than the request. */
COLD static void sort_neighbour(
	struct burst *burst, struct rte_mbuf *mbuf, struct frame *frame, enum parse_result kind)
{
	uint64_t *refused = neighbour_refused(burst, frame, kind);
	enum neighbour_result result;

	if (refused) {
		drop(burst, mbuf, refused);
		return;
	}
	if (rte_pktmbuf_tailroom(mbuf) < NEIGHBOUR_FRAME_MAX) {
		drop(burst, mbuf, &burst->lcore->counters.drop_no_room);
		return;
	}
	if (kind == PARSE_ARP)
		result = arp_input(&burst->neighbour, frame);
	else if (frame->v6)
		result = icmp6_input(&burst->neighbour, frame);
	else
		result = icmp_input(&burst->neighbour, frame);
	counter_add(counters_of_neighbour(&burst->lcore->counters, result), 1);
	if (!neighbour_is_reply(result)) {
		burst_drop(burst, mbuf);
		return;
	}
	mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	burst_send(burst, mbuf, frame);
}

/* Whether a tagged frame belongs to a VLAN that is served. VLAN 0 carries only a priority and
 * counts as no tag. */
COLD static bool vlan_served(const struct dpdk_args *args, const struct frame *frame)
{
	uint32_t vlan = 0;

	for (unsigned at = ETHER_HDR_LEN; at < frame->l3; at += 4)
		vlan = vlan << 16 | (ntohs(load16(frame->data + at)) & 0xfff);
	if (vlan >> 16 && !(vlan & 0xffff))
		vlan >>= 16;
	if (!vlan || args->any_vlan)
		return true;
	for (unsigned i = 0; i < args->vlan_count; i++) {
		if (args->vlans[i] == vlan)
			return true;
	}
	return false;
}

__attribute__((noinline)) static void sort_frame(struct burst *burst, struct rte_mbuf *mbuf)
{
	uint64_t flags = mbuf->ol_flags;
	struct frame frame = {.data = rte_pktmbuf_mtod(mbuf, uint8_t *), .len = mbuf->data_len};
	enum parse_result result;

	if ((flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		frame.checks |= FRAME_CHECKSUM_IP_GOOD;
	/* GOOD, or NONE: not computed, but a virtual port vouches for it. */
	if (flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		frame.checks |= FRAME_CHECKSUM_L4_GOOD;
	result = parse_frame_for(&frame, burst->neighbour.mac);
	if (parse_refused(result))
		drop_parsed(burst, mbuf, result);
	else if (frame.l3 != ETHER_HDR_LEN && !vlan_served(&burst->lcore->engine->args, &frame))
		drop(burst, mbuf, &burst->lcore->counters.drop_other_vlan);
	else if (__builtin_expect(result == PARSE_UDP, 1))
		sort_udp(burst, mbuf, &frame);
	else
		sort_neighbour(burst, mbuf, &frame, result);
}

/* Restores a frame that the port split or stripped of its tag. NULL if impossible; then it is
 * dropped. */
COLD static struct rte_mbuf *mend(struct burst *burst, struct rte_mbuf *mbuf)
{
	struct dpdk_counters *counters = &burst->lcore->counters;

	/* Some ports strip VLAN tags unasked. */
	if (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED && rte_vlan_insert(&mbuf) != 0) {
		drop(burst, mbuf, &counters->drop_no_room);
		return NULL;
	}
	if (mbuf->nb_segs != 1) {
		drop(burst, mbuf, &counters->drop_segmented);
		return NULL;
	}
	return mbuf;
}

void sort_frames(struct burst *burst, struct rte_mbuf **mbufs, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *mbuf = mbufs[i];

		if (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED || mbuf->nb_segs != 1)
			mbuf = mend(burst, mbuf);
		if (mbuf)
			sort_frame(burst, mbuf);
	}
}
