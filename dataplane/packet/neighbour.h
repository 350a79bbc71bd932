/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a node without a kernel stack owes its neighbours: ARP, IPv6 neighbour discovery, echo.
 *
 * The *_input functions take a parsed frame, count what became of it, and return true if the frame
 * has been turned into a reply, which then goes out where it came in. VLAN tags stay.
 */
#ifndef SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H
#define SESSIOND_DATAPLANE_PACKET_NEIGHBOUR_H

#include "dataplane/dpdk/counters.h"
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
	struct dpdk_counters *counters;
};

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
bool arp_input(const struct neighbour *neighbour, struct frame *frame);
/* Writes a gratuitous ARP for `addr` (network order) and returns its length. */
uint32_t arp_announce(const struct neighbour *neighbour, uint32_t addr, uint8_t *frame);

/* RFC 792: echo. */
bool icmp_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4443: echo; hands neighbour discovery on to ndp_input. */
bool icmp6_input(const struct neighbour *neighbour, struct frame *frame);

/* RFC 4861, from an ICMPv6 message whose checksum is good. */
bool ndp_input(const struct neighbour *neighbour, struct frame *frame);
/* Writes an unsolicited neighbour advertisement for `addr` and returns its length. */
uint32_t ndp_announce(const struct neighbour *neighbour, const uint8_t addr[16], uint8_t *frame);

#endif
