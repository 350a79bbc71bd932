/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * ARP, neighbour discovery and echo, with frames built by the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dpdk/counters.h"
#include "dataplane/packet/neighbour.h"
#include "dataplane/packet/parse.h"

#include "tests/dpdk/packet.h"
#include "tests/wire.h"

#include <arpa/inet.h>
#include <string.h>

static struct local_endpoints local;
static struct dpdk_counters counters;
static struct neighbour neighbour = {.local = &local};

static int setup(void **state)
{
	struct endpoint listen[3];

	(void)state;
	memset(&counters, 0, sizeof(counters));
	memcpy(neighbour.mac, packet_server_mac, 6);
	assert_int_equal(endpoint_parse("192.0.2.1", SESSD_PORT, &listen[0]), 0);
	assert_int_equal(endpoint_parse("[2001:db8::1]:99", SESSD_PORT, &listen[1]), 0);
	assert_int_equal(endpoint_parse("192.0.2.2:7", SESSD_PORT, &listen[2]), 0);
	return local_endpoints_init(&local, listen, 3);
}

/* Parses and answers, as an lcore does. */
static bool input(uint8_t *data, size_t *len)
{
	struct frame frame = {.data = data, .len = (uint32_t)*len};
	enum parse_result parsed = parse_frame_for(&frame, packet_server_mac);
	enum neighbour_result result;

	assert_int_not_equal(parsed, PARSE_UDP);
	if (parse_refused(parsed)) {
		++*counters_of_parse(&counters, parsed);
		return false;
	}
	if (parsed == PARSE_ARP)
		result = arp_input(&neighbour, &frame);
	else
		result =
			frame.v6 ? icmp6_input(&neighbour, &frame) : icmp_input(&neighbour, &frame);
	++*counters_of_neighbour(&counters, result);
	memmove(data, frame.data, frame.len);
	*len = frame.len;
	return neighbour_is_reply(result);
}

/* An ARP request of 192.0.2.99 for 192.0.2.1. */
static size_t arp_request(uint8_t frame[PACKET_ROOM], bool tagged)
{
	static const uint8_t arp[] = {0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 0x99, 192, 0, 2, 99,
		0, 0, 0, 0, 0, 0, 192, 0, 2, 1};
	size_t at = 12;

	memset(frame, 0, PACKET_ROOM);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, packet_client_mac, 6);
	if (tagged) {
		memcpy(frame + at, "\x81\x00\x00\x64", 4);
		at += 4;
	}
	memcpy(frame + at, "\x08\x06", 2);
	memcpy(frame + at + 2, arp, sizeof(arp));
	return 60;
}

static void arp(void **state)
{
	static const uint8_t reply[] = {0, 1, 8, 0, 6, 4, 0, 2, 0x02, 0, 0, 0, 0, 0x01, 192, 0, 2,
		1, 0x02, 0, 0, 0, 0, 0x99, 192, 0, 2, 99};
	uint8_t frame[PACKET_ROOM];

	(void)state;
	for (unsigned tagged = 0; tagged < 2; tagged++) {
		size_t len = arp_request(frame, tagged), at = tagged ? 16 : 12;

		assert_true(input(frame, &len));
		assert_int_equal(len, at + 2 + 28);
		assert_memory_equal(frame, packet_client_mac, 6);
		assert_memory_equal(frame + 6, packet_server_mac, 6);
		if (tagged)
			assert_memory_equal(frame + 12, "\x81\x00\x00\x64", 4);
		assert_memory_equal(frame + at, "\x08\x06", 2);
		assert_memory_equal(frame + at + 2, reply, sizeof(reply));
	}
	assert_int_equal(counters.arp_replies, 2);
}

/* RFC 5227: a probe comes from 0.0.0.0 and is answered to its MAC address. */
static void arp_probe(void **state)
{
	uint8_t frame[PACKET_ROOM];
	size_t len = arp_request(frame, false);

	(void)state;
	memset(frame + 28, 0, 4);
	assert_true(input(frame, &len));
	assert_memory_equal(frame, packet_client_mac, 6);
	assert_memory_equal(frame + 38, "\0\0\0\0", 4);
}

static void arp_dropped(void **state)
{
	static const struct {
		unsigned offset;
		uint8_t byte;
	} changes[] = {
		{15, 2}, /* hardware type */
		{16, 9}, /* protocol */
		{18, 8}, /* hardware length */
		{19, 6}, /* protocol length */
		{21, 2}, /* a reply */
		{21, 3}, /* RARP */
		{22, 3}, /* a group's MAC address as the sender's */
		{6, 3},	 /* as the frame's source */
		{41, 7}, /* another target */
	};
	uint8_t frame[PACKET_ROOM];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		len = arp_request(frame, false);
		frame[changes[i].offset] = changes[i].byte;
		assert_false(input(frame, &len));
		assert_int_equal(counters.drop_arp, i + 1);
	}
	len = arp_request(frame, false);
	len = 41;
	assert_false(input(frame, &len));
	assert_int_equal(counters.drop_arp, sizeof(changes) / sizeof(changes[0]) + 1);
	assert_int_equal(counters.arp_replies, 0);
}

