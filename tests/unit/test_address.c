/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void endpoints(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} cases[] = {
		{"192.0.2.1", "192.0.2.1:54321"},
		{"192.0.2.1:1", "192.0.2.1:1"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"[2001:db8::1]:99", "[2001:db8::1]:99"},
		{"[2001:db8::1]", "[2001:db8::1]:54321"},
		{"2001:db8::1", "[2001:db8::1]:54321"},
		{"fe80::1%eth0", "[fe80::1%eth0]:54321"},
		{"[fe80::1%eth0]:99", "[fe80::1%eth0]:99"},
		{"[febf:1111:2222:3333:4444:5555:6666:7777%fifteenletters0]:65535",
			"[febf:1111:2222:3333:4444:5555:6666:7777%fifteenletters0]:65535"},
		{"fe80::1%", NULL},
		{"fe80::1%sixteenletters00", NULL},
		{"fd00::1%eth0", NULL},
		{"10.0.0.1%eth0", NULL},
		{"*%eth0", NULL},
		{"*", "*:54321"},
		{"*:7", "*:7"},
		{"192.0.2.1:0", NULL},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:70000", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1:+5", NULL},
		{"192.0.2.1: 5", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"[192.0.2.1]:5", NULL},
		{"[2001:db8::1", NULL},
		{"[2001:db8::1]5", NULL},
		{"2001:db8::g", NULL},
		{"localhost", NULL},
		{"", NULL},
		{"[2001:0db8:0000:0000:0000:0000:0000:0001]:54321-and-far-too-long", NULL},
	};
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint endpoint;
		int ret = endpoint_parse(cases[i].in, 54321, &endpoint);

		print_message("%s\n", cases[i].in);
		assert_int_equal(ret, cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(endpoint_format(&endpoint, text), cases[i].out);
	}
}

static void prefixes(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{"10.0.0.0/8", "10.0.0.0/8"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"192.0.2.7", "192.0.2.7/32"},
		{"fc00::/7", "fc00::/7"},
		{"::/0", "::/0"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"10.0.0.0/33", NULL},
		{"10.0.0.0/", NULL},
		{"10.0.0.0/-1", NULL},
		{"10.0.0.0/8x", NULL},
		{"10.0.0.1/8", NULL},
		{"fc00::1/7", NULL},
		{"::/129", NULL},
		{"10.0.0/8", NULL},
		{"/8", NULL},
		{"", NULL},
	};
	char text[ADDRESS_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix prefix;
		int ret = prefix_parse(cases[i].in, &prefix);

		print_message("%s\n", cases[i].in);
		assert_int_equal(ret, cases[i].out ? 0 : -EINVAL);
		if (cases[i].out)
			assert_string_equal(prefix_format(&prefix, text), cases[i].out);
	}
}

static void containment(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool in;
	} cases[] = {
		{"10.0.0.0/8", "10.255.1.2", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.7", "192.0.2.7", true},
		{"192.0.2.7", "192.0.2.6", false},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix prefix;
		struct address addr;

		print_message("%s in %s\n", cases[i].addr, cases[i].prefix);
		assert_int_equal(prefix_parse(cases[i].prefix, &prefix), 0);
		assert_int_equal(address_parse(cases[i].addr, &addr), 0);
		assert_int_equal(prefix_contains(&prefix, &addr), cases[i].in);
	}
}

static void default_list(void **state)
{
	static const char *const in[] = {"127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255",
		"192.168.9.9", "::1", "fd00::1", "fe80::1"};
	static const char *const out[] = {"8.8.8.8", "172.32.0.0", "172.15.255.255", "192.0.2.1",
		"2001:db8::1", "::2", "0.0.0.0", "11.0.0.1"};
	struct allow_list list;
	struct address addr;

	(void)state;
	allow_list_default(&list);
	assert_int_equal(list.count, 8);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(address_parse(in[i], &addr), 0);
		assert_true(allow_list_contains(&list, &addr));
		assert_int_equal(address_parse(out[i], &addr), 0);
		assert_false(allow_list_contains(&list, &addr));
	}
}

static void sockaddrs(void **state)
{
	static const char *const texts[] = {"192.0.2.1", "2001:db8::1"};
	static const int families[] = {AF_INET, AF_INET6};
	struct sockaddr_storage storage;
	struct address addr, back;
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(address_parse(texts[i], &addr), 0);
		assert_true(address_to_sockaddr(&addr, 4711, &storage) > 0);
		assert_int_equal(storage.ss_family, families[i]);
		assert_int_equal(
			address_from_sockaddr((struct sockaddr *)&storage, &back, &port), 0);
		assert_true(address_equal(&addr, &back));
		assert_int_equal(port, 4711);
	}
	storage.ss_family = AF_UNIX;
	assert_int_equal(
		address_from_sockaddr((struct sockaddr *)&storage, &back, &port), -EAFNOSUPPORT);
}

/* A datagram to an address arrives at a socket of that address, of its family's wildcard, or of
 * both families. */
static void endpoints_take(void **state)
{
	static const struct {
		const char *listen, *addr;
		bool takes;
	} cases[] = {
		{"*", "192.0.2.1", true},
		{"*", "2001:db8::1", true},
		{"0.0.0.0", "192.0.2.1", true},
		{"0.0.0.0", "2001:db8::1", false},
		{"::", "2001:db8::1", true},
		{"::", "192.0.2.1", false},
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint endpoint;
		struct address addr;

		print_message("%s, %s\n", cases[i].listen, cases[i].addr);
		assert_int_equal(endpoint_parse(cases[i].listen, 1, &endpoint), 0);
		assert_int_equal(address_parse(cases[i].addr, &addr), 0);
		assert_int_equal(endpoint_takes(&endpoint, &addr), cases[i].takes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints),
		cmocka_unit_test(prefixes),
		cmocka_unit_test(containment),
		cmocka_unit_test(default_list),
		cmocka_unit_test(sockaddrs),
		cmocka_unit_test(endpoints_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
