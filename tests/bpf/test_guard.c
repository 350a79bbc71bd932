/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An inconsistent entry is never served: each of its parts is corrupted, and sessions are replaced
 * and recycled during GETs.
 */
#include "tests/bpf/fixture.h"
#include "tests/bpf/verify.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const uint8_t key[SESSD_KEY_SIZE] = "a session id, for the guard";

enum {
	SLOT = 7
};

static const size_t lengths[] = {1, 3, 7, 8, 9, 31, 32, 33, 127, 128, 135, 136, 137, 143, 144, 145,
	147, 148, 149, 155, 156, 157, 158, 159, 160, 161, 190, 511, 512};

struct guarded {
	struct fixture fixture;
	struct sessd_entry entry;
	uint8_t rest[SESSD_REST_SIZE(SESSD_VALUE_DEFAULT_MAX)];
	uint8_t value[SESSD_VALUE_DEFAULT_MAX];
	uint8_t frame[FRAME_MAX];
	size_t size;
	struct outcome outcome;
};

static int setup(void **state)
{
	static struct guarded guarded;

	*state = &guarded;
	fixture_start(&guarded.fixture, SESSD_VALUE_DEFAULT_MAX);
	for (size_t i = 0; i < sizeof(guarded.value); i++)
		guarded.value[i] = 3 + i * 5;
	return 0;
}

static int teardown(void **state)
{
	struct guarded *guarded = *state;

	fixture_stop(&guarded->fixture);
	return 0;
}

static void ask(struct guarded *guarded)
{
	fixture_put_raw(&guarded->fixture, key, &guarded->entry, SLOT, guarded->rest);
	fixture_clear_marks(&guarded->fixture);
	fixture_run(&guarded->fixture, guarded->frame, guarded->size, &guarded->outcome);
	assert_int_equal(guarded->outcome.verdict, XDP_TX);
}

/* Sends a GET for the current entry: three tries, then ERR, and not a byte of it. */
static void assert_torn(struct guarded *guarded)
{
	ask(guarded);
	fixture_assert_counted(&guarded->outcome, FIXTURE_COUNTER(get_torn), 2);
	assert_null(verify_reply(guarded->frame, guarded->size, guarded->outcome.frame,
		guarded->outcome.size, SESSD_ERR, NULL, 0));
	assert_int_equal(fixture_mark(&guarded->fixture, SLOT), 0);
}

static void assert_whole(struct guarded *guarded)
{
	ask(guarded);
	fixture_assert_counted(&guarded->outcome, FIXTURE_COUNTER(get_hits), 0);
	assert_null(verify_reply(guarded->frame, guarded->size, guarded->outcome.frame,
		guarded->outcome.size, SESSD_OK, guarded->value, guarded->entry.len));
	assert_int_equal(fixture_mark(&guarded->fixture, SLOT), 1);
}

/* Another rest, of the block and beyond its end, and of a block that there is not. The guard does
 * not cover the bits of the number. */
static void corrupt_number(struct guarded *guarded)
{
	struct sessd_entry good = guarded->entry;
	uint32_t right, number;

	memcpy(&right, good.data + SESSD_SPLIT, sizeof(right));
	for (unsigned bit = 0; bit < 32; bit++) {
		number = right ^ 1U << bit;
		memcpy(guarded->entry.data + SESSD_SPLIT, &number, sizeof(number));
		assert_torn(guarded);
	}
	number = right | (SESSD_RESTS_MAX - 1);
	memcpy(guarded->entry.data + SESSD_SPLIT, &number, sizeof(number));
	assert_torn(guarded);
	guarded->entry = good;
}

static void corrupt_head(struct guarded *guarded, size_t length)
{
	struct sessd_entry good = guarded->entry;

	guarded->entry.guard ^= 1;
	assert_torn(guarded);
	guarded->entry.guard ^= 1ULL << 63 | 1;
	assert_torn(guarded);
	guarded->entry = good;
	guarded->entry.sum ^= 0x8000;
	assert_torn(guarded);
	guarded->entry = good;
	guarded->entry.life += 1ULL << SESSD_SLOT_BITS; /* lives a tick longer */
	assert_torn(guarded);
	guarded->entry = good;
	guarded->entry.len = 0;
	assert_torn(guarded);
	/* another length, up to the same half of the layout */
	guarded->entry.len = length > 1 ? length - 1 : 2;
	assert_torn(guarded);
	guarded->entry.len = length < SESSD_VALUE_DEFAULT_MAX ? length + 1 : length / 2;
	assert_torn(guarded);
	guarded->entry = good;
	guarded->entry.life ^= 1; /* another slot */
	assert_torn(guarded);
	guarded->entry = good;
	if (length > SESSD_INLINE_MAX)
		corrupt_number(guarded);
}

