/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Changes of served addresses and of the allow list; and the program's cache of them
 * (ebpf/access_cache.bpf.h) never outlives a generation nor gives a wrong answer.
 */
#include "tests/bpf/fixture.h"

#include <linux/bpf.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t key[SESSD_KEY_SIZE] = "key";

static int setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(*state);
	return 0;
}

static void assert_becomes(
	const struct fixture *fixture, struct frame_spec spec, uint32_t verdict, size_t counter)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size;

	spec.key = key;
	size = frame_build(&spec, frame);
	for (int i = 0; i < 2; i++) { /* first uncached, then cached */
		fixture_run(fixture, frame, size, &outcome);
		assert_int_equal(outcome.verdict, verdict);
		fixture_assert_counted(&outcome, counter, 0);
	}
}

#define ANSWERED    XDP_TX, FIXTURE_COUNTER(get_misses)
#define NOT_ALLOWED XDP_DROP, FIXTURE_COUNTER(drop_not_allowed)
#define NOT_LOCAL   XDP_PASS, FIXTURE_COUNTER(pass_not_local)
#define BAD_SOURCE  XDP_PASS, FIXTURE_COUNTER(pass_bad_source)

static void next_generation(struct fixture *fixture)
{
	uint32_t zero = 0;

	fixture->config.generation++;
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.config, &zero, sizeof(zero),
				 &fixture->config, sizeof(fixture->config), BPF_ANY),
		0);
}

static void set(struct bpf_map *map, const void *at, size_t size, bool present)
{
	uint8_t one = 1;

	assert_int_equal(present ? bpf_map__update_elem(map, at, size, &one, sizeof(one), BPF_ANY)
				 : bpf_map__delete_elem(map, at, size, 0),
		0);
}

static void allow_list(void **state)
{
	static const struct sessd_lpm4 net4 = {.prefixlen = 8, .addr = {10}};
	static const struct sessd_lpm4 host4 = {.prefixlen = 32, .addr = {10, 1, 2, 3}};
	static const struct sessd_lpm6 net6 = {.prefixlen = 8, .addr = {0xfd}};
	struct fixture *fixture = *state;
	struct bpf_map *allow4 = fixture->bpf->maps.allow4, *allow6 = fixture->bpf->maps.allow6;

	for (int i = 0; i < 3; i++) {
		assert_becomes(fixture, (struct frame_spec){}, ANSWERED);
		assert_becomes(fixture, (struct frame_spec){.v6 = true}, ANSWERED);
		set(allow4, &net4, sizeof(net4), false);
		next_generation(fixture);
		assert_becomes(fixture, (struct frame_spec){}, NOT_ALLOWED);
		assert_becomes(fixture, (struct frame_spec){.v6 = true}, ANSWERED);
		set(allow6, &net6, sizeof(net6), false);
		next_generation(fixture);
		assert_becomes(fixture, (struct frame_spec){.v6 = true}, NOT_ALLOWED);
		set(allow4, &host4, sizeof(host4), true);
		next_generation(fixture);
		assert_becomes(fixture, (struct frame_spec){}, ANSWERED);
		assert_becomes(fixture, (struct frame_spec){.source = "10.1.2.4"}, NOT_ALLOWED);
		set(allow4, &net4, sizeof(net4), true);
		set(allow4, &host4, sizeof(host4), false);
		set(allow6, &net6, sizeof(net6), true);
		next_generation(fixture);
	}
}

