/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "tests/bpf/verify.h"

#include "tests/wire.h"

#include <string.h>

#define CHECK(condition) \
	do { \
		if (!(condition)) \
			return #condition; \
	} while (0)

static const char *check_udp(const uint8_t *asked, const uint8_t *udp, size_t size, unsigned pseudo,
	uint8_t type, const void *value, size_t length)
{
	CHECK(size == 8 + 36 + length);
	CHECK(!memcmp(udp, asked + 2, 2) && "source port");
	CHECK(!memcmp(udp + 2, asked, 2) && "destination port");
	CHECK(get16(udp + 4) == size && "UDP length");
	CHECK(get16(udp + 6) != 0 && "UDP checksum present");
	CHECK(wire_sum(pseudo + 17 + (unsigned)size, udp, size) == 0xffff && "UDP checksum");
	udp += 8;
	asked += 8;
	CHECK(udp[0] == 1 && "version");
	CHECK(udp[1] == type && "type");
	CHECK(!memcmp(udp + 2, asked + 2, 34) && "timeout and key echoed");
	CHECK(!memcmp(udp + 36, value, length) && "value");
	return NULL;
}

static const char *check_ip4(const uint8_t *asked, const uint8_t *ip, size_t size, uint8_t type,
	const void *value, size_t length)
{
	static const uint8_t rest[] = {0x00, 0x00, 0x40, 0x00, 64, 17};

	CHECK(size >= 28);
	CHECK(ip[0] == 0x45 && ip[1] == 0 && "version, header length, TOS");
	CHECK(get16(ip + 2) == size && "IP length");
	CHECK(!memcmp(ip + 4, rest, sizeof(rest)) && "ID, DF, TTL, protocol");
	CHECK(wire_sum(0, ip, 20) == 0xffff && "IP checksum");
	CHECK(!memcmp(ip + 12, asked + 16, 4) && "source");
	CHECK(!memcmp(ip + 16, asked + 12, 4) && "destination");
	return check_udp(
		asked + 20, ip + 20, size - 20, wire_sum(0, ip + 12, 8), type, value, length);
}

static const char *check_ip6(const uint8_t *asked, const uint8_t *ip, size_t size, uint8_t type,
	const void *value, size_t length)
{
	CHECK(size >= 48);
	CHECK(!memcmp(ip, "\x60\0\0", 4) && "version, traffic class, flow label");
	CHECK(get16(ip + 4) == size - 40 && "IP length");
	CHECK(ip[6] == 17 && ip[7] == 64 && "next header, hop limit");
	CHECK(!memcmp(ip + 8, asked + 24, 16) && "source");
	CHECK(!memcmp(ip + 24, asked + 8, 16) && "destination");
	return check_udp(
		asked + 40, ip + 40, size - 40, wire_sum(0, ip + 8, 32), type, value, length);
}

const char *verify_reply(const uint8_t *request, size_t request_size, const uint8_t *reply,
	size_t reply_size, uint8_t type, const void *value, size_t length)
{
	size_t at = 12;

	CHECK(reply_size >= 14 + 28 && request_size >= 14 + 28);
	CHECK(!memcmp(reply, request + 6, 6) && "destination MAC");
	CHECK(!memcmp(reply + 6, request, 6) && "source MAC");
	while (get16(request + at) == 0x8100 || get16(request + at) == 0x88a8) {
		CHECK(!memcmp(reply + at, request + at, 4) && "VLAN tag");
		at += 4;
	}
	CHECK(!memcmp(reply + at, request + at, 2) && "EtherType");
	at += 2;
	if (get16(request + at - 2) == 0x86dd)
		return check_ip6(request + at, reply + at, reply_size - at, type, value, length);
	return check_ip4(request + at, reply + at, reply_size - at, type, value, length);
}
