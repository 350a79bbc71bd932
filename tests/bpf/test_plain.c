/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The short way for plain requests (ebpf/plain.bpf.h) gives the same frames and counts as the
 * general way, which a request takes whose addresses are not in the access cache.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <sched.h>
#include <string.h>

static const uint8_t key[SESSD_KEY_SIZE] = "a session id that is asked for";

enum {
	SLOT = 700
};

static struct sessd_entry stored;
static uint8_t rest[SESSD_REST_SIZE(SESSD_VALUE_DEFAULT_MAX)];

static int start(void **state)
{
	static struct fixture fixture;
	cpu_set_t cpu;

	/* The cache is per CPU. */
	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	*state = &fixture;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	return 0;
}

static int stop(void **state)
{
	fixture_stop(*state);
	return 0;
}

/* Makes the program forget the sources that it knows. */
static void forget_sources(struct fixture *fixture)
{
	__u32 zero = 0;

	fixture->config.generation++;
	assert_int_equal(bpf_map__update_elem(fixture->bpf->maps.config, &zero, sizeof(zero),
				 &fixture->config, sizeof(fixture->config), BPF_ANY),
		0);
}

/* Runs a frame both ways, each time with the entry as it was stored, which a TAKE changes. */
static const struct outcome *both_ways(struct fixture *fixture, const uint8_t *frame, size_t size)
{
	static struct outcome general, plain;
	const struct frame_spec any = {.key = (const uint8_t[SESSD_KEY_SIZE]){1}};
	uint8_t known[FRAME_MAX];
	size_t known_size = frame_build(&any, known);

	fixture_put_raw(fixture, key, &stored, SLOT, rest);
	forget_sources(fixture);
	memset(&general, 0, sizeof(general));
	fixture_run(fixture, frame, size, &general);

	fixture_put_raw(fixture, key, &stored, SLOT, rest);
	fixture_run(fixture, known, known_size, &plain);
	memset(&plain, 0, sizeof(plain));
	fixture_run(fixture, frame, size, &plain);

	assert_int_equal(plain.verdict, general.verdict);
	assert_int_equal(plain.size, general.size);
	assert_memory_equal(plain.frame, general.frame, general.size);
	assert_memory_equal(&plain.counted, &general.counted, sizeof(general.counted));
	return &plain;
}

static void store(struct fixture *fixture, int64_t life, const void *value, size_t length)
{
	memset(rest, 0, sizeof(rest));
	fixture_session(fixture, &stored, rest, key, SLOT, life, value, length);
}

static void every_length(void **state)
{
	struct fixture *fixture = *state;
	uint8_t value[SESSD_VALUE_DEFAULT_MAX];

	for (size_t length = 1; length <= sizeof(value); length += length < 170 ? 1 : 19) {
		for (size_t i = 0; i < length; i++)
			value[i] = (uint8_t)(i * 41 + length);
		store(fixture, FIXTURE_LIFE, value, length);
		for (unsigned i = 0; i < 4; i++) {
			const struct frame_spec spec = {.key = key,
				.type = i & 1 ? SESSD_TAKE : 0,
				.timeout = (uint16_t)(length * 977),
				.tos = (int)length,
				.id = (int)length * 7,
				.ttl = (int)length + 1,
				.source_port = (int)length * 119 + 1,
				.trailing = i & 2 ? (unsigned)length % 5 : 0};
			uint8_t frame[FRAME_MAX];
			size_t size = frame_build(&spec, frame);
			const struct outcome *outcome = both_ways(fixture, frame, size);
			const char *wrong = verify_reply(frame, size, outcome->frame, outcome->size,
				SESSD_OK, value, length);

			if (wrong)
				fail_msg("length %zu: %s", length, wrong);
			fixture_assert_counted(outcome,
				i & 1 ? FIXTURE_COUNTER(take_hits) : FIXTURE_COUNTER(get_hits), 0);
		}
	}
}

/* Each bit of a request, changed: each check that the general way makes, the short way makes. */
static void every_bit(void **state)
{
	const struct frame_spec specs[] = {
		{.key = key},
		{.key = key, .type = SESSD_TAKE},
		{.key = (const uint8_t *)"nobody's, and of 32 bytes as all"},
		{.key = key, .check = CHECK_NONE},
		{.key = key, .check = CHECK_PARTIAL},
		{.key = key, .vlans = 1},
		{.key = key, .padding = 3},
	};
	struct fixture *fixture = *state;
	uint8_t frame[FRAME_MAX];

	store(fixture, FIXTURE_LIFE, "a value of some bytes", 21);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		size_t size = frame_build(&specs[i], frame);

		both_ways(fixture, frame, size);
		for (size_t bit = 0; bit < 8 * size; bit++) {
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
			both_ways(fixture, frame, size);
			frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		for (size_t cut = 1; cut + 14 <= size;
			cut += 7) /* the kernel runs no shorter ones */
			both_ways(fixture, frame, size - cut);
	}
}

/* An entry that is torn, was taken, has ended or is no session. */
static void every_entry(void **state)
{
	struct fixture *fixture = *state;
	uint8_t frames[2][FRAME_MAX];
	size_t size = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct frame_spec spec = {.key = key, .type = i ? SESSD_TAKE : 0};

		size = frame_build(&spec, frames[i]);
	}
	for (size_t bit = 0; bit < 8 * sizeof(stored); bit++) {
		store(fixture, FIXTURE_LIFE, "a value that is longer than three words", 39);
		((uint8_t *)&stored)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		for (unsigned i = 0; i < 2; i++)
			both_ways(fixture, frames[i], size);
	}
	store(fixture, FIXTURE_LIFE, "taken before", 12);
	stored.guard = 0;
	for (unsigned i = 0; i < 2; i++)
		both_ways(fixture, frames[i], size);
	store(fixture, -20, "has ended", 9);
	for (unsigned i = 0; i < 2; i++)
		both_ways(fixture, frames[i], size);
	fixture_session(
		fixture, &stored, rest, key, FIXTURE_CAPACITY, FIXTURE_LIFE, "no session", 10);
	for (unsigned i = 0; i < 2; i++)
		both_ways(fixture, frames[i], size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length),
		cmocka_unit_test(every_bit),
		cmocka_unit_test(every_entry),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, start, stop);
}
