/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The result for each kind of packet: verdict, counter, and every byte of the reply.
 */
#include "common/clock.h"
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include <linux/bpf.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define VALUE_LENGTH 144

static const uint8_t live_key[SESSD_KEY_SIZE] = "live: 32 bytes of a session id.";
static const uint8_t dead_key[SESSD_KEY_SIZE] = "dead";
static const uint8_t none_key[SESSD_KEY_SIZE] = "none";
static const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03};
static const uint8_t broadcast_mac[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

enum {
	LIVE_SLOT = 70,
	DEAD_SLOT = 71
};

#define ANSWER(counter) XDP_TX, FIXTURE_COUNTER(counter)
#define PASS(counter)	XDP_PASS, FIXTURE_COUNTER(counter)
#define DROP(counter)	XDP_DROP, FIXTURE_COUNTER(counter)

static const struct {
	const char *name;
	uint32_t verdict;
	size_t counter;
	struct frame_spec spec; /* without a key it requests the live session */
} cases[] = {
	/* answered */
	{"IPv4 GET", ANSWER(get_hits), {}},
	{"IPv6 GET", ANSWER(get_hits), {.v6 = true}},
	{"IPv4 GET, no such session", ANSWER(get_misses), {.key = none_key}},
	{"IPv6 GET, no such session", ANSWER(get_misses), {.v6 = true, .key = none_key}},
	{"IPv4 GET, expired", ANSWER(get_expired), {.key = dead_key}},
	{"IPv6 GET, expired", ANSWER(get_expired), {.v6 = true, .key = dead_key}},
	{"IPv4, one VLAN tag", ANSWER(get_hits), {.vlans = 1}},
	{"IPv4, two VLAN tags", ANSWER(get_hits), {.vlans = 2}},
	{"IPv6, one VLAN tag", ANSWER(get_hits), {.v6 = true, .vlans = 1}},
	{"IPv6, two VLAN tags", ANSWER(get_hits), {.v6 = true, .vlans = 2}},
	{"IPv4, two VLAN tags, miss", ANSWER(get_misses), {.vlans = 2, .key = none_key}},
	{"IPv6, two VLAN tags, miss", ANSWER(get_misses),
		{.v6 = true, .vlans = 2, .key = none_key}},
	{"IPv4, TOS, TTL 1 and ID are not echoed", ANSWER(get_hits),
		{.tos = 0xb9, .ttl = 1, .id = 0x1234}},
	{"IPv6, class, hop limit 1 and flow are not echoed", ANSWER(get_hits),
		{.v6 = true, .tos = 0xb9, .ttl = 1, .id = 0x1234}},
	{"IPv4, do not fragment", ANSWER(get_hits), {.fragment = 0x4000}},
	{"IPv4, the reserved flag", ANSWER(get_hits), {.fragment = 0x8000}},
	{"timeout echoed by OK", ANSWER(get_hits), {.timeout = 0xfedc}},
	{"timeout echoed by ERR", ANSWER(get_misses), {.timeout = 0xfedc, .key = none_key}},
	{"source port 1", ANSWER(get_hits), {.source_port = 1}},
	{"source port 65535", ANSWER(get_hits), {.source_port = 65535}},
	{"padded to the shortest Ethernet frame and beyond", ANSWER(get_hits), {.padding = 20}},
	{"padding, miss", ANSWER(get_misses), {.padding = 1, .key = none_key}},
	{"more padding than the value", ANSWER(get_hits), {.padding = 400}},
	{"1 trailing byte", ANSWER(get_hits), {.trailing = 1}},
	{"7 trailing bytes, padding", ANSWER(get_hits), {.trailing = 7, .padding = 3}},
	{"as many trailing bytes as the value has", ANSWER(get_hits), {.trailing = VALUE_LENGTH}},
	{"512 trailing bytes", ANSWER(get_hits), {.trailing = 512}},
	{"512 trailing bytes, IPv6", ANSWER(get_hits), {.v6 = true, .trailing = 512}},
	{"512 trailing bytes, miss", ANSWER(get_misses), {.trailing = 512, .key = none_key}},
	{"513 trailing bytes, expired", ANSWER(get_expired), {.trailing = 513, .key = dead_key}},
	{"1400 trailing bytes, two tags, IPv6", ANSWER(get_hits),
		{.v6 = true, .vlans = 2, .trailing = 1400}},
	{"trailing bytes, partial checksum", ANSWER(get_hits),
		{.trailing = 512, .check = CHECK_PARTIAL}},
	{"trailing bytes, no checksum", ANSWER(get_hits), {.trailing = 511, .check = CHECK_NONE}},
	{"partial checksum", ANSWER(get_hits), {.check = CHECK_PARTIAL}},
	{"partial checksum, IPv6", ANSWER(get_hits), {.v6 = true, .check = CHECK_PARTIAL}},
	{"partial checksum, miss", ANSWER(get_misses), {.check = CHECK_PARTIAL, .key = none_key}},
	{"no checksum", ANSWER(get_hits), {.check = CHECK_NONE}},
	{"first address of an allowed net", ANSWER(get_hits), {.source = "10.0.0.0"}},
	{"last address of an allowed net", ANSWER(get_hits), {.source = "10.255.255.255"}},
	{"last address of an allowed net, IPv6", ANSWER(get_hits),
		{.v6 = true, .source = "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}},

	/* Ethernet */
	{"three VLAN tags", PASS(pass_not_ip), {.vlans = 3}},
	{"ARP", PASS(pass_not_ip), {.ethertype = 0x0806}},
	{"EtherType IPv6 over an IPv4 header", PASS(pass_not_ip), {.ethertype = 0x86dd}},
	{"EtherType IPv4 over an IPv6 header", PASS(pass_not_ip),
		{.v6 = true, .ethertype = 0x0800}},
	{"to a group's MAC address", PASS(pass_not_local), {.dest_mac = group_mac}},
	{"to the broadcast MAC address", PASS(pass_not_local),
		{.v6 = true, .dest_mac = broadcast_mac}},
	{"from a group's MAC address", PASS(pass_bad_source), {.source_mac = group_mac}},

	/* IPv4 */
	{"IP version 5", PASS(pass_not_ip), {.version = 5}},
	{"IP version 6 over IPv4", PASS(pass_not_ip), {.version = 6}},
	{"IP version 0", PASS(pass_not_ip), {.version = -1}},
	{"IPv4 header of 4 words", PASS(pass_ip_options), {.ihl = 4}},
	{"IPv4 header of 0 words", PASS(pass_ip_options), {.ihl = -1}},
	{"IPv4 header said to be of 6 words", PASS(pass_ip_options), {.ihl = 6}},
	{"4 bytes of options", PASS(pass_ip_options), {.options = 4}},
	{"40 bytes of options", PASS(pass_ip_options), {.options = 40}},
	{"first fragment", PASS(pass_fragment), {.fragment = 0x2000}},
	{"middle fragment", PASS(pass_fragment), {.fragment = 0x2001}},
	{"last fragment", PASS(pass_fragment), {.fragment = 0x0001}},
	{"last fragment of the longest packet", PASS(pass_fragment), {.fragment = 0x1fff}},
	{"first fragment, options", PASS(pass_ip_options), {.fragment = 0x2000, .options = 4}},
	{"TCP", PASS(pass_not_udp), {.proto = IPPROTO_TCP}},
	{"UDP-Lite", PASS(pass_not_udp), {.proto = 136}},
	{"ICMP", PASS(pass_not_udp), {.proto = IPPROTO_ICMP}},
	{"IP checksum wrong", PASS(pass_bad_checksum), {.ip_check_wrong = true}},
	{"IP length beyond the frame", PASS(pass_truncated), {.ip_length_add = 1}},
	{"IP length far beyond the frame", PASS(pass_truncated), {.ip_length_add = 60000}},
	{"IP length beyond its packet, inside the padding", PASS(pass_bad_length),
		{.ip_length_add = 4, .padding = 10}},
	{"IP length 1 short", PASS(pass_bad_length), {.ip_length_add = -1}},
	{"IP length shorter than its own header", PASS(pass_bad_length), {.ip_length_add = -46}},
	{"IP length 0", PASS(pass_bad_length), {.ip_length_add = -64}},
	{"1 byte cut off", PASS(pass_truncated), {.cut = 1}},
	{"cut in the message header", PASS(pass_truncated), {.cut = 20}},
	{"cut behind the UDP header", PASS(pass_truncated), {.cut = 36}},
	{"cut in the UDP header", PASS(pass_truncated), {.cut = 37}},
	{"cut behind the IP header", PASS(pass_truncated), {.cut = 44}},
	{"cut in the IP header", PASS(pass_truncated), {.cut = 45}},
	{"nothing behind Ethernet", PASS(pass_truncated), {.cut = 64}},
	{"cut in the second VLAN tag", PASS(pass_truncated), {.vlans = 2, .cut = 66}},

	/* IPv6 */
	{"IP version 4 over IPv6", PASS(pass_not_ip), {.v6 = true, .version = 4}},
	{"hop-by-hop options", PASS(pass_ipv6_extension),
		{.v6 = true, .extension = 1 + IPPROTO_HOPOPTS}},
	{"routing header", PASS(pass_ipv6_extension),
		{.v6 = true, .extension = 1 + IPPROTO_ROUTING}},
	{"destination options", PASS(pass_ipv6_extension),
		{.v6 = true, .extension = 1 + IPPROTO_DSTOPTS}},
	{"authentication header", PASS(pass_ipv6_extension),
		{.v6 = true, .extension = 1 + IPPROTO_AH}},
	{"mobility header", PASS(pass_ipv6_extension), {.v6 = true, .extension = 1 + IPPROTO_MH}},
	{"fragment header", PASS(pass_fragment), {.v6 = true, .extension = 1 + IPPROTO_FRAGMENT}},
	{"fragment header, two VLAN tags", PASS(pass_fragment),
		{.v6 = true, .vlans = 2, .extension = 1 + IPPROTO_FRAGMENT}},
	{"TCP over IPv6", PASS(pass_not_udp), {.v6 = true, .proto = IPPROTO_TCP}},
	{"ICMPv6", PASS(pass_not_udp), {.v6 = true, .proto = IPPROTO_ICMPV6}},
	{"ESP", PASS(pass_not_udp), {.v6 = true, .proto = IPPROTO_ESP}},
	{"no next header", PASS(pass_not_udp), {.v6 = true, .proto = IPPROTO_NONE}},
	{"IPv6 length beyond the frame", PASS(pass_truncated), {.v6 = true, .ip_length_add = 1}},
	{"IPv6 length beyond its packet, inside the padding", PASS(pass_bad_length),
		{.v6 = true, .ip_length_add = 4, .padding = 10}},
	{"IPv6 length 1 short", PASS(pass_bad_length), {.v6 = true, .ip_length_add = -1}},
	{"IPv6 length 0", PASS(pass_bad_length), {.v6 = true, .ip_length_add = -44}},
	{"IPv6, 1 byte cut off", PASS(pass_truncated), {.v6 = true, .cut = 1}},
	{"IPv6, cut in the UDP header", PASS(pass_truncated), {.v6 = true, .cut = 37}},
	{"IPv6, cut in the IP header", PASS(pass_truncated), {.v6 = true, .cut = 45}},

	/* UDP */
	{"another port", PASS(pass_other_port), {.dest_port = FRAME_PORT + 1}},
	{"another port that the quick filter lets by", PASS(pass_not_local),
		{.dest_port = FRAME_PORT - 64}},
	{"port 0", PASS(pass_other_port), {.dest_port = -1}},
	{"another port, IPv6", PASS(pass_other_port), {.v6 = true, .dest_port = 53}},
	{"another address", PASS(pass_not_local), {.dest = "192.0.2.2"}},
	{"another address, IPv6", PASS(pass_not_local), {.v6 = true, .dest = "2001:db8::2"}},
	{"the IPv4 address, v4-mapped in IPv6", PASS(pass_not_local),
		{.v6 = true, .dest = "::ffff:192.0.2.1"}},
	{"multicast", PASS(pass_not_local), {.dest = "224.0.0.1", .dest_mac = group_mac}},
	{"UDP length 1 short", PASS(pass_bad_length), {.udp_length_add = -1}},
	{"UDP length 1 long", PASS(pass_bad_length), {.udp_length_add = 1}},
	{"UDP length 1 long, inside the padding", PASS(pass_bad_length),
		{.udp_length_add = 1, .padding = 8}},
	{"UDP length 7", PASS(pass_bad_length), {.udp_length_add = -37}},
	{"UDP and IP length agree on 7", PASS(pass_bad_length),
		{.udp_length_add = -37, .ip_length_add = -37}},
	{"UDP length 0", PASS(pass_bad_length), {.udp_length_add = -44}},
	{"UDP length 1 short, IPv6", PASS(pass_bad_length), {.v6 = true, .udp_length_add = -1}},
	{"UDP length 1 long, IPv6", PASS(pass_bad_length), {.v6 = true, .udp_length_add = 1}},
	{"UDP length 0, IPv6", PASS(pass_bad_length), {.v6 = true, .udp_length_add = -44}},
	{"UDP checksum wrong", PASS(pass_bad_checksum), {.check = CHECK_WRONG}},
	{"UDP checksum wrong, IPv6", PASS(pass_bad_checksum), {.v6 = true, .check = CHECK_WRONG}},
	{"UDP checksum wrong, miss", PASS(pass_bad_checksum),
		{.check = CHECK_WRONG, .key = none_key}},
	{"UDP checksum wrong, trailing bytes", PASS(pass_bad_checksum),
		{.check = CHECK_WRONG, .trailing = 333}},
	{"no UDP checksum over IPv6", PASS(pass_bad_checksum), {.v6 = true, .check = CHECK_NONE}},
	{"a NEW's checksum is the kernel's business", PASS(pass_new),
		{.type = -1, .check = CHECK_WRONG}},

	/* sources */
	{"from 0.0.0.0", PASS(pass_bad_source), {.source = "0.0.0.0"}},
	{"from 0.1.2.3", PASS(pass_bad_source), {.source = "0.1.2.3"}},
	{"from loopback", PASS(pass_bad_source), {.source = "127.0.0.1"}},
	{"from multicast", PASS(pass_bad_source), {.source = "224.0.0.1"}},
	{"from a reserved net", PASS(pass_bad_source), {.source = "240.0.0.1"}},
	{"from broadcast", PASS(pass_bad_source), {.source = "255.255.255.255"}},
	{"from source port 0", PASS(pass_bad_source), {.source_port = -1}},
	{"from ::", PASS(pass_bad_source), {.v6 = true, .source = "::"}},
	{"from ::1", PASS(pass_bad_source), {.v6 = true, .source = "::1"}},
	{"from ff02::1", PASS(pass_bad_source), {.v6 = true, .source = "ff02::1"}},
	{"from a v4-mapped address", PASS(pass_bad_source),
		{.v6 = true, .source = "::ffff:10.1.2.3"}},
	{"not allowed", DROP(drop_not_allowed), {.source = "11.0.0.0"}},
	{"not allowed, just below", DROP(drop_not_allowed), {.source = "9.255.255.255"}},
	{"not allowed, 223.255.255.255", DROP(drop_not_allowed), {.source = "223.255.255.255"}},
	{"not allowed, IPv6", DROP(drop_not_allowed), {.v6 = true, .source = "2001:db8::99"}},
	{"not allowed, IPv6, like an allowed IPv4 address", DROP(drop_not_allowed),
		{.v6 = true, .source = "::a01:203"}},
	{"not allowed NEW", DROP(drop_not_allowed), {.source = "8.8.8.8", .type = -1}},
	{"not allowed, and nonsense", DROP(drop_not_allowed),
		{.source = "8.8.8.8", .message_length = 1}},
	{"not allowed, and a wrong checksum", DROP(drop_not_allowed),
		{.source = "8.8.8.8", .check = CHECK_WRONG}},

	/* messages */
	{"empty message", DROP(drop_short), {.message_length = 1}},
	{"message of 1 byte", DROP(drop_short), {.message_length = 2}},
	{"message of 35 bytes", DROP(drop_short), {.message_length = 36}},
	{"message of 35 bytes, padded", DROP(drop_short), {.message_length = 36, .padding = 30}},
	{"message of 35 bytes, IPv6", DROP(drop_short), {.v6 = true, .message_length = 36}},
	{"short NEW", DROP(drop_short), {.message_length = 36, .type = -1}},
	{"version 0", DROP(drop_version), {.message_version = -1}},
	{"version 2", DROP(drop_version), {.message_version = 2}},
	{"version 255, IPv6", DROP(drop_version), {.v6 = true, .message_version = 255}},
	{"version 2 and unknown type", DROP(drop_version), {.message_version = 2, .type = 9}},
	{"type 4", DROP(drop_type), {.type = 4}},
	{"type 127", DROP(drop_type), {.type = 127}},
	{"type OK: a reply is no request", DROP(drop_type), {.type = SESSD_OK}},
	{"type ERR: a reply is no request", DROP(drop_type), {.type = SESSD_ERR, .v6 = true}},
	{"NEW", PASS(pass_new), {.type = -1, .timeout = 300, .trailing = 144}},
	{"NEW, IPv6", PASS(pass_new), {.v6 = true, .type = -1, .timeout = 300, .trailing = 144}},
	{"NEW, nothing behind its header", PASS(pass_new), {.type = -1}},
	{"NEW that is far too long", PASS(pass_new), {.type = -1, .trailing = 3000}},
	{"REMOVE", PASS(pass_remove), {.type = SESSD_REMOVE}},
	{"REMOVE, IPv6, one VLAN tag", PASS(pass_remove),
		{.v6 = true, .vlans = 1, .type = SESSD_REMOVE}},
	{"GET with 1401 trailing bytes", PASS(pass_no_room), {.trailing = 1401}},
	{"GET with 3000 trailing bytes", PASS(pass_no_room), {.v6 = true, .trailing = 3000}},
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static int setup(void **state)
{
	static struct fixture fixture;
	uint8_t value[VALUE_LENGTH];

	for (int i = 0; i < VALUE_LENGTH; i++)
		value[i] = 0x30 + i * 11;
	*state = &fixture;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture_put(&fixture, live_key, LIVE_SLOT, FIXTURE_LIFE, value, sizeof(value));
	fixture_put(&fixture, dead_key, DEAD_SLOT, -1, value, sizeof(value));
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(*state);
	return 0;
}

static void check_outcome(
	size_t i, const struct outcome *outcome, const uint8_t *frame, size_t size)
{
	uint8_t value[VALUE_LENGTH];
	const char *wrong;
	bool hit = cases[i].counter == FIXTURE_COUNTER(get_hits);

	assert_int_equal(outcome->verdict, cases[i].verdict);
	fixture_assert_counted(outcome, cases[i].counter, 0);
	if (outcome->verdict != XDP_TX) { /* unharmed */
		assert_int_equal(outcome->size, size);
		assert_memory_equal(outcome->frame, frame, size);
		return;
	}
	for (int at = 0; at < VALUE_LENGTH; at++)
		value[at] = 0x30 + at * 11;
	wrong = verify_reply(frame, size, outcome->frame, outcome->size, hit ? SESSD_OK : SESSD_ERR,
		value, hit ? sizeof(value) : 0);
	if (wrong)
		fail_msg("the reply is wrong: %s", wrong);
}

static void packets(void **state)
{
	const struct fixture *fixture = *state;
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];

	for (size_t i = 0; i < CASES; i++) {
		struct frame_spec spec = cases[i].spec;
		size_t size;

		if (!spec.key)
			spec.key = live_key;
		print_message("%s\n", cases[i].name);
		fixture_clear_marks(fixture);
		size = frame_build(&spec, frame);
		fixture_run(fixture, frame, size, &outcome);
		check_outcome(i, &outcome, frame, size);
		assert_int_equal(fixture_mark(fixture, LIVE_SLOT),
			cases[i].counter == FIXTURE_COUNTER(get_hits));
		assert_int_equal(fixture_mark(fixture, DEAD_SLOT), 0);
	}
	print_message("%zu cases\n", CASES);
}

/* A checksum of 0 is sent as 0xffff (RFC 768). The echoed timeout controls it: a timeout equal to
 * the checksum of the reply without it makes the sum 0xffff. */
static void checksum_zero(void **state)
{
	const struct fixture *fixture = *state;
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];

	for (int i = 0; i < 4; i++) {
		bool v6 = i % 2, hit = i / 2;
		struct frame_spec spec = {.v6 = v6, .key = hit ? live_key : none_key};
		const uint8_t *check = outcome.frame + 14 + (v6 ? 40 : 20) + 6;
		uint8_t value[VALUE_LENGTH];
		size_t size = frame_build(&spec, frame);

		for (int at = 0; at < VALUE_LENGTH; at++)
			value[at] = 0x30 + at * 11;
		fixture_run(fixture, frame, size, &outcome);
		spec.timeout = check[0] << 8 | check[1];
		size = frame_build(&spec, frame);
		fixture_run(fixture, frame, size, &outcome);
		assert_int_equal(check[0] << 8 | check[1], 0xffff);
		assert_null(verify_reply(frame, size, outcome.frame, outcome.size,
			hit ? SESSD_OK : SESSD_ERR, value, hit ? sizeof(value) : 0));
	}
}

/* Until the maps are complete, and once another daemon's maps are there, all packets pass to the
 * kernel. */
static void not_ready(void **state)
{
	static const uint32_t numbers[] = {0, SESSD_ABI + 1};
	const struct fixture *fixture = *state;
	struct sessd_config config = fixture->config;
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	uint32_t zero = 0;

	for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
		config.abi = numbers[n];
		assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.config, &zero,
					 sizeof(zero), &config, sizeof(config), BPF_ANY),
			0);
		for (size_t i = 0; i < CASES; i++) {
			struct frame_spec spec = cases[i].spec;
			size_t size;

			if (!spec.key)
				spec.key = live_key;
			size = frame_build(&spec, frame);
			fixture_run(fixture, frame, size, &outcome);
			assert_int_equal(outcome.verdict, XDP_PASS);
			assert_int_equal(outcome.size, size);
			assert_memory_equal(outcome.frame, frame, size);
			fixture_assert_counted(&outcome, FIXTURE_NO_COUNTER, 0);
		}
	}
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.config, &zero, sizeof(zero),
				 &fixture->config, sizeof(fixture->config), BPF_ANY),
		0);
}

/* A session ends when its entry says, by the program's clock. */
static void expiry(void **state)
{
	const struct fixture *fixture = *state;
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	static const uint8_t key[SESSD_KEY_SIZE] = "soon";
	size_t size = frame_build(&(struct frame_spec){.key = key}, frame);
	unsigned hits = 0;
	uint64_t before, after;

	before = fixture_tick();
	fixture_put(fixture, key, 1, 60, "value", 5);
	after = fixture_tick();
	for (;;) {
		uint64_t tick = fixture_tick();

		fixture_run(fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, XDP_TX);
		if (!outcome.counted.get_hits)
			break;
		/* the program's clock may be behind; the writer subtracts that */
		assert_true(tick < after + 60 + CLOCK_BEHIND_TICKS);
		hits++;
	}
	assert_true(hits > 0);
	assert_true(fixture_tick() >= before + 60);
	fixture_assert_counted(&outcome, FIXTURE_COUNTER(get_expired), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets),
		cmocka_unit_test(checksum_zero),
		cmocka_unit_test(not_ready),
		cmocka_unit_test(expiry),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, setup, teardown);
}
