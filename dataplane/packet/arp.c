/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/reply.h"

#include <net/if_arp.h>

struct arp_message {
	uint16_t hardware;
	uint16_t protocol;
	uint8_t hardware_len;
	uint8_t protocol_len;
	uint16_t operation;
	uint8_t sender_mac[FRAME_MAC];
	uint32_t sender;
	uint8_t target_mac[FRAME_MAC];
	uint32_t target;
} __attribute__((packed));

_Static_assert(sizeof(struct arp_message) == 28, "ARP for IPv4 over Ethernet");

enum neighbour_result arp_input(const struct neighbour *neighbour, struct frame *frame)
{
	struct arp_message *arp = (struct arp_message *)(frame->data + frame->l3);
	uint32_t target;

	if (frame->l3 + sizeof(*arp) > frame->len)
		return NEIGHBOUR_ARP_IGNORED;
	if (arp->hardware != htons(ARPHRD_ETHER) || arp->protocol != htons(ETHERTYPE_IP) ||
		arp->hardware_len != FRAME_MAC || arp->protocol_len != 4)
		return NEIGHBOUR_ARP_IGNORED;
	if (arp->sender_mac[0] & 1 || frame->data[FRAME_MAC] & 1)
		return NEIGHBOUR_ARP_IGNORED;
	if (neighbour_other_port(neighbour, arp->sender_mac))
		return NEIGHBOUR_ARP_IGNORED;
	if (local_endpoints_has_ip4(neighbour->local, arp->sender) &&
		memcmp(arp->sender_mac, neighbour->mac, FRAME_MAC) != 0)
		return NEIGHBOUR_CONFLICT;
	if (arp->operation != htons(ARPOP_REQUEST) ||
		!local_endpoints_has_ip4(neighbour->local, arp->target))
		return NEIGHBOUR_ARP_IGNORED;

	/* A sender of 0.0.0.0 probes whether the address is in use (RFC 5227): answer it. */
	target = arp->target;
	arp->operation = htons(ARPOP_REPLY);
	memcpy(arp->target_mac, arp->sender_mac, FRAME_MAC);
	arp->target = arp->sender;
	memcpy(arp->sender_mac, neighbour->mac, FRAME_MAC);
	arp->sender = target;
	memcpy(frame->data, frame->data + FRAME_MAC, FRAME_MAC);
	memcpy(frame->data + FRAME_MAC, neighbour->mac, FRAME_MAC);
	frame->len = (uint32_t)(frame->l3 + sizeof(*arp));
	return NEIGHBOUR_ARP_REPLY;
}

uint32_t arp_announce(const struct neighbour *neighbour, uint32_t addr, uint8_t *frame)
{
	struct arp_message arp = {
		.hardware = htons(ARPHRD_ETHER),
		.protocol = htons(ETHERTYPE_IP),
		.hardware_len = FRAME_MAC,
		.protocol_len = 4,
		.operation = htons(ARPOP_REQUEST),
		.sender = addr,
		.target = addr,
	};

	memcpy(arp.sender_mac, neighbour->mac, FRAME_MAC);
	memset(frame, 0xff, FRAME_MAC);
	memcpy(frame + FRAME_MAC, neighbour->mac, FRAME_MAC);
	store16(frame + 12, htons(ETHERTYPE_ARP));
	memcpy(frame + ETHER_HDR_LEN, &arp, sizeof(arp));
	return ETHER_HDR_LEN + sizeof(arp);
}
