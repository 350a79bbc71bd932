/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Generic XDP's program: like the native one, but packets with an offloaded checksum go to the
 * socket.
 */
#include "tests/bpf/fixture.h"

#include <linux/bpf.h>
#include <string.h>

static const uint8_t key[SESSD_KEY_SIZE] = "live";

static int setup(void **state)
{
	static struct fixture fixture;

	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture_put(&fixture, key, 1, FIXTURE_LIFE, "value", 5);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_stop(*state);
	return 0;
}

static void run(const struct fixture *fixture, bool generic, struct frame_spec spec,
	struct outcome *outcome)
{
	static uint8_t frame[FRAME_MAX];

	spec.key = key;
	fixture_generic = generic;
	fixture_run(fixture, frame, frame_build(&spec, frame), outcome);
	fixture_generic = false;
}

/* A GET, and a GET that is the first of a train of datagrams; a NEW, and a train of NEWs. */
static void passes_partial_checksums(void **state)
{
	static const struct frame_spec specs[] = {
		{.check = CHECK_PARTIAL},
		{.check = CHECK_PARTIAL, .v6 = true},
		{.check = CHECK_PARTIAL, .vlans = 2},
		{.check = CHECK_PARTIAL, .trailing = 72},
		{.check = CHECK_PARTIAL, .type = -1, .trailing = 144},
		{.check = CHECK_PARTIAL, .type = -1, .trailing = 324},
		{.check = CHECK_PARTIAL, .type = SESSD_REMOVE},
	};
	static struct outcome outcome;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		run(*state, true, specs[i], &outcome);
		assert_int_equal(outcome.verdict, XDP_PASS);
		fixture_assert_counted(&outcome, FIXTURE_COUNTER(pass_bad_checksum), 0);
		run(*state, false, specs[i], &outcome);
		assert_false(outcome.counted.pass_bad_checksum);
	}
}

static void answers_as_the_native_one(void **state)
{
	static const struct frame_spec specs[] = {
		{.check = CHECK_GOOD},
		{.check = CHECK_NONE},
		{.v6 = true, .vlans = 1},
		{.trailing = 72},
		{.check = CHECK_WRONG},
		{.source = "8.8.8.8"},
		{.message_version = 2},
		{.type = -1, .trailing = 144},
	};
	static struct outcome native, generic;

	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		run(*state, false, specs[i], &native);
		run(*state, true, specs[i], &generic);
		assert_int_equal(generic.verdict, native.verdict);
		assert_int_equal(generic.size, native.size);
		assert_memory_equal(generic.frame, native.frame, native.size);
		assert_memory_equal(&generic.counted, &native.counted, sizeof(native.counted));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_partial_checksums),
		cmocka_unit_test(answers_as_the_native_one),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, setup, teardown);
}