static void arp_conflict(void **state)
{
	uint8_t frame[PACKET_ROOM];
	size_t len = arp_request(frame, false);

	(void)state;
	memcpy(frame + 28, "\xc0\x00\x02\x02", 4);
	assert_false(input(frame, &len));
	assert_int_equal(counters.address_conflicts, 1);
	/* Our own announcement, received again, is not a conflict. */
	len = arp_request(frame, false);
	memcpy(frame + 22, packet_server_mac, 6);
	memcpy(frame + 28, "\xc0\x00\x02\x02", 4);
	frame[41] = 2;
	assert_true(input(frame, &len));
	assert_int_equal(counters.address_conflicts, 1);
}

/* Two ports of this node on one segment hear each other's announcements of their addresses: that is
 * no conflict, and needs no answer. */
static void own_other_port(void **state)
{
	static const struct neighbour_ports ports = {
		.count = 2, .macs = {{0x02, 0, 0, 0, 0, 0x01}, {0x02, 0, 0, 0, 0, 0x02}}};
	struct neighbour other = {.local = &local, .mac = {0x02, 0, 0, 0, 0, 0x02}};
	uint8_t frame[PACKET_ROOM];
	size_t len;

	(void)state;
	for (unsigned known = 0; known < 2; known++) {
		neighbour.ports = known ? &ports : NULL;
		memset(frame, 0, sizeof(frame));
		len = arp_announce(&other, local.ip4[0].addr, frame);
		assert_false(input(frame, &len));
		len = ndp_announce(&other, local.ip6[0].addr, frame);
		assert_false(input(frame, &len));
		assert_int_equal(counters.address_conflicts, 2);
		assert_int_equal(counters.drop_arp, known);
		assert_int_equal(counters.drop_icmp, known);
	}
	len = arp_request(frame, false);
	memcpy(frame + 28, "\xc0\x00\x02\x02", 4);
	assert_false(input(frame, &len));
	assert_int_equal(counters.address_conflicts, 3);
	neighbour.ports = NULL;
}

static void arp_gratuitous(void **state)
{
	static const uint8_t expected[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0,
		0x01, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 0x02, 0, 0, 0, 0, 0x01, 192, 0, 2, 1, 0,
		0, 0, 0, 0, 0, 192, 0, 2, 1};
	uint8_t frame[NEIGHBOUR_FRAME_MAX];

	(void)state;
	assert_int_equal(arp_announce(&neighbour, local.ip4[0].addr, frame), sizeof(expected));
	assert_memory_equal(frame, expected, sizeof(expected));
}

static const uint8_t router_alert_ip4[] = {148, 4, 0, 0};

static void echo(void **state)
{
	static const uint8_t dest_options[] = {17, 0, 1, 4, 0, 0, 0, 0};
	uint8_t data[256], frame[PACKET_ROOM], hop[8];

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct packet_spec spec = {.v6 = i & 1, .tags = i / 2 % 3};
		size_t len = 8 + i * 3 % 200, reply_len;
		const uint8_t *reply;

		spec.proto = spec.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		if (i % 8 >= 6 && !spec.v6) {
			spec.extra = router_alert_ip4;
			spec.extra_len = 4;
		} else if (i % 8 >= 6) {
			memcpy(hop, dest_options, 8);
			hop[0] = IPPROTO_ICMPV6;
			spec.extra = hop;
			spec.extra_len = 8;
			spec.extra_proto = i % 16 >= 8 ? IPPROTO_HOPOPTS : IPPROTO_DSTOPTS;
		}
		for (unsigned k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(k * 7 + i);
		data[0] = spec.v6 ? 128 : 8;
		data[1] = 0;
		len = packet_build(frame, &spec, data, len);
		assert_true(input(frame, &len));
		reply = packet_check_reply(frame, len, &spec, &reply_len);
		assert_int_equal(reply_len, 8 + i * 3 % 200);
		assert_int_equal(reply[0], spec.v6 ? 129 : 0);
		assert_int_equal(reply[1], 0);
		assert_memory_equal(reply + 4, data + 4, reply_len - 4);
		assert_int_equal(counters.echo_replies, i + 1);
	}
}

