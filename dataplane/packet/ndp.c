/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/reply.h"
#include "dataplane/packet/source.h"

#include <netinet/icmp6.h>

#define NDP_HOPS 255

/* A neighbour solicitation or advertisement, then options. */
struct ndp_message {
	uint8_t type;
	uint8_t code;
	uint16_t check;
	uint8_t flags; /* in advertisements only */
	uint8_t reserved[3];
	uint8_t target[16];
} __attribute__((packed));

/* Option with an Ethernet address. */
struct ndp_mac_option {
	uint8_t type;
	uint8_t length; /* in units of 8 bytes */
	uint8_t mac[FRAME_MAC];
} __attribute__((packed));

struct ndp_advertisement {
	struct ndp_message message;
	struct ndp_mac_option option;
} __attribute__((packed));

_Static_assert(sizeof(struct ndp_advertisement) == 32, "an advertisement with its option");

#define FLAG_SOLICITED 0x40
#define FLAG_OVERRIDE  0x20

static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
static const uint8_t unspecified[16];

/* ff02::1:ff00:0/104 and the target's last three bytes. */
static bool is_solicited_node(const uint8_t addr[16], const uint8_t target[16])
{
	static const uint8_t prefix[13] = {0xff, 0x02, [11] = 1, [12] = 0xff};

	return memcmp(addr, prefix, 13) == 0 && memcmp(addr + 13, target + 13, 3) == 0;
}

/* Walks the options; false if one has length 0 or exceeds the end (RFC 4861 7.1.1). */
static bool options_valid(const uint8_t *at, const uint8_t *end, bool *source_mac)
{
	*source_mac = false;
	while (at < end) {
		if (end - at < 8 || at[1] == 0 || at[1] * 8 > end - at)
			return false;
		if (at[0] == ND_OPT_SOURCE_LINKADDR)
			*source_mac = true;
		at += at[1] * 8;
	}
	return true;
}

static void advertise(const struct neighbour *neighbour, struct frame *frame,
	const uint8_t target[16], const uint8_t dest[16], uint8_t flags)
{
	struct frame_ip6 *ip = frame_ip6(frame);
	struct ndp_advertisement *advertisement;

	frame->l4 = (uint16_t)(frame->l3 + sizeof(*ip));
	frame->l4_len = sizeof(*advertisement);
	frame->proto = IPPROTO_ICMPV6;
	frame->v6 = true;
	advertisement = (struct ndp_advertisement *)(frame->data + frame->l4);
	memset(advertisement, 0, sizeof(*advertisement));
	advertisement->message.type = ND_NEIGHBOR_ADVERT;
	advertisement->message.flags = flags;
	memcpy(advertisement->message.target, target, 16);
	advertisement->option.type = ND_OPT_TARGET_LINKADDR;
	advertisement->option.length = 1;
	memcpy(advertisement->option.mac, neighbour->mac, FRAME_MAC);

	ip->version_class_flow = htonl(0x60000000);
	ip->length = htons(sizeof(*advertisement));
	ip->next = IPPROTO_ICMPV6;
	ip->hops = NDP_HOPS;
	memcpy(ip->source, target, 16);
	memcpy(ip->dest, dest, 16);
	advertisement->message.check =
		(uint16_t)~checksum_fold(checksum_bytes(advertisement, sizeof(*advertisement)) +
					 checksum_pseudo(frame) + htons(sizeof(*advertisement)));
	frame->len = frame->l4 + (uint32_t)sizeof(*advertisement);
}

/* Sets the MAC addresses: of the IPv6 multicast group `group` (RFC 2464 7), or of a reply if it is
 * NULL. */
static void address_frame(
	const struct neighbour *neighbour, struct frame *frame, const uint8_t *group)
{
	if (group) {
		frame->data[0] = frame->data[1] = 0x33;
		memcpy(frame->data + 2, group + 12, 4);
	} else {
		memcpy(frame->data, frame->data + FRAME_MAC, FRAME_MAC);
	}
	memcpy(frame->data + FRAME_MAC, neighbour->mac, FRAME_MAC);
}

static enum neighbour_result solicitation(const struct neighbour *neighbour, struct frame *frame)
{
	const struct frame_ip6 *ip = frame_ip6(frame);
	const struct ndp_message *message = (const void *)(frame->data + frame->l4);
	const uint8_t *options = (const uint8_t *)(message + 1);
	bool probe = memcmp(ip->source, unspecified, 16) == 0, source_mac;
	uint8_t target[16], dest[16];

	if (!options_valid(options, frame->data + frame->l4 + frame->l4_len, &source_mac))
		return NEIGHBOUR_ICMP_IGNORED;
	memcpy(target, message->target, 16);
	if (!local_endpoints_has_ip6(neighbour->local, target))
		return NEIGHBOUR_ICMP_IGNORED;
	if (memcmp(ip->dest, target, 16) != 0 && !is_solicited_node(ip->dest, target))
		return NEIGHBOUR_ICMP_IGNORED;
	/* Duplicate address detection: the sender has no address yet, so answer to all nodes. */
	if (probe) {
		if (source_mac || !is_solicited_node(ip->dest, target))
			return NEIGHBOUR_ICMP_IGNORED;
		memcpy(dest, all_nodes, 16);
	} else {
		if (!source_usable(frame))
			return NEIGHBOUR_ICMP_IGNORED;
		memcpy(dest, ip->source, 16);
	}
	reply_strip(frame);
	advertise(neighbour, frame, target, dest,
		probe ? FLAG_OVERRIDE : FLAG_OVERRIDE | FLAG_SOLICITED);
	address_frame(neighbour, frame, probe ? all_nodes : NULL);
	return NEIGHBOUR_ADVERTISEMENT;
}

enum neighbour_result ndp_input(const struct neighbour *neighbour, struct frame *frame)
{
	const struct ndp_message *message = (const void *)(frame->data + frame->l4);

	/* A hop limit of 255 proves that it was sent on this link. */
	if (frame->l4_len < sizeof(*message) || message->code != 0 ||
		frame_ip6(frame)->hops != NDP_HOPS || frame->data[FRAME_MAC] & 1)
		return NEIGHBOUR_ICMP_IGNORED;
	if (message->type == ND_NEIGHBOR_SOLICIT)
		return solicitation(neighbour, frame);
	if (message->type == ND_NEIGHBOR_ADVERT &&
		local_endpoints_has_ip6(neighbour->local, message->target) &&
		memcmp(frame->data + FRAME_MAC, neighbour->mac, FRAME_MAC) != 0 &&
		!neighbour_other_port(neighbour, frame->data + FRAME_MAC))
		return NEIGHBOUR_CONFLICT;
	return NEIGHBOUR_ICMP_IGNORED;
}

uint32_t ndp_announce(const struct neighbour *neighbour, const uint8_t addr[16], uint8_t *data)
{
	struct frame frame = {.data = data, .l3 = ETHER_HDR_LEN};

	advertise(neighbour, &frame, addr, all_nodes, FLAG_OVERRIDE);
	address_frame(neighbour, &frame, all_nodes);
	store16(data + 12, htons(ETHERTYPE_IPV6));
	return frame.len;
}
