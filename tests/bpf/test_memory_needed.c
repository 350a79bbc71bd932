/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The memory that a full cache in xdp mode is said to need, before it starts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/config/options.h"
#include "dataplane/xdp/xsk/frame_rings.h"

#include <bpf/libbpf.h>

#include <string.h>

#define ARGS_MAX 16

/* For two CPUs: there is a ring for each. */
static int64_t needed(const char *line)
{
	char copy[256], *argv[ARGS_MAX] = {(char *)"sessiond"}, *save = NULL;
	struct options options;
	int argc = 1;

	print_message("%s\n", line);
	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	assert_true(argc < ARGS_MAX);
	assert_int_equal(options_parse(&options, argc, argv, NULL), 0);
	strcpy(options.engine.pin_dir, "/nowhere/54321");
	return (int64_t)options_memory_needed(&options) + (int64_t)frame_rings_bytes(2) -
	       (int64_t)frame_rings_bytes((unsigned)libbpf_num_possible_cpus());
}

/* The measurements of docs/farm.md, daemon and kernel, for a million sessions of each length. */
static void million(void **state)
{
	static const struct {
		const char *line;
		unsigned bytes; /* per session */
	} cases[] = {
		{"-m xdp -i lo --max-session 156", 61 + 308},
		{"-m xdp -i lo --max-session 192", 65 + 372},
		{"-m xdp -i lo", 66 + 720},
		{"-m xdp -i lo --max-session 1400", 68 + 1684},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_in_range(needed(cases[i].line) / 1000000, cases[i].bytes * 95 / 100,
			cases[i].bytes * 105 / 100);
}

/* Rings and frames of AF_XDP sockets count too: 1 MiB for each CPU, and with --busy-poll 8 MiB for
 * an interface of one queue. So does the map of rate-limit, which a reload may set: 0.4 MiB, and 6
 * MiB if it is set. */
static void queues(void **state)
{
	int64_t few = needed("-m xdp -i lo -n 1000");

	(void)state;
	assert_in_range(few, 3 << 20, 6 << 20);
	assert_in_range(needed("-m xdp -i lo -n 1000 --busy-poll") - few, 7 << 20, 8 << 20);
	assert_in_range(needed("-m xdp -i lo -n 1000 --rate-limit 5/5") - few, 5 << 20, 6 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(million),
		cmocka_unit_test(queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