static void echo_dropped(void **state)
{
	static const struct packet_spec specs[] = {
		{.dest = "192.0.2.77"},
		{.dest = "192.0.2.255"},
		{.source = "0.0.0.0"},
		{.source = "127.0.0.1"},
		{.source = "224.0.0.1"},
		{.source = "255.255.255.255"},
		{.v6 = true, .dest = "2001:db8::77"},
		{.v6 = true, .dest = "ff02::1"},
		{.v6 = true, .source = "::"},
		{.v6 = true, .source = "::1"},
		{.v6 = true, .source = "ff02::1"},
		{.v6 = true, .source = "::ffff:10.0.0.1"},
		{.no_checksum = true},
		{.v6 = true, .no_checksum = true},
	};
	uint8_t data[64] = {8, 0, 0, 0, 1, 2, 3, 4}, frame[PACKET_ROOM];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct packet_spec spec = specs[i];

		spec.proto = spec.v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
		data[0] = spec.v6 ? 128 : 8;
		len = packet_build(frame, &spec, data, sizeof(data));
		print_message("case %zu\n", i);
		assert_false(input(frame, &len));
		assert_int_equal(counters.drop_icmp, i + 1);
	}
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct packet_spec spec = {.v6 = v6, .proto = v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP};

		data[0] = v6 ? 128 : 8;
		data[1] = 1; /* a code that echo does not have */
		len = packet_build(frame, &spec, data, sizeof(data));
		assert_false(input(frame, &len));
		data[1] = 0;
		len = packet_build(frame, &spec, data, 4); /* too short */
		assert_false(input(frame, &len));
		data[0] = v6 ? 129 : 0; /* a reply must not be answered */
		len = packet_build(frame, &spec, data, sizeof(data));
		assert_false(input(frame, &len));
		data[0] = v6 ? 128 : 8;
		len = packet_build(frame, &spec, data, sizeof(data));
		frame[0] = 0x33; /* a group's MAC address */
		assert_false(input(frame, &len));
	}
	assert_int_equal(counters.echo_replies, 0);
}

/* A neighbour solicitation for 2001:db8::1 with the sender's MAC address. */
static size_t solicitation(uint8_t frame[PACKET_ROOM], struct packet_spec *spec, bool option)
{
	uint8_t message[32] = {135, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0x0d,
		0xb8, [23] = 1, [24] = 1, [25] = 1, [26] = 0x02, [31] = 0x99};
	size_t len;

	spec->v6 = true;
	spec->proto = IPPROTO_ICMPV6;
	if (!spec->hops)
		spec->hops = 255;
	if (!spec->dest)
		spec->dest = "ff02::1:ff00:1";
	len = packet_build(frame, spec, message, option ? 32 : 24);
	memcpy(frame, "\x33\x33\xff\x00\x00\x01", 6);
	return len;
}

/* The common part of each advertisement for 2001:db8::1. */
static void check_advertisement(const uint8_t *frame, size_t len, size_t l3, const char *dest)
{
	const uint8_t *ip = frame + l3, *icmp = ip + 40;
	uint8_t addr[16], tail[4] = {0, IPPROTO_ICMPV6, 0, 32};
	static const uint8_t option[] = {2, 1, 0x02, 0, 0, 0, 0, 0x01};

	assert_int_equal(len, l3 + 40 + 32);
	assert_memory_equal(frame + l3 - 2, "\x86\xdd", 2);
	assert_memory_equal(frame + 6, packet_server_mac, 6);
	assert_memory_equal(ip, "\x60\0\0\0\0\x20\x3a\xff", 8);
	inet_pton(AF_INET6, "2001:db8::1", addr);
	assert_memory_equal(ip + 8, addr, 16);
	assert_memory_equal(icmp + 8, addr, 16);
	inet_pton(AF_INET6, dest, addr);
	assert_memory_equal(ip + 24, addr, 16);
	assert_int_equal(icmp[0], 136);
	assert_int_equal(icmp[1], 0);
	assert_memory_equal(icmp + 24, option, 8);
	assert_int_equal(wire_sum(wire_sum(wire_sum(0, ip + 8, 32), tail, 4), icmp, 32), 0xffff);
}

static void answers_solicitations(void **state)
{
	uint8_t frame[PACKET_ROOM];

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct packet_spec spec = {
			.dest = i & 1 ? "2001:db8::1" : NULL, .tags = i & 2 ? 1 : 0};
		size_t len = solicitation(frame, &spec, !(i & 4));

		assert_true(input(frame, &len));
		check_advertisement(frame, len, spec.tags ? 18 : 14, "2001:db8::99");
		assert_memory_equal(frame, packet_client_mac, 6);
		assert_int_equal(frame[len - 28], 0x60); /* solicited, override */
		if (spec.tags)
			assert_memory_equal(frame + 12, "\x81\x00\x00\x64", 4);
	}
	assert_int_equal(counters.neighbour_replies, 8);
}