static void corrupt_value(struct guarded *guarded, size_t length)
{
	size_t inside = length > SESSD_INLINE_MAX ? SESSD_SPLIT : length;

	for (size_t i = 0; i < length; i++) {
		uint8_t *byte = i < inside ? &guarded->entry.data[i] : &guarded->rest[i - inside];

		*byte ^= 1 << i % 8;
		assert_torn(guarded);
		*byte ^= 1 << i % 8;
	}
}

static void corrupted(void **state)
{
	struct guarded *guarded = *state;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct frame_spec spec = {.key = key, .v6 = i % 2, .trailing = i * 13 % 600};

		print_message("%zu bytes\n", lengths[i]);
		guarded->size = frame_build(&spec, guarded->frame);
		fixture_session(&guarded->fixture, &guarded->entry, guarded->rest, key, SLOT,
			FIXTURE_LIFE, guarded->value, lengths[i]);
		assert_whole(guarded);
		corrupt_head(guarded, lengths[i]);
		corrupt_value(guarded, lengths[i]);
		assert_whole(guarded);
	}
}

/* The consistent value of another key. */
static void another_key(void **state)
{
	static const uint8_t other[SESSD_KEY_SIZE] = "a session id, for the guarD";
	struct guarded *guarded = *state;

	guarded->size = frame_build(&(struct frame_spec){.key = key}, guarded->frame);
	fixture_session(&guarded->fixture, &guarded->entry, guarded->rest, other, SLOT,
		FIXTURE_LIFE, guarded->value, 144);
	assert_torn(guarded);
}

static void no_overflow(void **state)
{
	struct guarded *guarded = *state;
	uint32_t slot = SLOT;

	guarded->size = frame_build(&(struct frame_spec){.key = key}, guarded->frame);
	fixture_session(&guarded->fixture, &guarded->entry, guarded->rest, key, SLOT, FIXTURE_LIFE,
		guarded->value, 200);
	assert_whole(guarded);
	assert_int_equal(
		bpf_map__delete_elem(guarded->fixture.bpf->maps.overflow, &slot, sizeof(slot), 0),
		0);
	fixture_run(&guarded->fixture, guarded->frame, guarded->size, &guarded->outcome);
	fixture_assert_counted(&guarded->outcome, FIXTURE_COUNTER(get_torn), 2);
	assert_null(verify_reply(guarded->frame, guarded->size, guarded->outcome.frame,
		guarded->outcome.size, SESSD_ERR, NULL, 0));
}

/* A slot beyond the marks array belongs to no session. */
static void slot_out_of_range(void **state)
{
	struct guarded *guarded = *state;

	guarded->size = frame_build(&(struct frame_spec){.key = key}, guarded->frame);
	fixture_session(&guarded->fixture, &guarded->entry, guarded->rest, key,
		SESSD_SLOT_LIMIT - 1, FIXTURE_LIFE, guarded->value, 144);
	assert_torn(guarded);
	for (uint32_t slot = 0; slot < FIXTURE_CAPACITY; slot++)
		assert_int_equal(fixture_mark(&guarded->fixture, slot), 0);
}

/* Only the mark of the slot that was hit, and it stays. */
static void marks(void **state)
{
	struct guarded *guarded = *state;

	guarded->size = frame_build(&(struct frame_spec){.key = key}, guarded->frame);
	for (uint32_t slot = 0; slot < FIXTURE_CAPACITY; slot += 21) {
		fixture_put(&guarded->fixture, key, slot, FIXTURE_LIFE, guarded->value, 20);
		fixture_clear_marks(&guarded->fixture);
		for (int i = 0; i < 2; i++) {
			fixture_run(&guarded->fixture, guarded->frame, guarded->size,
				&guarded->outcome);
			for (uint32_t other = 0; other < FIXTURE_CAPACITY; other++)
				assert_int_equal(
					fixture_mark(&guarded->fixture, other), other == slot);
		}
	}
}

/* The marks around it are unchanged. */
static void neighbours_marked(void **state)
{
	struct guarded *guarded = *state;
	uint64_t group[MARKS_WORDS(SESSD_MARKS_PER_ELEM)];
	uint32_t zero = 0;

	memset(group, 0x55, sizeof(group)); /* even slots */
	guarded->size = frame_build(&(struct frame_spec){.key = key}, guarded->frame);
	fixture_put(&guarded->fixture, key, 9, FIXTURE_LIFE, guarded->value, 20);
	assert_int_equal(bpf_map__update_elem(guarded->fixture.bpf->maps.marks, &zero, sizeof(zero),
				 group, sizeof(group), BPF_ANY),
		0);
	fixture_run(&guarded->fixture, guarded->frame, guarded->size, &guarded->outcome);
	fixture_assert_counted(&guarded->outcome, FIXTURE_COUNTER(get_hits), 0);
	for (uint32_t slot = 0; slot < SESSD_MARKS_PER_ELEM; slot++)
		assert_int_equal(fixture_mark(&guarded->fixture, slot), slot % 2 == 0 || slot == 9);
}

