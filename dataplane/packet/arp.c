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

static bool drop(const struct manners *manners)
{
	counter_add(&manners->counters->drop_arp, 1);
	return false;
}

bool arp_input(const struct manners *manners, struct frame *frame)
{
	struct arp_message *arp = (struct arp_message *)(frame->data + frame->l3);
	uint32_t target;

	if (frame->l3 + sizeof(*arp) > frame->len)
		return drop(manners);
	if (arp->hardware != htons(ARPHRD_ETHER) || arp->protocol != htons(ETHERTYPE_IP) ||
		arp->hardware_len != FRAME_MAC || arp->protocol_len != 4)
		return drop(manners);
	if (arp->sender_mac[0] & 1 || frame->data[FRAME_MAC] & 1)
		return drop(manners);
	if (manners_other_port(manners, arp->sender_mac))
		return drop(manners);
	if (served_has_ip4(manners->served, arp->sender) &&
		memcmp(arp->sender_mac, manners->mac, FRAME_MAC) != 0) {
		counter_add(&manners->counters->address_conflicts, 1);
		return false;
	}
	if (arp->operation != htons(ARPOP_REQUEST) || !served_has_ip4(manners->served, arp->target))
		return drop(manners);

	/* A sender of 0.0.0.0 probes whether the address is taken, and is told so. */
	target = arp->target;
	arp->operation = htons(ARPOP_REPLY);
	memcpy(arp->target_mac, arp->sender_mac, FRAME_MAC);
	arp->target = arp->sender;
	memcpy(arp->sender_mac, manners->mac, FRAME_MAC);
	arp->sender = target;
	memcpy(frame->data, frame->data + FRAME_MAC, FRAME_MAC);
	memcpy(frame->data + FRAME_MAC, manners->mac, FRAME_MAC);
	frame->len = (uint32_t)(frame->l3 + sizeof(*arp));
	counter_add(&manners->counters->arp_replies, 1);
	return true;
}

uint32_t arp_announce(const struct manners *manners, uint32_t addr, uint8_t *frame)
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

	memcpy(arp.sender_mac, manners->mac, FRAME_MAC);
	memset(frame, 0xff, FRAME_MAC);
	memcpy(frame + FRAME_MAC, manners->mac, FRAME_MAC);
	store16(frame + 12, htons(ETHERTYPE_ARP));
	memcpy(frame + ETHER_HDR_LEN, &arp, sizeof(arp));
	return ETHER_HDR_LEN + sizeof(arp);
}
