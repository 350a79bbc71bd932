/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The lcores' form of the allow list gives the same results as the list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/packet/allow_ranges.h"

#include <stdlib.h>

static bool ranges_contain(const struct allow_ranges *allow, const struct address *addr)
{
	uint8_t data[40] = {0};
	struct frame frame = {.data = data, .v6 = !address_is_ipv4(addr)};

	if (frame.v6)
		memcpy(frame_ip6(&frame)->source, addr->bytes, 16);
	else
		memcpy(&frame_ip4(&frame)->source, addr->bytes + 12, 4);
	return allow_source(allow, &frame);
}

static void random_address(struct address *addr)
{
	for (unsigned i = 0; i < 16; i++)
		addr->bytes[i] = (uint8_t)rand();
	if (rand() % 2) {
		uint8_t ip4[4] = {addr->bytes[0], addr->bytes[1], addr->bytes[2], addr->bytes[3]};

		address_from_ipv4(addr, ip4);
	}
}

/* An address near the edges of a prefix, where mistakes are likely. */
static void near(struct address *addr, const struct prefix *prefix)
{
	unsigned bit = (unsigned)rand() % 128;

	*addr = prefix->addr;
	for (unsigned i = prefix->length; i < 128; i++)
		addr->bytes[i / 8] |= (uint8_t)(rand() % 2 ? 0x80 >> i % 8 : 0);
	if (rand() % 2)
		addr->bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
}

static void same_as_list(void **state)
{
	static struct allow_list list;

	(void)state;
	srand(1);
	for (unsigned round = 0; round < 60; round++) {
		struct allow_ranges *allow;
		struct address addr;
		unsigned inside = 0;

		list.count = 1 + (size_t)rand() % (round % 10 ? 30 : ALLOW_MAX);
		for (size_t i = 0; i < list.count; i++) {
			struct prefix *prefix = &list.prefixes[i];

			/* Some inside others, some next to others. */
			if (i && rand() % 3 == 0)
				near(&prefix->addr, &list.prefixes[i - 1]);
			else
				random_address(&prefix->addr);
			prefix->length =
				(uint8_t)(address_is_ipv4(&prefix->addr) ? 96 + 4 + rand() % 29
									 : 4 + rand() % 125);
			for (unsigned b = prefix->length; b < 128; b++)
				prefix->addr.bytes[b / 8] &= (uint8_t) ~(0x80 >> b % 8);
		}
		allow = allow_ranges_make(&list);
		assert_non_null(allow);
		for (unsigned i = 0; i < 2000; i++) {
			bool expected;

			if (i % 4)
				near(&addr, &list.prefixes[(size_t)rand() % list.count]);
			else
				random_address(&addr);
			expected = allow_list_contains(&list, &addr);
			inside += expected;
			assert_int_equal(ranges_contain(allow, &addr), expected);
		}
		assert_true(inside > 0 && inside < 2000);
		free(allow);
	}
}

static void edges(void **state)
{
	static const char *const prefixes[] = {
		"0.0.0.0/0", "::/0", "255.255.255.255", "10.0.0.0/8"};
	static const char *const addrs[] = {"0.0.0.0", "255.255.255.255", "9.255.255.255",
		"10.0.0.0", "10.255.255.255", "11.0.0.0",
		"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
	static struct allow_list list;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct allow_ranges *allow;

		list.count = 1;
		assert_int_equal(prefix_parse(prefixes[i], &list.prefixes[0]), 0);
		allow = allow_ranges_make(&list);
		for (size_t k = 0; k < 8; k++) {
			struct address addr;

			assert_int_equal(address_parse(addrs[k], &addr), 0);
			assert_int_equal(
				ranges_contain(allow, &addr), allow_list_contains(&list, &addr));
		}
		free(allow);
	}
	list.count = 0;
	struct allow_ranges *none = allow_ranges_make(&list);
	struct address addr;

	assert_int_equal(address_parse("10.0.0.1", &addr), 0);
	assert_false(ranges_contain(none, &addr));
	free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_list),
		cmocka_unit_test(edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