/* The race itself: a writer deletes and puts sessions of changing length, while this thread sends
 * GETs. Each value has its key in every byte, so that a value of another session is detected. */
enum {
	RACE_KEYS = 24,
	RACE_MS = 1500
};

struct race {
	struct guarded *guarded;
	_Atomic bool stop;
	unsigned long writes;
};

static void race_key(uint8_t raced[SESSD_KEY_SIZE], unsigned i)
{
	memset(raced, 0x40 + i, SESSD_KEY_SIZE);
}

static void *race_write(void *arg)
{
	struct race *race = arg;
	const struct fixture *fixture = &race->guarded->fixture;
	int sessions = bpf_map__fd(fixture->bpf->maps.sessions);
	int overflow = bpf_map__fd(fixture->bpf->maps.overflow);
	uint8_t raced[SESSD_KEY_SIZE], value[SESSD_VALUE_DEFAULT_MAX];
	uint8_t rest[SESSD_REST_SIZE(SESSD_VALUE_DEFAULT_MAX)], block[SESSD_BLOCK_ROOM];
	struct sessd_entry entry;
	unsigned seed = 1;

	for (; !race->stop; race->writes++) {
		unsigned i = rand_r(&seed) % RACE_KEYS;
		size_t length = 1 + rand_r(&seed) % SESSD_VALUE_DEFAULT_MAX;

		race_key(raced, i);
		memset(value, 0x40 + i, length);
		bpf_map_delete_elem(sessions, raced);
		/* the slots are shared, as a slab's are: the overflow of one becomes another's */
		fixture_session(fixture, &entry, rest, raced, i % 8, FIXTURE_LIFE, value, length);
		fixture_block(fixture, i % 8, rest, block);
		bpf_map_update_elem(overflow, &(uint32_t){i % 8}, block, BPF_ANY);
		bpf_map_update_elem(sessions, raced, &entry, BPF_ANY);
	}
	return NULL;
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void race(void **state)
{
	struct guarded *guarded = *state;
	struct race race = {.guarded = guarded};
	int program = bpf_program__fd(guarded->fixture.bpf->progs.sessiond_xdp);
	unsigned long hits = 0, misses = 0, failed = 0, wrong = 0;
	struct timespec start;
	pthread_t writer;

	assert_int_equal(pthread_create(&writer, NULL, race_write, &race), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned n = 0; n % 256 || elapsed_ms(&start) < RACE_MS; n++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = guarded->frame,
			.data_out = guarded->outcome.frame,
			.data_size_out = sizeof(guarded->outcome.frame), .repeat = 1);
		uint8_t raced[SESSD_KEY_SIZE], value[SESSD_VALUE_DEFAULT_MAX];
		bool hit;

		race_key(raced, n % RACE_KEYS);
		memset(value, 0x40 + n % RACE_KEYS, sizeof(value));
		opts.data_size_in = frame_build(
			&(struct frame_spec){.key = raced, .trailing = n % 77 * 3}, guarded->frame);
		failed += bpf_prog_test_run_opts(program, &opts) || opts.retval != XDP_TX;
		hit = opts.data_size_out > 78;
		wrong += verify_reply(guarded->frame, opts.data_size_in, guarded->outcome.frame,
				 opts.data_size_out, hit ? SESSD_OK : SESSD_ERR, value,
				 hit ? opts.data_size_out - 78 : 0) != NULL;
		hits += hit;
		misses += !hit;
	}
	race.stop = true;
	pthread_join(writer, NULL);
	print_message(
		"%lu writes, %lu hits, %lu misses, %lu wrong\n", race.writes, hits, misses, wrong);
	assert_int_equal(failed, 0);
	assert_int_equal(wrong, 0);
	assert_true(hits > 0 && race.writes > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(corrupted),
		cmocka_unit_test(another_key),
		cmocka_unit_test(no_overflow),
		cmocka_unit_test(slot_out_of_range),
		cmocka_unit_test(marks),
		cmocka_unit_test(neighbours_marked),
		cmocka_unit_test(race),
	};

	fixture_require();
	return cmocka_run_group_tests(tests, setup, teardown);
}
