/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dpdk/burst.h"
#include "dpdk/parse.h"
#include "dpdk/source.h"
#include "dpdk/verify.h"

static void drop(struct burst *burst, struct rte_mbuf *mbuf, uint64_t *counter)
{
	counter_add(counter, 1);
	burst_drop(burst, mbuf);
}

static void source_address(const struct frame *frame, struct address *source)
{
	if (frame->v6)
		memcpy(source->bytes, frame_ip6(frame)->source, 16);
	else
		address_from_ipv4(source, (const uint8_t *)&frame_ip4(frame)->source);
}

static void refuse(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame)
{
	struct address source;

	source_address(frame, &source);
	event_sample(&burst->lcore->events, SESSD_EVENT_NOT_ALLOWED, &source,
		ntohs(frame_udp(frame)->source), 0, burst->now);
	drop(burst, mbuf, &burst->lcore->requests.drop_not_allowed);
}

static void malformed(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame,
	enum request_kind kind)
{
	struct address source;

	source_address(frame, &source);
	request_count_drop(&burst->lcore->requests, kind);
	event_sample_drop(&burst->lcore->events, kind, frame_udp(frame) + 1, &source,
		ntohs(frame_udp(frame)->source), burst->now);
	burst_drop(burst, mbuf);
}

/* A NEW or REMOVE goes to the writer. */
static void update(struct burst *burst, struct rte_mbuf *mbuf, const struct sessd_header *header,
	size_t len, enum request_kind kind)
{
	struct dpdk_counters *counters = &burst->lcore->counters;

	if (!updates_push(&burst->lcore->updates, header, len))
		counter_add(&counters->drop_ring_full, 1);
	else
		counter_add(
			kind == REQUEST_NEW ? &counters->new_queued : &counters->remove_queued, 1);
	burst_drop(burst, mbuf);
}

FRAME_INLINE void collect_get(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame,
	const struct sessd_header *header, uint64_t pseudo, uint64_t header_sum)
{
	struct pending_get *get = &burst->gets[burst->get_count++];

	get->mbuf = mbuf;
	get->frame = *frame;
	get->pseudo = pseudo;
	get->sum = header_sum + load32(frame_udp(frame));
	get->hash = table_hash(burst->lcore->table, header->key);
	table_prefetch_bucket(burst->lcore->table, get->hash);
}

/* A packet for an address or port that is not answered. */
static void not_served(struct burst *burst, struct rte_mbuf *mbuf, const struct frame *frame)
{
	struct dpdk_counters *counters = &burst->lcore->counters;

	drop(burst, mbuf,
		served_why_not(burst->manners.served, frame) == SERVED_NOT_LOCAL
			? &counters->drop_not_local
			: &counters->drop_other_port);
}

FRAME_INLINE void sort_udp(struct burst *burst, struct rte_mbuf *mbuf, struct frame *frame)
{
	struct dpdk_counters *counters = &burst->lcore->counters;
	const struct sessd_header *header;
	uint64_t pseudo, header_sum, *why;
	enum request_kind kind;
	size_t len;

	why = parse_udp(frame, counters);
	if (why) {
		drop(burst, mbuf, why);
		return;
	}
	if (!served_match(burst->manners.served, frame)) {
		not_served(burst, mbuf, frame);
		return;
	}
	if (frame->data[0] & 1) { /* a group's MAC address */
		drop(burst, mbuf, &counters->drop_not_local);
		return;
	}
	if (!source_usable(frame) || !frame_udp(frame)->source) {
		drop(burst, mbuf, &counters->drop_bad_source);
		return;
	}
	if (!burst->allow || !allow_source(burst->allow, frame)) {
		refuse(burst, mbuf, frame);
		return;
	}
	header = (const struct sessd_header *)(frame_udp(frame) + 1);
	len = frame->l4_len - sizeof(struct frame_udp);
	kind = request_classify(header, len);
	if (kind >= REQUEST_SHORT) {
		malformed(burst, mbuf, frame, kind);
		return;
	}
	pseudo = checksum_pseudo(frame);
	header_sum = verify_header_sum(header);
	if (!verify_udp(frame, pseudo, header_sum)) {
		drop(burst, mbuf, &counters->drop_bad_checksum);
		return;
	}
	if (kind == REQUEST_GET)
		collect_get(burst, mbuf, frame, header, pseudo, header_sum);
	else
		update(burst, mbuf, header, len, kind);
}

/* ARP and ICMP: the reply, if there is one, may be longer than the request by a few bytes. */
static void sort_manners(
	struct burst *burst, struct rte_mbuf *mbuf, struct frame *frame, enum parse_kind kind)
{
	bool reply;

	if (rte_pktmbuf_tailroom(mbuf) < MANNERS_FRAME_MAX) {
		drop(burst, mbuf, &burst->lcore->counters.drop_no_room);
		return;
	}
	if (kind == PARSE_ARP)
		reply = arp_input(&burst->manners, frame);
	else if (frame->v6)
		reply = icmp6_input(&burst->manners, frame);
	else
		reply = icmp_input(&burst->manners, frame);
	if (!reply) {
		burst_drop(burst, mbuf);
		return;
	}
	mbuf->ol_flags &= RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;
	burst_send(burst, mbuf, frame);
}

void sort_frame(struct burst *burst, struct rte_mbuf *mbuf)
{
	struct dpdk_counters *counters = &burst->lcore->counters;
	struct frame frame;
	enum parse_kind kind;
	uint64_t *why;

	/* Some ports strip tags unasked. */
	if (__builtin_expect((mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0, 0) &&
		rte_vlan_insert(&mbuf) != 0) {
		drop(burst, mbuf, &counters->drop_no_room);
		return;
	}
	if (__builtin_expect(mbuf->nb_segs != 1, 0)) {
		drop(burst, mbuf, &counters->drop_segmented);
		return;
	}
	frame.data = rte_pktmbuf_mtod(mbuf, uint8_t *);
	frame.len = mbuf->data_len;
	frame.checks = 0;
	if ((mbuf->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD)
		frame.checks |= FRAME_CHECKSUM_IP_GOOD;
	/* GOOD, or NONE: not computed, but vouched for by a virtual port. */
	if (mbuf->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD)
		frame.checks |= FRAME_CHECKSUM_L4_GOOD;
	kind = parse_frame(&frame, burst->manners.mac, counters, &why);
	if (__builtin_expect(kind == PARSE_UDP, 1))
		sort_udp(burst, mbuf, &frame);
	else if (kind == PARSE_DROP)
		drop(burst, mbuf, why);
	else
		sort_manners(burst, mbuf, &frame, kind);
}
