/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TAKE in the program: answered as a GET, once; and the daemon's own program for it.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include "dataplane/xdp/mirror/claims.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const uint8_t key[SESSD_KEY_SIZE] = "a session id, to be used once";

enum {
	SLOT = 700
};

static int start(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	return 0;
}

static int stop(void **state)
{
	fixture_stop(*state);
	return 0;
}

/* The bit that the daemon finds it by; cleared. */
static bool told(const struct fixture *fixture, uint32_t slot)
{
	uint64_t group[MARKS_WORDS(SESSD_MARKS_PER_ELEM)] = {0}, seen;
	uint32_t index = slot / SESSD_MARKS_PER_ELEM;
	int fd = bpf_map__fd(fixture->bpf->maps.taken);

	assert_int_equal(bpf_map_lookup_elem(fd, &index, group), 0);
	seen = group[slot % SESSD_MARKS_PER_ELEM / 64];
	group[slot % SESSD_MARKS_PER_ELEM / 64] = 0;
	for (size_t i = 0; i < MARKS_WORDS(SESSD_MARKS_PER_ELEM); i++)
		assert_int_equal(group[i], 0);
	assert_int_equal(bpf_map_update_elem(fd, &index, group, BPF_ANY), 0);
	assert_true(seen == 0 || seen == mark_bit(slot));
	return seen;
}

static uint64_t guard(const struct fixture *fixture)
{
	struct sessd_entry entry;

	assert_int_equal(
		bpf_map_lookup_elem(bpf_map__fd(fixture->bpf->maps.sessions), key, &entry), 0);
	return entry.guard;
}

static void ask(const struct fixture *fixture, const struct frame_spec *spec, size_t counter,
	uint64_t retries, const void *value, size_t length)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	size_t size = frame_build(spec, frame);
	const char *wrong;

	fixture_run(fixture, frame, size, &outcome);
	assert_int_equal(outcome.verdict, XDP_TX);
	fixture_assert_counted(&outcome, counter, retries);
	wrong = verify_reply(frame, size, outcome.frame, outcome.size,
		length ? SESSD_OK : SESSD_ERR, value, length);
	if (wrong)
		fail_msg("%s", wrong);
}

/* One TAKE gets it. Of the rest, GETs and TAKEs, none does. */
static void once(void **state)
{
	const struct fixture *fixture = *state;
	uint8_t value[SESSD_VALUE_DEFAULT_MAX];

	for (size_t length = 1; length <= sizeof(value); length += length < 170 ? 1 : 19) {
		struct frame_spec spec = {.key = key,
			.v6 = length % 2,
			.vlans = length % 3,
			.timeout = length,
			.trailing = length * 13 % 600};

		memset(value, (int)length, length);
		fixture_put(fixture, key, SLOT, FIXTURE_LIFE, value, length);
		ask(fixture, &spec, FIXTURE_COUNTER(get_hits), 0, value, length);
		spec.type = SESSD_TAKE;
		assert_false(told(fixture, SLOT));
		ask(fixture, &spec, FIXTURE_COUNTER(take_hits), 0, value, length);
		assert_int_equal(guard(fixture), 0);
		assert_true(told(fixture, SLOT));
		ask(fixture, &spec, FIXTURE_COUNTER(take_misses), 0, NULL, 0);
		spec.type = 0;
		ask(fixture, &spec, FIXTURE_COUNTER(get_misses), 0, NULL, 0);
		assert_false(told(fixture, SLOT));
	}
}

static void misses(void **state)
{
	static const uint8_t other[SESSD_KEY_SIZE] = "nobody's";
	const struct fixture *fixture = *state;
	struct frame_spec spec = {.key = other, .type = SESSD_TAKE};
	uint8_t rest[SESSD_REST_SIZE(SESSD_VALUE_DEFAULT_MAX)];
	struct sessd_entry entry;

	ask(fixture, &spec, FIXTURE_COUNTER(take_misses), 0, NULL, 0);
	spec.key = key;
	fixture_put(fixture, key, SLOT, -20, "ended", 5);
	ask(fixture, &spec, FIXTURE_COUNTER(take_misses), 0, NULL, 0);
	assert_int_not_equal(guard(fixture), 0);
	/* What is not whole is not taken either. */
	fixture_session(fixture, &entry, rest, key, SLOT, FIXTURE_LIFE, "value", 5);
	entry.data[0] ^= 1;
	fixture_put_raw(fixture, key, &entry, SLOT, rest);
	ask(fixture, &spec, FIXTURE_COUNTER(take_lost_race), 2, NULL, 0);
	assert_int_equal(guard(fixture), entry.guard);
	assert_false(told(fixture, SLOT));
}

