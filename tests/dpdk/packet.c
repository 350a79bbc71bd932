/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/dpdk/packet.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

uint8_t packet_client_mac[6] = {0x02, 0, 0, 0, 0, 0x99};
uint8_t packet_server_mac[6] = {0x02, 0, 0, 0, 0, 0x01};

static void address(const struct packet_spec *spec, bool source, uint8_t out[16])
{
	const char *text = source ? spec->source : spec->dest;

	if (!text && spec->v6)
		text = source ? "2001:db8::99" : "2001:db8::1";
	else if (!text)
		text = source ? "192.0.2.99" : "192.0.2.1";
	assert_int_equal(inet_pton(spec->v6 ? AF_INET6 : AF_INET, text, out), 1);
}

static unsigned tag_type(const struct packet_spec *spec, unsigned i)
{
	if (i + 1 == spec->tags)
		return 0x8100;
	return spec->outer ? spec->outer : 0x88a8;
}

static uint32_t pseudo_sum(const struct packet_spec *spec, size_t len)
{
	uint8_t addrs[32], tail[4] = {0, spec->proto};
	size_t size = spec->v6 ? 16 : 4;

	address(spec, true, addrs);
	address(spec, false, addrs + size);
	put16(tail + 2, (unsigned)len);
	return wire_sum(wire_sum(0, addrs, 2 * size), tail, 4);
}

static uint8_t *put_ip(uint8_t *at, const struct packet_spec *spec, size_t payload)
{
	uint8_t hops = spec->hops ? spec->hops : 17;

	if (spec->v6) {
		at[0] = 0x6a; /* with a traffic class and flow label that must not come back */
		at[1] = 0xbc;
		at[2] = 0xde;
		at[3] = 0xf0;
		put16(at + 4, (unsigned)(spec->extra_len + payload));
		at[6] = spec->extra_len ? spec->extra_proto : spec->proto;
		at[7] = hops;
		address(spec, true, at + 8);
		address(spec, false, at + 24);
		memcpy(at + 40, spec->extra_len ? spec->extra : at, spec->extra_len);
		return at + 40 + spec->extra_len;
	}
	assert_int_equal(spec->extra_len % 4, 0);
	memset(at, 0, 20);
	at[0] = (uint8_t)(0x45 + spec->extra_len / 4);
	at[1] = 0x28;
	put16(at + 2, (unsigned)(20 + spec->extra_len + payload));
	put16(at + 4, 0x1234);
	at[8] = hops;
	at[9] = spec->proto;
	address(spec, true, at + 12);
	address(spec, false, at + 16);
	memcpy(at + 20, spec->extra_len ? spec->extra : at, spec->extra_len);
	put16(at + 10, ~wire_sum(0, at, 20 + spec->extra_len));
	return at + 20 + spec->extra_len;
}

size_t packet_build(
	uint8_t frame[PACKET_ROOM], const struct packet_spec *spec, const void *payload, size_t len)
{
	bool udp = spec->proto == IPPROTO_UDP;
	size_t l4_len = len + (udp ? 8 : 0);
	uint8_t *at = frame + 12, *l4;
	uint32_t sum;

	memset(frame, 0xee, PACKET_ROOM);
	memcpy(frame, packet_server_mac, 6);
	memcpy(frame + 6, packet_client_mac, 6);
	for (unsigned i = 0; i < spec->tags; i++, at += 4) {
		put16(at, tag_type(spec, i));
		put16(at + 2, 100 + i);
	}
	put16(at, spec->v6 ? 0x86dd : 0x0800);
	l4 = put_ip(at + 2, spec, l4_len);
	memcpy(l4 + (udp ? 8 : 0), payload, len);
	if (udp) {
		put16(l4, spec->source_port ? spec->source_port : 4711);
		put16(l4 + 2, spec->dest_port ? spec->dest_port : SESSD_PORT);
		put16(l4 + 4, (unsigned)((int)l4_len + spec->udp_length_delta));
	}
	at = l4 + (udp ? 6 : 2);
	put16(at, 0);
	sum = spec->v6 || udp ? pseudo_sum(spec, l4_len) : 0;
	if (spec->partial_checksum)
		put16(at, sum);
	else if (!spec->no_checksum)
		put16(at, ~wire_sum(sum, l4, l4_len));
	return (size_t)(l4 - frame) + l4_len + spec->trailer;
}

void packet_request(struct sessd_header *header, enum sessd_type type, uint16_t timeout, uint8_t id)
{
	header->version = SESSD_VERSION;
	header->type = (uint8_t)type;
	header->timeout = htons(timeout);
	memset(header->key, id, sizeof(header->key));
}

static const uint8_t *check_ip(
	const uint8_t *at, const uint8_t *end, const struct packet_spec *spec, size_t *len)
{
	uint8_t from[16], to[16];

	address(spec, false, from);
	address(spec, true, to);
	if (spec->v6) {
		static const uint8_t start[4] = {0x60};

		assert_memory_equal(at, start, 4);
		*len = get16(at + 4);
		assert_int_equal(at[6], spec->proto);
		assert_memory_equal(at + 8, from, 16);
		assert_memory_equal(at + 24, to, 16);
		at += 40;
	} else {
		assert_int_equal(at[0], 0x45);
		assert_int_equal(at[1], 0);
		assert_int_equal(get16(at + 4), 0);
		assert_int_equal(get16(at + 6), 0x4000);
		assert_int_equal(at[8], 64);
		assert_int_equal(at[9], spec->proto);
		assert_memory_equal(at + 12, from, 4);
		assert_memory_equal(at + 16, to, 4);
		assert_int_equal(wire_sum(0, at, 20), 0xffff);
		*len = get16(at + 2) - 20;
		at += 20;
	}
	assert_int_equal(end - at, *len);
	return at;
}

const uint8_t *packet_check_reply(
	const uint8_t *frame, size_t frame_len, const struct packet_spec *spec, size_t *len)
{
	const uint8_t *at = frame + 12, *l4;
	bool udp = spec->proto == IPPROTO_UDP;

	assert_memory_equal(frame, packet_client_mac, 6);
	assert_memory_equal(frame + 6, packet_server_mac, 6);
	for (unsigned i = 0; i < spec->tags; i++, at += 4) {
		assert_int_equal(get16(at), tag_type(spec, i));
		assert_int_equal(get16(at + 2), 100 + i);
	}
	assert_int_equal(get16(at), spec->v6 ? 0x86dd : 0x0800);
	l4 = check_ip(at + 2, frame + frame_len, spec, len);
	assert_int_equal(wire_sum(spec->v6 || udp ? pseudo_sum(spec, *len) : 0, l4, *len), 0xffff);
	if (!udp)
		return l4;
	assert_int_not_equal(get16(l4 + 6), 0);
	assert_int_equal(get16(l4), spec->dest_port ? spec->dest_port : SESSD_PORT);
	assert_int_equal(get16(l4 + 2), spec->source_port ? spec->source_port : 4711);
	assert_int_equal(get16(l4 + 4), *len);
	*len -= 8;
	return l4 + 8;
}
