/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/xsk_parse.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#define ETHERNET_SIZE 14
#define VLAN_SIZE     4
#define VLAN_TAGS_MAX 2
#define IP4_SIZE      20
#define IP6_SIZE      40
#define UDP_SIZE      8

/* What is left of the frame. */
struct cursor {
	const uint8_t *at;
	size_t left;
};

/* Steps over `size` bytes, which it returns; NULL if they are not there. */
static const uint8_t *take(struct cursor *cursor, size_t size)
{
	const uint8_t *at = cursor->at;

	if (cursor->left < size)
		return NULL;
	cursor->at += size;
	cursor->left -= size;
	return at;
}

static unsigned be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* RFC 1071, of words as they lie in memory: neither folded nor complemented. */
static uint64_t sum_bytes(const uint8_t *at, size_t size)
{
	uint64_t sum = 0;
	uint32_t word;

	for (; size >= 4; size -= 4, at += 4) {
		memcpy(&word, at, 4);
		sum += word;
	}
	word = 0;
	memcpy(&word, at, size);
	return sum + word;
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static const uint8_t *parse_ethernet(struct cursor *cursor, unsigned *proto)
{
	const uint8_t *header = take(cursor, ETHERNET_SIZE);

	if (!header)
		return NULL;
	*proto = be16(header + 12);
	for (int i = 0; i < VLAN_TAGS_MAX && (*proto == ETH_P_8021Q || *proto == ETH_P_8021AD);
		i++) {
		header = take(cursor, VLAN_SIZE);
		if (!header)
			return NULL;
		*proto = be16(header + 2);
	}
	return header;
}

/* Leaves the UDP datagram in the cursor; `*addresses` are the source and the destination. */
static enum xsk_parsed parse_ip4(
	struct cursor *cursor, const uint8_t **addresses, size_t *addresses_size)
{
	const uint8_t *ip = take(cursor, IP4_SIZE);
	size_t length;

	if (!ip || ip[0] != 0x45 || ip[9] != IPPROTO_UDP)
		return XSK_MALFORMED;
	if (be16(ip + 6) & 0x3fff) /* more fragments, or not the first */
		return XSK_MALFORMED;
	length = be16(ip + 2);
	if (length < IP4_SIZE || length - IP4_SIZE > cursor->left)
		return XSK_MALFORMED;
	cursor->left = length - IP4_SIZE;
	if (fold(sum_bytes(ip, IP4_SIZE)) != 0xffff)
		return XSK_CHECKSUM;
	*addresses = ip + 12;
	*addresses_size = 8;
	return XSK_MESSAGE;
}

static enum xsk_parsed parse_ip6(
	struct cursor *cursor, const uint8_t **addresses, size_t *addresses_size)
{
	const uint8_t *ip = take(cursor, IP6_SIZE);
	size_t length;

	if (!ip || ip[0] >> 4 != 6 || ip[6] != IPPROTO_UDP)
		return XSK_MALFORMED;
	length = be16(ip + 4);
	if (length > cursor->left)
		return XSK_MALFORMED;
	cursor->left = length;
	*addresses = ip + 8;
	*addresses_size = 32;
	return XSK_MESSAGE;
}

enum xsk_parsed xsk_parse(
	const uint8_t *frame, size_t size, const uint8_t **message, size_t *length)
{
	struct cursor cursor = {.at = frame, .left = size};
	const uint8_t *addresses, *udp;
	enum xsk_parsed parsed = XSK_MALFORMED;
	size_t addresses_size, udp_length;
	uint16_t check;
	uint64_t pseudo;
	unsigned proto;

	if (!parse_ethernet(&cursor, &proto))
		return XSK_MALFORMED;
	if (proto == ETH_P_IP)
		parsed = parse_ip4(&cursor, &addresses, &addresses_size);
	else if (proto == ETH_P_IPV6)
		parsed = parse_ip6(&cursor, &addresses, &addresses_size);
	if (parsed != XSK_MESSAGE)
		return parsed;
	udp_length = cursor.left;
	udp = take(&cursor, UDP_SIZE);
	if (!udp || be16(udp + 4) != udp_length)
		return XSK_MALFORMED;
	*message = udp + UDP_SIZE;
	*length = udp_length - UDP_SIZE;
	memcpy(&check, udp + 6, sizeof(check));
	if (check == 0)
		return proto == ETH_P_IP ? XSK_MESSAGE : XSK_CHECKSUM;
	pseudo = sum_bytes(addresses, addresses_size) + htons(IPPROTO_UDP) +
		 htons((uint16_t)udp_length);
	if (fold(pseudo + sum_bytes(udp, udp_length)) == 0xffff)
		return XSK_MESSAGE;
	return check == fold(pseudo) ? XSK_MESSAGE : XSK_CHECKSUM;
}