/* The slot past the last is of no session: GETs find what is there, TAKEs do not. */
static void no_session(void **state)
{
	const struct fixture *fixture = *state;
	struct sessd_config config = fixture->config;
	struct frame_spec spec = {.key = key, .type = SESSD_TAKE};
	int fd = bpf_map__fd(fixture->bpf->maps.config);
	uint32_t zero = 0;

	config.capacity = SLOT;
	assert_int_equal(bpf_map_update_elem(fd, &zero, &config, BPF_ANY), 0);
	fixture_put(fixture, key, SLOT, FIXTURE_LIFE, "value", 5);
	ask(fixture, &spec, FIXTURE_COUNTER(take_misses), 0, NULL, 0);
	spec.type = 0;
	ask(fixture, &spec, FIXTURE_COUNTER(get_hits), 0, "value", 5);
	assert_int_equal(bpf_map_update_elem(fd, &zero, &fixture->config, BPF_ANY), 0);
}

/* The daemon's own way, and how it finds what was taken. */
static const struct session held = {.slot = SLOT, .len = 5};

static bool on_held(void *ctx, uint32_t slot, struct session *session)
{
	(void)ctx;
	if (slot != SLOT)
		return false;
	*session = held;
	memcpy(session->key, key, SESSD_KEY_SIZE);
	return true;
}

static void daemon_takes(void **state)
{
	const struct fixture *fixture = *state;
	struct sessiond_bpf *bpf = fixture->bpf;
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t *bits = mmap(
		NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bpf->maps.taken), 0);
	struct claims *claims = claims_create(bpf_map__fd(bpf->maps.sessions),
		bpf_program__fd(bpf->progs.sessiond_claim), bpf_map__fd(bpf->maps.claim), bits,
		FIXTURE_CAPACITY);
	struct frame_spec spec = {.key = key, .type = SESSD_TAKE};
	struct session session = held;
	uint32_t slots[8];
	uint64_t first;
	bool more;

	assert_true(bits != MAP_FAILED && claims);
	memcpy(session.key, key, SESSD_KEY_SIZE);
	fixture_put(fixture, key, SLOT, FIXTURE_LIFE, "value", 5);
	first = guard(fixture);
	assert_false(claims_taken(claims, &session));
	assert_false(claims_take(claims, key, first ^ 2, SLOT));
	assert_int_equal(guard(fixture), first);
	assert_true(claims_take(claims, key, first, SLOT));
	assert_int_equal(guard(fixture), 0);
	assert_false(claims_take(claims, key, first, SLOT));
	assert_true(claims_taken(claims, &session));
	ask(fixture, &spec, FIXTURE_COUNTER(take_misses), 0, NULL, 0);
	assert_int_equal(claims_find(claims, on_held, NULL, slots, 8, &more), 1);
	assert_int_equal(slots[0], SLOT);
	assert_false(more);
	assert_false(mark_test(bits, SLOT));
	assert_int_equal(claims_find(claims, on_held, NULL, slots, 8, &more), 0);

	/* What the program takes is found too; a bit alone says nothing. */
	fixture_put(fixture, key, SLOT, FIXTURE_LIFE, "other", 5);
	mark_set(bits, SLOT);
	mark_set(bits, SLOT + 1);
	assert_false(claims_taken(claims, &session));
	assert_int_equal(claims_find(claims, on_held, NULL, slots, 8, &more), 0);
	assert_false(mark_test(bits, SLOT) || mark_test(bits, SLOT + 1));
	ask(fixture, &spec, FIXTURE_COUNTER(take_hits), 0, "other", 5);
	assert_true(claims_taken(claims, &session));
	/* With no room it goes on where it stopped. */
	mark_set(bits, 1);
	assert_int_equal(claims_find(claims, on_held, NULL, slots, 1, &more), 0);
	assert_true(more);
	assert_int_equal(claims_find(claims, on_held, NULL, slots, 1, &more), 1);
	assert_int_equal(slots[0], SLOT);
	/* No key, no session. */
	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(bpf->maps.sessions), key), 0);
	assert_false(claims_take(claims, key, first, SLOT));
	assert_false(claims_take(claims, key, 0, SLOT));
	claims_destroy(claims);
	munmap(bits, bytes);
}

/* --take no: a message of unknown type. */
static void not_answered(void **state)
{
	static struct outcome outcome;
	static uint8_t frame[FRAME_MAX];
	struct frame_spec spec = {.key = key, .type = SESSD_TAKE};
	size_t size = frame_build(&spec, frame);
	struct fixture fixture;

	(void)state;
	fixture_no_take = true;
	fixture_start(&fixture, SESSD_VALUE_DEFAULT_MAX);
	fixture_no_take = false;
	fixture_put(&fixture, key, SLOT, FIXTURE_LIFE, "value", 5);
	fixture_run(&fixture, frame, size, &outcome);
	assert_int_equal(outcome.verdict, XDP_DROP);
	fixture_assert_counted(&outcome, FIXTURE_COUNTER(drop_type), 0);
	assert_int_not_equal(guard(&fixture), 0);
	fixture_stop(&fixture);
}

static void as_generic(void **state)
{
	fixture_generic = true;
	once(state);
	misses(state);
	fixture_generic = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(once),
		cmocka_unit_test(misses),
		cmocka_unit_test(no_session),
		cmocka_unit_test(daemon_takes),
		cmocka_unit_test(not_answered),
		cmocka_unit_test(as_generic),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, start, stop);
}
