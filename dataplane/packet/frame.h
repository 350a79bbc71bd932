/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A frame and the offsets of its headers, for both IP versions. Frames are handled as bytes, so
 * that each step can be tested without a port. Header fields are in network byte order.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_FRAME_H
#define SESSIOND_DATAPLANE_PACKET_FRAME_H

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sessiond/unaligned.h>

#define FRAME_MAC 6

/* What the port reports of a frame's checksums. One reported as bad is checked again: some ports
 * report UDP without a checksum as bad. */
enum frame_checksum {
	FRAME_CHECKSUM_IP_GOOD = 1,
	FRAME_CHECKSUM_L4_GOOD = 2, /* or vouched for by a virtual port */
};

struct frame {
	uint8_t *data;
	uint32_t len;	 /* bytes at data */
	uint16_t l3;	 /* offset of what follows the Ethernet header and its VLAN tags */
	uint16_t l4;	 /* offset of what follows the IP header, its options or extensions */
	uint16_t l4_len; /* bytes there, by the IP header; for UDP, by UDP's own */
	uint8_t proto;	 /* IPPROTO_UDP, _ICMP or _ICMPV6 */
	uint8_t checks;	 /* enum frame_checksum */
	bool v6;
};

/* VLAN tags align IP headers to 2 bytes only. */
struct frame_ip4 {
	uint8_t version_ihl;
	uint8_t tos;
	uint16_t length;
	uint16_t id;
	uint16_t fragment;
	uint8_t ttl;
	uint8_t proto;
	uint16_t check;
	uint32_t source;
	uint32_t dest;
} __attribute__((packed));

struct frame_ip6 {
	uint32_t version_class_flow;
	uint16_t length;
	uint8_t next;
	uint8_t hops;
	uint8_t source[16];
	uint8_t dest[16];
} __attribute__((packed));

struct frame_udp {
	uint16_t source;
	uint16_t dest;
	uint16_t length;
	uint16_t check;
} __attribute__((packed));

_Static_assert(sizeof(struct frame_ip4) == 20, "IPv4 without options");
_Static_assert(sizeof(struct frame_ip6) == 40, "IPv6 without extension headers");
_Static_assert(sizeof(struct frame_udp) == 8, "UDP");

#define FRAME_INLINE static inline __attribute__((always_inline))

FRAME_INLINE struct frame_ip4 *frame_ip4(const struct frame *frame)
{
	return (struct frame_ip4 *)(frame->data + frame->l3);
}

FRAME_INLINE struct frame_ip6 *frame_ip6(const struct frame *frame)
{
	return (struct frame_ip6 *)(frame->data + frame->l3);
}

FRAME_INLINE struct frame_udp *frame_udp(const struct frame *frame)
{
	return (struct frame_udp *)(frame->data + frame->l4);
}

#endif
