/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Values of every length, in the entry alone and with an overflow, over both families.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include <linux/bpf.h>

#include <stdlib.h>
#include <string.h>

static const uint8_t key[SESSD_KEY_SIZE] = "\x01\xff a session id that is random";

enum {
	SLOT = 129
};

static void ask(const struct fixture *fixture, const struct frame_spec *spec, const uint8_t *value,
	size_t length)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size = frame_build(spec, frame);
	const char *wrong;

	fixture_run(fixture, frame, size, &outcome);
	assert_int_equal(outcome.verdict, XDP_TX);
	fixture_assert_counted(&outcome, FIXTURE_COUNTER(get_hits), 0);
	wrong = verify_reply(frame, size, outcome.frame, outcome.size, SESSD_OK, value, length);
	if (wrong)
		fail_msg("length %zu, IPv%d: %s", length, spec->v6 ? 6 : 4, wrong);
}

/* Each length up to `value_max`, with random bytes, all zeros (which hardly affect a checksum) and
 * all ones, by requests shorter and longer than the reply. */
static void lengths(uint32_t value_max)
{
	struct fixture fixture;
	uint8_t value[SESSD_VALUE_LIMIT];

	fixture_start(&fixture, value_max);
	for (size_t length = 1; length <= value_max; length++) {
		for (size_t i = 0; i < length; i++)
			value[i] = random() >> 7;
		fixture_put(&fixture, key, SLOT, FIXTURE_LIFE, value, length);
		for (int v6 = 0; v6 < 2; v6++) {
			struct frame_spec spec = {.key = key, .v6 = v6, .timeout = length};

			ask(&fixture, &spec, value, length);
			spec.vlans = 1 + length % 2;
			spec.trailing = random() % (SESSD_VALUE_LIMIT + 1);
			ask(&fixture, &spec, value, length);
			spec.trailing = length;
			ask(&fixture, &spec, value, length);
		}
		memset(value, length % 2 ? 0x00 : 0xff, length);
		fixture_put(&fixture, key, SLOT, FIXTURE_LIFE, value, length);
		for (int v6 = 0; v6 < 2; v6++)
			ask(&fixture, &(struct frame_spec){.key = key, .v6 = v6}, value, length);
	}
	fixture_stop(&fixture);
}

static void by_default(void **state)
{
	(void)state;
	lengths(SESSD_VALUE_DEFAULT_MAX);
}

static void to_the_limit(void **state)
{
	(void)state;
	lengths(SESSD_VALUE_LIMIT);
}

static void without_overflow(void **state)
{
	(void)state;
	lengths(1);
	lengths(SESSD_INLINE_MAX);
	lengths(SESSD_INLINE_MAX + 1);
}

/* An entry longer than --max-session is not from this daemon. */
static void too_long(void **state)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size = frame_build(&(struct frame_spec){.key = key}, frame);
	uint8_t value[SESSD_VALUE_LIMIT] = {0}, rest[SESSD_VALUE_LIMIT] = {0};
	struct sessd_entry entry;
	struct fixture fixture;
	__u64 words[4];

	(void)state;
	memcpy(words, key, sizeof(words));
	fixture_start(&fixture, 192);
	fixture_put(&fixture, key, SLOT, FIXTURE_LIFE, value, 192);
	fixture_run(&fixture, frame, size, &outcome);
	fixture_assert_counted(&outcome, FIXTURE_COUNTER(get_hits), 0);
	for (size_t length = 193; length <= 65535; length = length * 2 - 17) {
		fixture_session(&fixture, &entry, rest, key, SLOT, FIXTURE_LIFE, value, 100);
		entry.len = length;
		entry.guard = sessd_guard_head(fixture.config.secret, entry.life, entry.len,
			entry.sum, words); /* and zeros: right but for its length */
		fixture_put_raw(&fixture, key, &entry, SLOT, rest);
		fixture_run(&fixture, frame, size, &outcome);
		fixture_assert_counted(&outcome, FIXTURE_COUNTER(get_torn), 2);
		assert_null(
			verify_reply(frame, size, outcome.frame, outcome.size, SESSD_ERR, NULL, 0));
	}
	fixture_stop(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_default),
		cmocka_unit_test(to_the_limit),
		cmocka_unit_test(without_overflow),
		cmocka_unit_test(too_long),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
