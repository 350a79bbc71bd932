/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bpf/frame.h"

#include "tests/wire.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t server_mac[6] = {0x02, 0x11, 0x12, 0x13, 0x14, 0x15};
static const uint8_t client_mac[6] = {0x06, 0x21, 0x22, 0x23, 0x24, 0x25};

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t size)
{
	memcpy(at, bytes, size);
	return at + size;
}

static int or_default(int value, int otherwise)
{
	if (value == -1)
		return 0;
	return value ? value : otherwise;
}

static size_t message_build(const struct frame_spec *spec, uint8_t *message)
{
	uint8_t *at = message;

	*at++ = or_default(spec->message_version, SESSD_VERSION);
	*at++ = or_default(spec->type, SESSD_GET);
	at = put16(at, spec->timeout);
	at = put_bytes(at, spec->key, SESSD_KEY_SIZE);
	for (unsigned i = 0; i < spec->trailing; i++)
		*at++ = 0xe1 + i * 7;
	return spec->message_length ? spec->message_length - 1 : (size_t)(at - message);
}

static uint8_t *ethernet_build(const struct frame_spec *spec, uint8_t *at)
{
	at = put_bytes(at, spec->dest_mac ? spec->dest_mac : server_mac, 6);
	at = put_bytes(at, spec->source_mac ? spec->source_mac : client_mac, 6);
	for (unsigned i = 0; i < spec->vlans; i++) {
		at = put16(at, i + 1 < spec->vlans ? 0x88a8 : 0x8100);
		at = put16(at, 0x2000 + 100 + i); /* priority 1, VLAN 100 and on */
	}
	return put16(at, spec->ethertype ? spec->ethertype : spec->v6 ? 0x86dd : 0x0800);
}

/* Both write the IP header before `length` bytes, and put the addresses into `pseudo`. */
static uint8_t *ip4_build(
	const struct frame_spec *spec, uint8_t *ip, size_t length, uint8_t *pseudo)
{
	unsigned header = 20 + spec->options;

	ip[0] = or_default(spec->version, 4) << 4 | or_default(spec->ihl, header / 4);
	ip[1] = spec->tos;
	put16(ip + 2, header + length + spec->ip_length_add);
	put16(ip + 4, spec->id);
	put16(ip + 6, spec->fragment);
	ip[8] = or_default(spec->ttl, 17);
	ip[9] = or_default(spec->proto, IPPROTO_UDP);
	put16(ip + 10, 0);
	if (!inet_pton(AF_INET, spec->source ? spec->source : FRAME_CLIENT4, ip + 12) ||
		!inet_pton(AF_INET, spec->dest ? spec->dest : FRAME_SERVER4, ip + 16))
		abort();
	memset(ip + 20, 1, spec->options); /* no operation */
	put16(ip + 10, (uint16_t)~wire_sum(0, ip, header) ^ spec->ip_check_wrong);
	memcpy(pseudo, ip + 12, 8);
	return ip + header;
}

static uint8_t *ip6_build(
	const struct frame_spec *spec, uint8_t *ip, size_t length, uint8_t *pseudo)
{
	unsigned extension = spec->extension ? 8 : 0;
	unsigned proto = or_default(spec->proto, IPPROTO_UDP);

	put16(ip, or_default(spec->version, 6) << 12 | spec->tos << 4);
	put16(ip + 2, spec->id);
	put16(ip + 4, extension + length + spec->ip_length_add);
	ip[6] = spec->extension ? (unsigned)spec->extension - 1 : proto;
	ip[7] = or_default(spec->ttl, 17);
	if (!inet_pton(AF_INET6, spec->source ? spec->source : FRAME_CLIENT6, ip + 8) ||
		!inet_pton(AF_INET6, spec->dest ? spec->dest : FRAME_SERVER6, ip + 24))
		abort();
	memcpy(pseudo, ip + 8, 32);
	if (extension) {
		memset(ip + 40, 0, 8);
		ip[40] = proto;
		if (spec->extension - 1 != IPPROTO_FRAGMENT)
			memcpy(ip + 42, "\x01\x04", 2); /* PadN over the rest */
	}
	return ip + 40 + extension;
}

size_t frame_build(const struct frame_spec *spec, uint8_t frame[FRAME_MAX])
{
	uint8_t message[FRAME_MAX], pseudo[40], *udp, *at;
	size_t addresses = spec->v6 ? 32 : 8;
	size_t length = message_build(spec, message);
	unsigned udp_length = 8 + length + spec->udp_length_add;
	uint32_t partial, sum;

	at = ethernet_build(spec, frame);
	udp = (spec->v6 ? ip6_build : ip4_build)(spec, at, 8 + length, pseudo);
	at = put16(udp, or_default(spec->source_port, 40000));
	at = put16(at, or_default(spec->dest_port, FRAME_PORT));
	at = put16(at, udp_length);
	at = put16(at, 0);
	at = put_bytes(at, message, length);

	partial = wire_sum(IPPROTO_UDP + udp_length, pseudo, addresses);
	sum = wire_sum(partial, udp, 8 + length);
	switch (spec->check) {
	case CHECK_NONE:
		break;
	case CHECK_PARTIAL:
		put16(udp + 6, partial);
		break;
	case CHECK_WRONG:
		sum ^= 0x0100;
		/* fallthrough */
	case CHECK_GOOD:
		put16(udp + 6, sum == 0xffff ? 0xffff : ~sum);
		break;
	}
	memset(at, 0x5a, spec->padding);
	at += spec->padding;
	assert(at - frame <= FRAME_MAX && at - frame > spec->cut);
	return at - frame - spec->cut;
}
