/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * From a frame to what it holds: VLAN tags, IPv4 with options, IPv6 with extension headers. There
 * is no kernel stack below to hand odd packets to, so all that can be answered is.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_PARSE_H
#define SESSIOND_DATAPLANE_PACKET_PARSE_H

#include "dataplane/dpdk/counters.h"
#include "dataplane/packet/checksum.h"

#define PARSE_VLAN_TAGS_MAX 2

enum parse_kind {
	PARSE_UDP, /* proto, l4 and l4_len are set; ports not looked at */
	PARSE_ARP,
	PARSE_ICMP, /* of either version */
	PARSE_DROP, /* `*why` says why */
};

/* Walks over IPv4 options: false if they are malformed, or ask for a route (refused by every host
 * since RFC 7126). */
bool parse_ip4_options(const struct frame *frame, unsigned header_len);

/* Walks over IPv6 extension headers, from frame->l4 of type `next`, and moves l4, l4_len and proto.
 * Returns NULL, or the counter of the reason to drop. */
uint64_t *parse_ip6_extensions(struct frame *frame, uint8_t next, struct dpdk_counters *counters);

FRAME_INLINE enum parse_kind parse_drop(uint64_t *counter, uint64_t **why)
{
	*why = counter;
	return PARSE_DROP;
}

FRAME_INLINE enum parse_kind parse_ip4(
	struct frame *frame, struct dpdk_counters *counters, uint64_t **why)
{
	const struct frame_ip4 *ip = frame_ip4(frame);
	unsigned header_len, length;

	frame->v6 = false;
	if (frame->l3 + sizeof(*ip) > frame->len)
		return parse_drop(&counters->drop_truncated, why);
	if (ip->version_ihl >> 4 != 4)
		return parse_drop(&counters->drop_not_ip, why);
	header_len = (ip->version_ihl & 15) * 4U;
	length = ntohs(ip->length);
	if (header_len < sizeof(*ip) || length < header_len)
		return parse_drop(&counters->drop_bad_length, why);
	if (frame->l3 + length > frame->len)
		return parse_drop(&counters->drop_truncated, why);
	if (ip->fragment & htons(0x3fff)) /* MF, offset */
		return parse_drop(&counters->drop_fragment, why);
	if (__builtin_expect(header_len == sizeof(*ip), 1)) {
		if (!(frame->checks & FRAME_CHECKSUM_IP_GOOD) &&
			!checksum_right(checksum_bytes(ip, sizeof(*ip))))
			return parse_drop(&counters->drop_bad_checksum, why);
	} else {
		if (!checksum_right(checksum_bytes(ip, header_len)))
			return parse_drop(&counters->drop_bad_checksum, why);
		if (!parse_ip4_options(frame, header_len))
			return parse_drop(&counters->drop_ip_options, why);
	}
	frame->l4 = (uint16_t)(frame->l3 + header_len);
	frame->l4_len = (uint16_t)(length - header_len);
	frame->proto = ip->proto;
	if (ip->proto == IPPROTO_UDP)
		return PARSE_UDP;
	if (ip->proto == IPPROTO_ICMP)
		return PARSE_ICMP;
	return parse_drop(&counters->drop_not_udp, why);
}

FRAME_INLINE enum parse_kind parse_ip6(
	struct frame *frame, struct dpdk_counters *counters, uint64_t **why)
{
	const struct frame_ip6 *ip = frame_ip6(frame);

	frame->v6 = true;
	if (frame->l3 + sizeof(*ip) > frame->len)
		return parse_drop(&counters->drop_truncated, why);
	if (*(const uint8_t *)ip >> 4 != 6)
		return parse_drop(&counters->drop_not_ip, why);
	if (frame->l3 + sizeof(*ip) + ntohs(ip->length) > frame->len)
		return parse_drop(&counters->drop_truncated, why);
	frame->l4 = (uint16_t)(frame->l3 + sizeof(*ip));
	frame->l4_len = ntohs(ip->length);
	frame->proto = ip->next;
	if (ip->next != IPPROTO_UDP && ip->next != IPPROTO_ICMPV6) {
		*why = parse_ip6_extensions(frame, ip->next, counters);
		if (*why)
			return PARSE_DROP;
	}
	return frame->proto == IPPROTO_UDP ? PARSE_UDP : PARSE_ICMP;
}

/* `frame` has data, len and checks. `mac` is the port's address. */
FRAME_INLINE enum parse_kind parse_frame(struct frame *frame, const uint8_t mac[FRAME_MAC],
	struct dpdk_counters *counters, uint64_t **why)
{
	const uint8_t *data = frame->data;
	uint16_t proto;

	if (frame->len < ETHER_HDR_LEN)
		return parse_drop(&counters->drop_truncated, why);
	/* A switch floods, and a promiscuous port takes, what is for others. */
	if (!(data[0] & 1) && (load32(data) != load32(mac) || load16(data + 4) != load16(mac + 4)))
		return parse_drop(&counters->drop_other_host, why);
	proto = load16(data + 12);
	frame->l3 = ETHER_HDR_LEN;
	for (unsigned i = 0; i < PARSE_VLAN_TAGS_MAX; i++) {
		if (proto != htons(ETHERTYPE_VLAN) && proto != htons(0x88a8))
			break;
		if (frame->l3 + 4U > frame->len)
			return parse_drop(&counters->drop_truncated, why);
		proto = load16(data + frame->l3 + 2);
		frame->l3 += 4;
	}
	if (proto == htons(ETHERTYPE_IP))
		return parse_ip4(frame, counters, why);
	if (proto == htons(ETHERTYPE_IPV6))
		return parse_ip6(frame, counters, why);
	if (proto == htons(ETHERTYPE_ARP))
		return PARSE_ARP;
	return parse_drop(&counters->drop_not_ip, why);
}

/* The UDP header of a PARSE_UDP frame: sets l4_len to UDP's length. As in the kernel, a datagram
 * may be shorter than the packet that carries it, and an IPv6 one may leave its length 0. */
FRAME_INLINE uint64_t *parse_udp(struct frame *frame, struct dpdk_counters *counters)
{
	unsigned length;

	if (frame->l4_len < sizeof(struct frame_udp))
		return &counters->drop_bad_length;
	length = ntohs(frame_udp(frame)->length);
	if (length == 0 && frame->v6)
		length = frame->l4_len;
	if (length < sizeof(struct frame_udp) || length > frame->l4_len)
		return &counters->drop_bad_length;
	frame->l4_len = (uint16_t)length;
	return NULL;
}

#endif