/* RFC 4862: another node checks whether the address is in use. */
static void neighbour_probe(void **state)
{
	struct packet_spec spec = {.source = "::"};
	uint8_t frame[PACKET_ROOM];
	size_t len = solicitation(frame, &spec, false);

	(void)state;
	assert_true(input(frame, &len));
	check_advertisement(frame, len, 14, "ff02::1");
	assert_memory_equal(frame, "\x33\x33\0\0\0\1", 6);
	assert_int_equal(frame[len - 28], 0x20); /* override only */
}

static void neighbour_dropped(void **state)
{
	struct packet_spec specs[] = {
		{.hops = 254}, {.dest = "ff02::1"}, {.dest = "ff02::1:ff00:2"},
		{.source = "::", .dest = "2001:db8::1"}, {.source = "ff02::5"},
		{.source = "::"}, /* a probe must not name a MAC address */
	};
	uint8_t frame[PACKET_ROOM];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		len = solicitation(frame, &specs[i], true);
		print_message("case %zu\n", i);
		assert_false(input(frame, &len));
		assert_int_equal(counters.drop_icmp, i + 1);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint8_t message[32] = {135, 0, 0, 0, 0, 0, 0, 0, 0x20, 0x01, 0x0d,
			0xb8, [23] = 1, [24] = 1, [25] = i ? 2 : 0};
		struct packet_spec spec = {
			.v6 = true, .proto = IPPROTO_ICMPV6, .hops = 255, .dest = "2001:db8::1"};

		/* An option of length 0, and one that extends past the end. */
		len = packet_build(frame, &spec, message, 32);
		assert_false(input(frame, &len));
		message[23] = 9; /* another node's address */
		message[25] = 1;
		len = packet_build(frame, &spec, message, 32);
		assert_false(input(frame, &len));
		len = packet_build(frame, &spec, message, 20);
		assert_false(input(frame, &len));
	}
	assert_int_equal(counters.neighbour_replies, 0);
	assert_int_equal(counters.drop_icmp, sizeof(specs) / sizeof(specs[0]) + 6);
}

static void neighbour_conflict(void **state)
{
	uint8_t message[32] = {136, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, [23] = 1};
	struct packet_spec spec = {
		.v6 = true, .proto = IPPROTO_ICMPV6, .hops = 255, .dest = "ff02::1"};
	uint8_t frame[PACKET_ROOM];
	size_t len = packet_build(frame, &spec, message, 24);

	(void)state;
	memcpy(frame, "\x33\x33\0\0\0\1", 6);
	assert_false(input(frame, &len));
	assert_int_equal(counters.address_conflicts, 1);
}

static void neighbour_unsolicited(void **state)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	uint32_t len = ndp_announce(&neighbour, local.ip6[0].addr, frame);

	(void)state;
	check_advertisement(frame, len, 14, "ff02::1");
	assert_memory_equal(frame, "\x33\x33\0\0\0\1", 6);
	assert_int_equal(frame[len - 28], 0x20);
}

static void other_hosts(void **state)
{
	uint8_t data[64] = {8}, frame[PACKET_ROOM];
	struct packet_spec spec = {.proto = IPPROTO_ICMP};
	size_t len = packet_build(frame, &spec, data, sizeof(data));

	(void)state;
	frame[5] ^= 1;
	assert_false(input(frame, &len));
	assert_int_equal(counters.drop_other_host, 1);
}

static void listens(void **state)
{
	static const char *const bad[] = {"*", "0.0.0.0", "127.0.0.1", "224.0.0.1",
		"255.255.255.255", "::", "::1", "ff02::1", "fe80::1%lo"};
	struct local_endpoints other;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct endpoint endpoint;

		assert_int_equal(endpoint_parse(bad[i], SESSD_PORT, &endpoint), 0);
		assert_true(local_endpoints_init(&other, &endpoint, 1) < 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(arp, setup),
		cmocka_unit_test_setup(arp_probe, setup),
		cmocka_unit_test_setup(arp_dropped, setup),
		cmocka_unit_test_setup(arp_conflict, setup),
		cmocka_unit_test_setup(own_other_port, setup),
		cmocka_unit_test_setup(arp_gratuitous, setup),
		cmocka_unit_test_setup(echo, setup),
		cmocka_unit_test_setup(echo_dropped, setup),
		cmocka_unit_test_setup(answers_solicitations, setup),
		cmocka_unit_test_setup(neighbour_probe, setup),
		cmocka_unit_test_setup(neighbour_dropped, setup),
		cmocka_unit_test_setup(neighbour_conflict, setup),
		cmocka_unit_test_setup(neighbour_unsolicited, setup),
		cmocka_unit_test_setup(other_hosts, setup),
		cmocka_unit_test(listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
