/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * ARP, IPv6 neighbour discovery and echo, for a node without a kernel stack.
 *
 * The *_input functions take a parsed frame and return what became of it. A reply replaces the
 * frame's contents and leaves by the port by which the frame came. VLAN tags stay.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H
#define SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H

#include "dataplane/packet/frame.h"
#include "dataplane/packet/local_endpoints.h"

/* Bytes of an announcement, at most. */
#define NEIGHBOUR_FRAME_MAX 128

/* DPDK's RTE_MAX_ETHPORTS. Frames of further ports would be taken for another station's. */
#define NEIGHBOUR_PORTS_MAX 32

/* MAC addresses of all ports: two ports on one segment hear each other. */
struct neighbour_ports {
	unsigned count;
	uint8_t macs[NEIGHBOUR_PORTS_MAX][FRAME_MAC];
};

/* The port that answers, and this node's addresses. */
struct neighbour {
	const struct local_endpoints *local;
	const struct neighbour_ports *ports; /* NULL: there is only this port */
	uint8_t mac[FRAME_MAC];
};

/* The result for a frame. */
enum neighbour_result {
	/* The frame is a reply now. */
	NEIGHBOUR_ARP_REPLY,
	NEIGHBOUR_ADVERTISEMENT,
	NEIGHBOUR_ECHO_REPLY,

	/* Needs no answer from this node, or is malformed. */
	NEIGHBOUR_ARP_IGNORED,
	NEIGHBOUR_ICMP_IGNORED,

	NEIGHBOUR_CONFLICT, /* another station claims one of our addresses */
};

FRAME_INLINE bool neighbour_is_reply(enum neighbour_result result)
{
	return result <= NEIGHBOUR_ECHO_REPLY;
}

/* Whether a MAC address belongs to another port of this node. */
FRAME_INLINE bool neighbour_other_port(
	const struct neighbour *neighbour, const uint8_t mac[FRAME_MAC])
{
	for (unsigned i = 0; neighbour->ports && i < neighbour->ports->count; i++) {
		if (memcmp(mac, neighbour->ports->macs[i], FRAME_MAC) == 0)
			return memcmp(mac, neighbour->mac, FRAME_MAC) != 0;
	}
	return false;
}

/* RFC 826, RFC 5227. */
enum neighbour_result arp_input(const struct neighbour *neighbour, struct frame *frame);
/* Writes a gratuitous ARP for `addr` (network byte order) to `frame`, of NEIGHBOUR_FRAME_MAX bytes.
 * Returns its length. */
uint32_t arp_announce(const struct neighbour *neighbour, uint32_t addr, uint8_t *frame);

/* RFC 792: echo. */
enum neighbour_result icmp_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4443: echo; passes neighbour discovery to ndp_input. */
enum neighbour_result icmp6_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4861, for an ICMPv6 message whose checksum is right. */
enum neighbour_result ndp_input(const struct neighbour *neighbour, struct frame *frame);
/* Writes an unsolicited neighbour advertisement for `addr` to `frame`, of NEIGHBOUR_FRAME_MAX
 * bytes. Returns its length. */
uint32_t ndp_announce(const struct neighbour *neighbour, const uint8_t addr[16], uint8_t *frame);

#endif
