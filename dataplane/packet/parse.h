/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parses frames: VLAN tags, IPv4, IPv6. In dpdk mode no kernel stack can take odd packets, so
 * everything that can be answered is.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_PARSE_H
#define SESSIOND_DATAPLANE_PACKET_PARSE_H

#include "dataplane/packet/checksum.h"

#define PARSE_VLAN_TAGS_MAX 2

/* How to treat IPv4 options and IPv6 extension headers; a compile-time constant. */
enum parse_options {
	PARSE_OPTIONS_WALK,
	PARSE_OPTIONS_REFUSE,
};

/* What a frame is, or why it is dropped. */
enum parse_result {
	PARSE_UDP, /* proto, l4 and l4_len are set; ports not checked */
	PARSE_ARP,
	PARSE_ICMP, /* ICMP or ICMPv6 */

	PARSE_TRUNCATED,    /* shorter than its headers say */
	PARSE_OTHER_HOST,   /* another host's MAC address */
	PARSE_NOT_IP,	    /* neither IP nor ARP */
	PARSE_NOT_UDP,	    /* IP, but neither UDP nor ICMP */
	PARSE_IP_OPTIONS,   /* malformed or refused IPv4 options or IPv6 extension headers */
	PARSE_FRAGMENT,	    /* IP fragment */
	PARSE_BAD_LENGTH,   /* IP and UDP lengths disagree */
	PARSE_BAD_CHECKSUM, /* wrong IPv4 header checksum */
};

FRAME_INLINE bool parse_refused(enum parse_result result)
{
	return result >= PARSE_TRUNCATED;
}

/* Walks the IPv4 options; false if they are malformed or request source routing (which hosts
 * refuse, RFC 7126). */
bool parse_ip4_options(const struct frame *frame, unsigned header_len);

/* Walks the IPv6 extension headers, from frame->l4 of type `next`; advances l4, l4_len and
 * proto. */
enum parse_result parse_ip6_extensions(struct frame *frame, uint8_t next);

FRAME_INLINE enum parse_result parse_ip4(struct frame *frame, enum parse_options options)
{
	const struct frame_ip4 *ip = frame_ip4(frame);
	unsigned header_len, length;

	frame->v6 = false;
	if (frame->l3 + sizeof(*ip) > frame->len)
		return PARSE_TRUNCATED;
	if (ip->version_ihl >> 4 != 4)
		return PARSE_NOT_IP;
	header_len = (ip->version_ihl & 15) * 4U;
	length = ntohs(ip->length);
	if (header_len < sizeof(*ip) || length < header_len)
		return PARSE_BAD_LENGTH;
	if (frame->l3 + length > frame->len)
		return PARSE_TRUNCATED;
	if (ip->fragment & htons(0x3fff)) /* MF, offset */
		return PARSE_FRAGMENT;
	if (__builtin_expect(header_len == sizeof(*ip), 1)) {
		if (!(frame->checks & FRAME_CHECKSUM_IP_GOOD) &&
			!checksum_right(checksum_bytes(ip, sizeof(*ip))))
			return PARSE_BAD_CHECKSUM;
	} else if (options == PARSE_OPTIONS_REFUSE) {
		return PARSE_IP_OPTIONS;
	} else {
		if (!checksum_right(checksum_bytes(ip, header_len)))
			return PARSE_BAD_CHECKSUM;
		if (!parse_ip4_options(frame, header_len))
			return PARSE_IP_OPTIONS;
	}
	frame->l4 = (uint16_t)(frame->l3 + header_len);
	frame->l4_len = (uint16_t)(length - header_len);
	frame->proto = ip->proto;
	if (ip->proto == IPPROTO_UDP)
		return PARSE_UDP;
	if (ip->proto == IPPROTO_ICMP)
		return PARSE_ICMP;
	return PARSE_NOT_UDP;
}

FRAME_INLINE enum parse_result parse_ip6(struct frame *frame, enum parse_options options)
{
	const struct frame_ip6 *ip = frame_ip6(frame);

	frame->v6 = true;
	if (frame->l3 + sizeof(*ip) > frame->len)
		return PARSE_TRUNCATED;
	if (*(const uint8_t *)ip >> 4 != 6)
		return PARSE_NOT_IP;
	if (frame->l3 + sizeof(*ip) + ntohs(ip->length) > frame->len)
		return PARSE_TRUNCATED;
	frame->l4 = (uint16_t)(frame->l3 + sizeof(*ip));
	frame->l4_len = ntohs(ip->length);
	frame->proto = ip->next;
	if (ip->next == IPPROTO_UDP)
		return PARSE_UDP;
	if (ip->next == IPPROTO_ICMPV6)
		return PARSE_ICMP;
	if (options == PARSE_OPTIONS_REFUSE)
		return PARSE_NOT_UDP;
	return parse_ip6_extensions(frame, ip->next);
}

/* Parses a frame of which data, len and checks are set. */
FRAME_INLINE enum parse_result parse_frame(struct frame *frame, enum parse_options options)
{
	const uint8_t *data = frame->data;
	uint16_t proto;

	if (frame->len < ETHER_HDR_LEN)
		return PARSE_TRUNCATED;
	proto = load16(data + 12);
	frame->l3 = ETHER_HDR_LEN;
	for (unsigned i = 0; i < PARSE_VLAN_TAGS_MAX; i++) {
		if (proto != htons(ETHERTYPE_VLAN) && proto != htons(0x88a8))
			break;
		if (frame->l3 + 4U > frame->len)
			return PARSE_TRUNCATED;
		proto = load16(data + frame->l3 + 2);
		frame->l3 += 4;
	}
	if (proto == htons(ETHERTYPE_IP))
		return parse_ip4(frame, options);
	if (proto == htons(ETHERTYPE_IPV6))
		return parse_ip6(frame, options);
	if (proto == htons(ETHERTYPE_ARP))
		return PARSE_ARP;
	return PARSE_NOT_IP;
}

/* parse_frame for a port with MAC address `mac`: switches flood, and promiscuous ports accept,
 * frames for other hosts. */
FRAME_INLINE enum parse_result parse_frame_for(struct frame *frame, const uint8_t mac[FRAME_MAC])
{
	const uint8_t *data = frame->data;

	if (frame->len < ETHER_HDR_LEN)
		return PARSE_TRUNCATED;
	if (!(data[0] & 1) && (load32(data) != load32(mac) || load16(data + 4) != load16(mac + 4)))
		return PARSE_OTHER_HOST;
	return parse_frame(frame, PARSE_OPTIONS_WALK);
}

/* Checks the UDP header of a PARSE_UDP frame and sets l4_len to UDP's length. As in the kernel, a
 * datagram may be shorter than its packet, and over IPv6 its length may be 0. */
FRAME_INLINE enum parse_result parse_udp(struct frame *frame)
{
	unsigned length;

	if (frame->l4_len < sizeof(struct frame_udp))
		return PARSE_BAD_LENGTH;
	length = ntohs(frame_udp(frame)->length);
	if (length == 0 && frame->v6)
		length = frame->l4_len;
	if (length < sizeof(struct frame_udp) || length > frame->l4_len)
		return PARSE_BAD_LENGTH;
	frame->l4_len = (uint16_t)length;
	return PARSE_UDP;
}

#endif