static void local_address(void **state)
{
	struct fixture *fixture = *state;
	struct bpf_map *local = fixture->bpf->maps.local;
	struct sessd_local at4 = {.port = htons(FRAME_PORT), .addr[10] = 0xff, .addr[11] = 0xff};
	struct sessd_local at6 = {.port = htons(FRAME_PORT)};

	assert_int_equal(inet_pton(AF_INET, "192.0.2.99", at4.addr + 12), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::99", at6.addr), 1);
	for (int i = 0; i < 3; i++) {
		struct frame_spec to4 = {.dest = "192.0.2.99"};
		struct frame_spec to6 = {.v6 = true, .dest = "2001:db8::99"};

		assert_becomes(fixture, to4, NOT_LOCAL);
		assert_becomes(fixture, to6, NOT_LOCAL);
		set(local, &at4, sizeof(at4), true);
		set(local, &at6, sizeof(at6), true);
		next_generation(fixture);
		assert_becomes(fixture, to4, ANSWERED);
		assert_becomes(fixture, to6, ANSWERED);
		set(local, &at4, sizeof(at4), false);
		set(local, &at6, sizeof(at6), false);
		next_generation(fixture);
	}
}

/* Another port of the same pair of addresses, which passes the quick filter. */
static void other_port(void **state)
{
	struct fixture *fixture = *state;

	for (int v6 = 0; v6 < 2; v6++) {
		assert_becomes(fixture, (struct frame_spec){.v6 = v6}, ANSWERED);
		assert_becomes(fixture, (struct frame_spec){.v6 = v6, .dest_port = FRAME_PORT - 64},
			NOT_LOCAL);
	}
}

/* Checks that do not depend on the addresses apply to every packet. */
static void each_packet(void **state)
{
	static const uint8_t group[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct fixture *fixture = *state;

	for (int v6 = 0; v6 < 2; v6++) {
		assert_becomes(fixture, (struct frame_spec){.v6 = v6}, ANSWERED);
		assert_becomes(
			fixture, (struct frame_spec){.v6 = v6, .dest_mac = group}, NOT_LOCAL);
		assert_becomes(
			fixture, (struct frame_spec){.v6 = v6, .source_mac = group}, BAD_SOURCE);
		assert_becomes(
			fixture, (struct frame_spec){.v6 = v6, .source_port = -1}, BAD_SOURCE);
	}
}

/* Many more clients than the cache holds, allowed and refused ones alternately. */
static void many_clients(void **state)
{
	struct fixture *fixture = *state;
	char good[40], bad[40];

	for (int turn = 0; turn < 2; turn++) {
		for (int i = 0; i < 600; i++) {
			snprintf(good, sizeof(good), "10.%d.7.%d", i % 7, i % 250);
			snprintf(bad, sizeof(bad), "11.%d.7.%d", i % 7, i % 250);
			assert_becomes(fixture, (struct frame_spec){.source = good}, ANSWERED);
			assert_becomes(fixture, (struct frame_spec){.source = bad}, NOT_ALLOWED);
			snprintf(good, sizeof(good), "fd00::%x:%x", i % 7, i);
			snprintf(bad, sizeof(bad), "2001:db8::%x:%x", i % 7, i);
			assert_becomes(
				fixture, (struct frame_spec){.v6 = true, .source = good}, ANSWERED);
			assert_becomes(fixture, (struct frame_spec){.v6 = true, .source = bad},
				NOT_ALLOWED);
		}
	}
}

/* A zero address is not the same as an unused cache entry. */
static void zeros(void **state)
{
	struct fixture *fixture = *state;
	struct sessd_local at = {.port = htons(FRAME_PORT)};

	assert_becomes(
		fixture, (struct frame_spec){.source = "0.0.0.0", .dest = "0.0.0.0"}, NOT_LOCAL);
	set(fixture->bpf->maps.local, &at, sizeof(at), true);
	next_generation(fixture);
	assert_becomes(
		fixture, (struct frame_spec){.v6 = true, .source = "::", .dest = "::"}, NOT_LOCAL);
}

/* Loopback addresses from a wire are refused, even if served. */
static void loopback(void **state)
{
	struct fixture *fixture = *state;
	struct sessd_local at4 = {.port = htons(FRAME_PORT), .addr[10] = 0xff, .addr[11] = 0xff};
	struct sessd_local at6 = {.port = htons(FRAME_PORT), .addr[15] = 1};

	at4.addr[12] = 127;
	at4.addr[15] = 1;
	set(fixture->bpf->maps.local, &at4, sizeof(at4), true);
	set(fixture->bpf->maps.local, &at6, sizeof(at6), true);
	next_generation(fixture);
	assert_becomes(fixture, (struct frame_spec){.dest = "127.0.0.1"}, NOT_LOCAL);
	assert_becomes(fixture, (struct frame_spec){.v6 = true, .dest = "::1"}, NOT_LOCAL);
}

/* A GET with `tags` tags with these ids, and with these EtherTypes unless 0. */
static void assert_tagged(const struct fixture *fixture, unsigned tags, const uint16_t ids[2],
	const uint16_t protos[2], uint32_t verdict, size_t counter)
{
	struct frame_spec spec = {.key = key, .vlans = tags};
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size = frame_build(&spec, frame);

	for (unsigned i = 0; i < tags; i++) {
		uint16_t proto = htons(protos[i]), id = htons(0x6000 | ids[i]);

		if (protos[i])
			memcpy(frame + 12 + 4 * i, &proto, sizeof(proto));
		memcpy(frame + 14 + 4 * i, &id, sizeof(id));
	}
	fixture_run(fixture, frame, size, &outcome);
	assert_int_equal(outcome.verdict, verdict);
	fixture_assert_counted(&outcome, counter, 0);
}

#define OTHER_VLAN XDP_PASS, FIXTURE_COUNTER(pass_other_vlan)

/* Frames of this host's VLANs, on the interface of each, and no others. */
static void vlans(void **state)
{
	const struct fixture *fixture = *state;
	static const struct {
		unsigned tags;
		uint16_t ids[2], protos[2];
		bool ours;
	} cases[] = {
		{1, {100}, {0}, true},
		{1, {101}, {0}, false},
		{1, {4094}, {0}, false},
		{1, {100}, {0x88a8}, false},
		{1, {0}, {0}, true}, /* a priority, and no VLAN */
		{1, {0}, {0x88a8}, true},
		{2, {100, 101}, {0}, true},
		{2, {100, 102}, {0}, false},
		{2, {101, 101}, {0}, false},
		{2, {101, 100}, {0}, false},
		{2, {100, 101}, {0x8100, 0}, false},
		{2, {0, 100}, {0}, true},
		{2, {0, 101}, {0}, false},
		{2, {100, 0}, {0x8100, 0}, true},
		{2, {100, 0}, {0}, false},
		{2, {0, 0}, {0}, true},
	};
	struct sessd_vlan vlan = {1, sessd_vlan_tag(100, false)};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%u: %x %x\n", cases[i].tags, cases[i].ids[0], cases[i].ids[1]);
		if (cases[i].ours)
			assert_tagged(
				fixture, cases[i].tags, cases[i].ids, cases[i].protos, ANSWERED);
		else
			assert_tagged(
				fixture, cases[i].tags, cases[i].ids, cases[i].protos, OTHER_VLAN);
	}
	/* NEWs too. */
	assert_becomes(fixture, (struct frame_spec){.vlans = 1, .type = -1}, XDP_PASS,
		FIXTURE_COUNTER(pass_new));
	set(fixture->bpf->maps.vlans, &vlan, sizeof(vlan), false);
	assert_becomes(fixture, (struct frame_spec){.vlans = 1, .type = -1}, OTHER_VLAN);
	assert_becomes(fixture, (struct frame_spec){.vlans = 1}, OTHER_VLAN);
	assert_becomes(fixture, (struct frame_spec){.vlans = 0}, ANSWERED);
	/* On another interface than the map's. */
	vlan.ifindex = 77;
	set(fixture->bpf->maps.vlans, &vlan, sizeof(vlan), true);
	assert_becomes(fixture, (struct frame_spec){.vlans = 1}, OTHER_VLAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allow_list),
		cmocka_unit_test(local_address),
		cmocka_unit_test(other_port),
		cmocka_unit_test(each_packet),
		cmocka_unit_test(many_clients),
		cmocka_unit_test(zeros),
		cmocka_unit_test(loopback),
		cmocka_unit_test(vlans),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, setup, teardown);
}
