/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a node without a kernel stack owes its neighbours: ARP, IPv6 neighbour discovery, echo.
 *
 * The *_input functions take a parsed frame and say what became of it. A reply is made in the
 * frame's place and goes out where the frame came in. VLAN tags stay.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H
#define SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H

#include "dataplane/packet/frame.h"
#include "dataplane/packet/local_endpoints.h"

/* Room for each announcement. */
#define NEIGHBOUR_FRAME_MAX 128

/* As many as DPDK has; were there more, they would be taken for somebody else. */
#define NEIGHBOUR_PORTS_MAX 32

/* Of all ports: two on one segment hear each other. */
struct neighbour_ports {
	unsigned count;
	uint8_t macs[NEIGHBOUR_PORTS_MAX][FRAME_MAC];
};

/* The port and the addresses that speak. */
struct neighbour {
	const struct local_endpoints *local;
	const struct neighbour_ports *ports; /* NULL: there is but this one */
	uint8_t mac[FRAME_MAC];
};

/* What became of a frame. */
enum neighbour_result {
	/* It is a reply now. */
	NEIGHBOUR_ARP_REPLY,
	NEIGHBOUR_ADVERTISEMENT,
	NEIGHBOUR_ECHO_REPLY,

	/* It needs no answer from here, or is malformed. */
	NEIGHBOUR_ARP_IGNORED,
	NEIGHBOUR_ICMP_IGNORED,

	NEIGHBOUR_CONFLICT, /* another station claims an address of ours */
};

FRAME_INLINE bool neighbour_is_reply(enum neighbour_result result)
{
	return result <= NEIGHBOUR_ECHO_REPLY;
}

/* Whether a MAC address is another port's of this node. */
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
/* Writes a gratuitous ARP for `addr` (network order) and returns its length. */
uint32_t arp_announce(const struct neighbour *neighbour, uint32_t addr, uint8_t *frame);

/* RFC 792: echo. */
enum neighbour_result icmp_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4443: echo; hands neighbour discovery on to ndp_input. */
enum neighbour_result icmp6_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4861, from an ICMPv6 message whose checksum is good. */
enum neighbour_result ndp_input(const struct neighbour *neighbour, struct frame *frame);
/* Writes an unsolicited neighbour advertisement for `addr` and returns its length. */
uint32_t ndp_announce(const struct neighbour *neighbour, const uint8_t addr[16], uint8_t *frame);

#endif
