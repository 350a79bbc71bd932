/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --dpdk-args, as far as sessiond reads it before EAL.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/dpdk/args.h"

#include "common/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The words, joined by '|'. */
static void assert_words(const char *text, const char *expected)
{
	struct dpdk_args args;
	char joined[1024] = "";

	print_message("%s\n", text);
	assert_int_equal(dpdk_args_parse(&args, text), 0);
	for (int i = 0; i < args.argc; i++) {
		if (i)
			strcat(joined, "|");
		strcat(joined, args.argv[i]);
	}
	assert_null(args.argv[args.argc]);
	assert_string_equal(joined, expected);
	assert_int_equal(args.huge, strstr(text, "--no-huge") == NULL);
}

static void words(void **state)
{
	(void)state;
	assert_words("", "sessiond|--file-prefix=sessiond|--in-memory");
	assert_words(
		"  -l 1  --no-pci ", "sessiond|-l|1|--no-pci|--file-prefix=sessiond|--in-memory");
	assert_words("--no-huge", "sessiond|--no-huge|--file-prefix=sessiond|--no-shconf");
	assert_words("--file-prefix x --in-memory", "sessiond|--file-prefix|x|--in-memory");
	assert_words("--file-prefix=x --huge-unlink=never",
		"sessiond|--file-prefix=x|--huge-unlink=never");
	assert_words("--file x --huge-dir /mnt", "sessiond|--file|x|--huge-dir|/mnt");
	assert_words("--vdev 'net_tap0,iface=a b' --in-memory --file-prefix y",
		"sessiond|--vdev|net_tap0,iface=a b|--in-memory|--file-prefix|y");
	assert_words("--vdev \"net_tap0,iface='a'\" --in-memory --file-prefix=y",
		"sessiond|--vdev|net_tap0,iface='a'|--in-memory|--file-prefix=y");
	assert_words("a\\ b \"\\\"\" '' --in-memory --file-prefix=y",
		"sessiond|a b|\"||--in-memory|--file-prefix=y");
}

static void own(void **state)
{
	struct dpdk_args args;

	(void)state;
	assert_int_equal(dpdk_args_parse(&args, "-l 1"), 0);
	assert_int_equal(args.rxd, 1024);
	assert_int_equal(args.txd, 1024);
	assert_int_equal(args.mbufs, 0);
	assert_int_equal(args.updates, 4096);
	assert_int_equal(
		dpdk_args_parse(&args, "-l 1 -- --mbufs 9000 --rxd=64 --txd 128 --updates=512"), 0);
	assert_int_equal(args.argc, 5);
	assert_int_equal(args.mbufs, 9000);
	assert_int_equal(args.rxd, 64);
	assert_int_equal(args.txd, 128);
	assert_int_equal(args.updates, 512);
	assert_int_equal(args.vlan_count, 0);
	assert_false(args.any_vlan);
	assert_int_equal(dpdk_args_parse(&args, "-l 1 -- --vlan 1 --vlan=4094 --vlan 7.100"), 0);
	assert_int_equal(args.vlan_count, 3);
	assert_int_equal(args.vlans[0], 1);
	assert_int_equal(args.vlans[1], 4094);
	assert_int_equal(args.vlans[2], 7 << 16 | 100);
	assert_false(args.any_vlan);
	assert_int_equal(dpdk_args_parse(&args, "-- --vlan any"), 0);
	assert_true(args.any_vlan);
	assert_int_equal(dpdk_args_parse(&args, "-l 1 --"), 0);
	assert_int_equal(args.argc, 5);
}

static void refused(void **state)
{
	static const struct {
		const char *text, *message; /* part of the message */
	} cases[] = {
		{"-h", "-h only prints"},
		{"-hv", "-hv only prints"},
		{"--help", "--help only prints"},
		{"--he", "--he only prints"},
		{"-l 1 --version", "--version only prints"},
		{"--vers", "--vers only prints"},
		{"-v", "-v only prints"},
		{"--proc-type=secondary", "primary process"},
		{"--proc-type auto", "primary process"},
		{"-l '1", "a ' is not closed"},
		{"-l \"1", "a \" is not closed"},
		{"-l 1\\", "ends in a backslash"},
		{"-- --rxd", "--rxd takes a number"},
		{"-- --rxd x", "--rxd takes a number from 32 to 32768, not 'x'"},
		{"-- --rxd -5", "--rxd takes a number"},
		{"-- --rxd 40000", "--rxd takes a number"},
		{"-- --rxd 64k", "--rxd takes a number"},
		{"-- --updates 1000", "a power of 2"},
		{"-- --mbufs=", "--mbufs takes a number"},
		{"-- --vlan", "--vlan takes a number from 1 to 4094, two with a dot"},
		{"-- --vlan 0", "or any, not '0'"},
		{"-- --vlan 4095", "or any, not '4095'"},
		{"-- --vlan 10000", "or any, not '10000'"},
		{"-- --vlan -1", "or any, not '-1'"},
		{"-- --vlan 0.5", "or any, not '0.5'"},
		{"-- --vlan 5.", "or any, not '5.'"},
		{"-- --vlan .5", "or any, not '.5'"},
		{"-- --vlan 5.6.7", "or any, not '5.6.7'"},
		{"-- --vlan 5,6", "or any, not '5,6'"},
		{"-- --foo 5", "'--foo' after \"--\""},
		{"-- stray", "'stray' after \"--\""},
	};
	struct dpdk_args args;
	char many[1024] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].text);
		assert_int_equal(dpdk_args_parse(&args, cases[i].text), -EINVAL);
		print_message("\t%s\n", error_message());
		assert_non_null(strstr(error_message(), cases[i].message));
	}
	for (int i = 0; i < ARGS_MAX; i++)
		strcat(many, "-d x ");
	assert_int_equal(dpdk_args_parse(&args, many), -EINVAL);
}

/* Up to the last byte of the buffer for words, and beyond: an empty word takes one byte too. */
static void longest(void **state)
{
	char text[ARGS_TEXT_MAX + 16] = "";
	struct dpdk_args args;

	(void)state;
	memset(text, 'x', ARGS_TEXT_MAX - 1);
	assert_int_equal(dpdk_args_parse(&args, text), 0);
	strcpy(text + ARGS_TEXT_MAX - 1, "x");
	assert_int_equal(dpdk_args_parse(&args, text), -EINVAL);
	strcpy(text + ARGS_TEXT_MAX - 1, " ''");
	assert_int_equal(dpdk_args_parse(&args, text), -EINVAL);
	assert_non_null(strstr(error_message(), "longer than"));
	strcpy(text + ARGS_TEXT_MAX - 2, " ''");
	assert_int_equal(dpdk_args_parse(&args, text), 0);
}

/* Words that only begin like a refused word. */
static void accepted(void **state)
{
	struct dpdk_args args;

	(void)state;
	assert_int_equal(dpdk_args_parse(&args, "--vdev=net_null0 --huge-worker-stack=64"), 0);
	assert_int_equal(dpdk_args_parse(&args, "--vfio-intr=msix --vmware-tsc-map"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(own),
		cmocka_unit_test(refused),
		cmocka_unit_test(longest),
		cmocka_unit_test(accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
