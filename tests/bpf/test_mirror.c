/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's changes in real BPF maps, against a model: after each commit the maps equal the
 * model, byte for byte. With the program of ebpf/map_batch.bpf.h, and without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/xdp/mirror/mirror.h"
#include "dataplane/xdp/mirror/rest_reader.h"

#include <sessiond/map_abi.h>

#include "ebpf/sessiond.skel.h"
#include "tests/unit/random.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOTS	  1000
#define KEYS	  1500
#define VALUE_MAX 512
#define NOW	  1000
#define RESTS	  SESSD_RESTS(VALUE_MAX)

struct held {
	bool live;
	struct session session;
	uint8_t value[VALUE_MAX];
};

struct world {
	int sessions_fd, overflow_fd;
	struct mirror *mirror;
	struct sessiond_bpf *bpf; /* NULL: without the program */
	__u64 secret[SESSD_GUARD_KEYS];
	struct held held[SLOTS]; /* by slot */
	uint32_t slot_of[KEYS];	 /* SLOTS: none */
	unsigned failed;
};

static unsigned untold;	    /* calls that fail and leave the count as it was */
static bool busy;	    /* as long as this is so each delete fails */
static int no_room_fd = -1; /* the map that takes nothing */

int __real_bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts);
int __real_bpf_map_delete_batch(
	int fd, const void *keys, __u32 *count, const struct bpf_map_batch_opts *opts);
int __wrap_bpf_map_delete_batch(
	int fd, const void *keys, __u32 *count, const struct bpf_map_batch_opts *opts);

static bool fails_untold(void)
{
	return untold > 0 && --untold > 0;
}

int __wrap_bpf_map_update_batch(int fd, const void *keys, const void *values, __u32 *count,
	const struct bpf_map_batch_opts *opts)
{
	if (fd == no_room_fd) {
		*count = 0;
		return -ENOMEM;
	}
	return fails_untold() ? -ENOMEM
			      : __real_bpf_map_update_batch(fd, keys, values, count, opts);
}

int __wrap_bpf_map_delete_batch(
	int fd, const void *keys, __u32 *count, const struct bpf_map_batch_opts *opts)
{
	if (busy) {
		*count = 0;
		return -EBUSY;
	}
	return fails_untold() ? -ENOMEM : __real_bpf_map_delete_batch(fd, keys, count, opts);
}

static int new_map(uint32_t key_size, uint32_t value_size, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(
		BPF_MAP_TYPE_HASH, "test_mirror", key_size, value_size, entries, &opts);

	if (fd == -EPERM) {
		printf("skipped: BPF maps cannot be made here: %s\n", strerror(-fd));
		fflush(stdout); /* _exit would lose it */
		_exit(77);
	}
	assert_true(fd >= 0);
	return fd;
}

/* Whether start() uses the program. */
static bool by_program;

static void use_program(struct world *world)
{
	struct sessiond_bpf *bpf = sessiond_bpf__open();

	assert_non_null(bpf);
	world->bpf = bpf;
	assert_int_equal(bpf_map__reuse_fd(bpf->maps.sessions, world->sessions_fd), 0);
	assert_int_equal(bpf_map__reuse_fd(bpf->maps.overflow, world->overflow_fd), 0);
	bpf_program__set_autoload(bpf->progs.sessiond_xdp, false);
	assert_int_equal(sessiond_bpf__load(bpf), 0);
	assert_int_equal(
		mirror_use_program(world->mirror, bpf_program__fd(bpf->progs.sessiond_map_batch),
			bpf_map__fd(bpf->maps.puts)),
		0);
}

static void start(struct world *world, uint32_t sessions, uint32_t rests, uint64_t *seed)
{
	memset(world, 0, sizeof(*world));
	for (size_t i = 0; i < SESSD_GUARD_KEYS; i++)
		world->secret[i] = random_next(seed) | 1;
	for (unsigned i = 0; i < KEYS; i++)
		world->slot_of[i] = SLOTS;
	world->sessions_fd = new_map(SESSD_KEY_SIZE, sizeof(struct sessd_entry), sessions, 0);
	world->overflow_fd = new_map(
		4, SESSD_BLOCK_SIZE(VALUE_MAX), (rests + RESTS - 1) / RESTS, BPF_F_NO_PREALLOC);
	world->mirror = mirror_create(world->sessions_fd, world->overflow_fd,
		&(struct mirror_shape){SLOTS, VALUE_MAX}, world->secret);
	assert_non_null(world->mirror);
	if (by_program)
		use_program(world);
}

static void stop(struct world *world)
{
	mirror_destroy(world->mirror);
	sessiond_bpf__destroy(world->bpf);
	close(world->sessions_fd);
	close(world->overflow_fd);
}

static void key_of(uint32_t number, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 0, SESSD_KEY_SIZE);
	for (int i = 0; i < 4; i++) {
		uint64_t word = random_mix(number * 4ULL + (uint64_t)i);

		memcpy(key + 8 * i, &word, 8);
	}
}

static uint32_t number_of(const uint8_t *key)
{
	uint8_t other[SESSD_KEY_SIZE];

	for (uint32_t i = 0; i < KEYS; i++) {
		key_of(i, other);
		if (memcmp(key, other, SESSD_KEY_SIZE) == 0)
			return i;
	}
	return KEYS;
}

static void put(struct world *world, uint32_t number, uint32_t slot, unsigned len, uint64_t *seed)
{
	struct held *held = &world->held[slot];

	assert_false(held->live);
	key_of(number, held->session.key);
	held->live = true;
	held->session.slot = slot;
	held->session.expires = NOW + 1 + random_below(seed, 1000);
	held->session.len = (uint16_t)len;
	held->session.sum = (uint16_t)random_next(seed);
	for (unsigned i = 0; i < len; i++)
		held->value[i] = (uint8_t)random_next(seed);
	world->slot_of[number] = slot;
	mirror_put(world->mirror, &held->session, held->value);
}

/* As the writer does, whose table does not know lengths, and as adoption does. */
static void del(struct world *world, uint32_t number)
{
	struct held *held = &world->held[world->slot_of[number]];
	struct session session = held->session;

	if (number % 2)
		session.len = 0;
	mirror_del(world->mirror, &session);
	held->live = false;
	world->slot_of[number] = SLOTS;
}

/* As the writer does: the slot must have a live session. */
static void on_failed(void *ctx, uint32_t slot)
{
	struct world *world = ctx;

	assert_in_range(slot, 0, SLOTS - 1);
	assert_true(world->held[slot].live);
	world->held[slot].live = false;
	world->slot_of[number_of(world->held[slot].session.key)] = SLOTS;
	world->failed++;
}

static unsigned elements(int fd, size_t key_size)
{
	uint8_t key[SESSD_KEY_SIZE], next[SESSD_KEY_SIZE];
	unsigned n = 0;

	for (int err = bpf_map_get_next_key(fd, NULL, next); !err;
		err = bpf_map_get_next_key(fd, key, next)) {
		memcpy(key, next, key_size);
		n++;
	}
	return n;
}

static void get_rest(struct world *world, const struct sessd_entry *entry, uint8_t *rest)
{
	struct rest_reader reader = {0};

	assert_int_equal(rest_reader_open(&reader, world->overflow_fd, VALUE_MAX), 0);
	assert_true(rest_reader_get(&reader, rest_number(entry), rest));
	rest_reader_close(&reader);
}

/* Each rest is one session's. */
static void use_rest(bool *used, uint32_t number)
{
	uint32_t block = number >> SESSD_REST_BITS, place = number % SESSD_RESTS_MAX;

	assert_in_range(block, 0, SLOTS - 1);
	assert_in_range(place, 0, RESTS - 1);
	assert_false(used[block * RESTS + place]);
	used[block * RESTS + place] = true;
}

static void check(struct world *world)
{
	uint8_t rest[SESSD_REST_SIZE(VALUE_MAX)], value[VALUE_MAX];
	unsigned live = 0, blocks = 0;
	bool used[SLOTS * RESTS] = {false}; /* rests */
	struct sessd_entry entry;

	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		const struct held *held = &world->held[slot];
		unsigned len = held->session.len;

		if (!held->live)
			continue;
		live++;
		assert_int_equal(
			bpf_map_lookup_elem(world->sessions_fd, held->session.key, &entry), 0);
		assert_int_equal(entry.len, len);
		assert_int_equal(entry.sum, held->session.sum);
		assert_int_equal(entry.life, sessd_life(held->session.expires, slot));
		assert_int_equal(entry.guard, sessd_guard(world->secret, held->session.key,
						      entry.life, entry.sum, held->value, len));
		memset(value, 0, sizeof(value));
		memcpy(value, entry.data, len > SESSD_INLINE_MAX ? SESSD_SPLIT : len);
		if (len > SESSD_INLINE_MAX) {
			get_rest(world, &entry, rest);
			use_rest(used, rest_number(&entry));
			memcpy(value + SESSD_SPLIT, rest, len - SESSD_SPLIT);
		}
		assert_memory_equal(value, held->value, len);
	}
	assert_int_equal(elements(world->sessions_fd, SESSD_KEY_SIZE), live);
	for (unsigned block = 0; block < SLOTS; block++)
		blocks += memchr(used + block * RESTS, true, RESTS) != NULL;
	assert_int_equal(elements(world->overflow_fd, 4), blocks);
}

static uint32_t free_slot(struct world *world, uint64_t *seed)
{
	uint32_t slot = random_below(seed, SLOTS);

	for (unsigned i = 0; i < SLOTS; i++, slot = (slot + 1) % SLOTS) {
		if (!world->held[slot].live)
			return slot;
	}
	return SLOTS;
}

static unsigned random_len(uint64_t *seed)
{
	return random_below(seed, 3) ? 1 + random_below(seed, SESSD_INLINE_MAX + 1)
				     : 1 + random_below(seed, VALUE_MAX);
}

/* Puts, deletes and replacements of random keys in random slots, few or many per commit. */
static void run(uint32_t sessions, uint32_t rests, uint64_t seed)
{
	static struct world world;
	unsigned cancelled = 0;

	print_message("seed %llu\n", (unsigned long long)seed);
	start(&world, sessions, rests, &seed);
	for (unsigned round = 0; round < 60; round++) {
		unsigned steps = random_below(&seed, round % 2 ? 20 : 4 * MIRROR_BATCH);

		for (unsigned i = 0; i < steps; i++) {
			uint32_t number = random_below(&seed, KEYS), slot;

			if (world.slot_of[number] != SLOTS) {
				del(&world, number);
				cancelled++;
				if (random_below(&seed, 2))
					continue;
			}
			slot = free_slot(&world, &seed);
			if (slot != SLOTS)
				put(&world, number, slot, random_len(&seed), &seed);
		}
		mirror_commit(world.mirror, on_failed, &world);
		check(&world);
	}
	assert_true(cancelled > 100);
	if (sessions >= 2 * SLOTS && rests >= 2 * SLOTS)
		assert_int_equal(world.failed, 0);
	else
		assert_true(world.failed > 100);
	stop(&world);
}

static void random_changes(void **state)
{
	uint64_t seeds[4];
	unsigned n = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		run(2 * SLOTS, 2 * SLOTS, seeds[i]);
}

/* Every session that the map refuses is reported once, while it still has its slot. */
static void full_map(void **state)
{
	uint64_t seeds[4];
	unsigned n = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		run(SLOTS / 4, 2 * SLOTS, seeds[i]);
}

/* A session is not stored either if its rest has no room. */
static void full_overflow(void **state)
{
	uint64_t seeds[4];
	unsigned n = random_seeds(seeds);

	(void)state;
	for (unsigned i = 0; i < n; i++)
		run(2 * SLOTS, 20, seeds[i]);
}

/* A refused session is deleted, and its slot reused, before the writer is told. */
static void refused_then_deleted(void **state)
{
	static struct world world;
	uint64_t seed = 5;

	(void)state;
	start(&world, 1, 8, &seed);
	put(&world, 0, 0, 10, &seed);
	put(&world, 1, 1, 300, &seed);
	mirror_flush(world.mirror);
	del(&world, 1);
	del(&world, 0);
	put(&world, 2, 1, 300, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 0);
	check(&world);
	stop(&world);
}

/* More refusals between two commits than one batch holds. */
static void many_refused(void **state)
{
	static struct world world;
	uint64_t seed = 6;

	(void)state;
	start(&world, 1, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < SLOTS; i++)
		put(&world, i, i, i % 2 ? 100 : 200, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, SLOTS - 1);
	check(&world);
	stop(&world);
}

static void reads(void **state)
{
	static const unsigned lengths[] = {1, 7, 8, 9, 136, 155, 156, 157, 158, 300, 511, 512};
	static struct world world;
	uint8_t value[VALUE_MAX], key[SESSD_KEY_SIZE];
	struct sessd_entry entry;
	uint64_t seed = 7;
	struct session gone;
	uint32_t slot;

	(void)state;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (uint32_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		const struct held *held = &world.held[100 + i];

		put(&world, i, 100 + i, lengths[i], &seed);
		/* Queued changes are found too. */
		assert_int_equal(
			mirror_get(world.mirror, held->session.key, NOW, value, &slot), lengths[i]);
		assert_int_equal(slot, 100 + i);
		assert_memory_equal(value, held->value, lengths[i]);
		assert_int_equal(mirror_get(world.mirror, held->session.key,
					 held->session.expires - 1, value, &slot),
			lengths[i]);
		assert_int_equal(mirror_get(world.mirror, held->session.key, held->session.expires,
					 value, &slot),
			-ESTALE);
		assert_int_equal(mirror_length(world.mirror, &held->session), lengths[i]);
	}
	gone = world.held[100].session;
	gone.slot++;
	assert_int_equal(mirror_length(world.mirror, &gone), 0); /* another's slot */
	key_of(KEYS, key);
	assert_int_equal(mirror_get(world.mirror, key, NOW, value, &slot), -ENOENT);
	/* A wrong bit, in the entry or in the rest, is a miss. */
	key_of(11, key);
	assert_int_equal(bpf_map_lookup_elem(world.sessions_fd, key, &entry), 0);
	entry.data[5] ^= 4;
	assert_int_equal(bpf_map_update_elem(world.sessions_fd, key, &entry, BPF_ANY), 0);
	assert_int_equal(mirror_get(world.mirror, key, NOW, value, &slot), -ENOENT);
	key_of(10, key);
	assert_int_equal(bpf_map_lookup_elem(world.sessions_fd, key, &entry), 0);
	slot = rest_number(&entry) >> SESSD_REST_BITS;
	assert_int_equal(bpf_map_delete_elem(world.overflow_fd, &slot), 0);
	assert_int_equal(mirror_get(world.mirror, key, NOW, value, &slot), -ENOENT);
	gone = world.held[109].session;
	del(&world, 9);
	key_of(9, key);
	assert_int_equal(mirror_get(world.mirror, key, NOW, value, &slot), -ENOENT);
	assert_int_equal(mirror_length(world.mirror, &gone), 0);
	stop(&world);
}

/* A later commit deletes what the kernel refused to delete. Until then mirror_get does not find it,
 * unless it is stored again. */
static void refused_deletes_are_tried_again(void **state)
{
	static struct world world;
	uint8_t value[VALUE_MAX], key[SESSD_KEY_SIZE];
	uint64_t seed = 8;
	uint32_t slot;

	(void)state;
	if (by_program) /* which makes no batches of its own */
		return;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < 600; i++)
		put(&world, i, i, i % 2 ? 100 : 300, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	check(&world);
	busy = true;
	for (unsigned i = 0; i < 500; i++)
		del(&world, i);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(elements(world.sessions_fd, SESSD_KEY_SIZE), 600);
	for (unsigned i = 0; i < 500; i++) {
		key_of(i, key);
		assert_int_equal(mirror_get(world.mirror, key, NOW, value, &slot), -ENOENT);
	}
	put(&world, 7, 8, 300, &seed); /* in another's slot */
	put(&world, 9, 9, 100, &seed);
	put(&world, 11, 11, 100, &seed); /* never gets to the map */
	del(&world, 11);
	mirror_commit(world.mirror, on_failed, &world);
	busy = false;
	for (unsigned i = 0; i < 500 / 16; i++)
		mirror_commit(world.mirror, on_failed, &world);
	check(&world);
	assert_int_equal(world.failed, 0);
	stop(&world);
}

/* A kernel that fails before it begins, without setting the count to 0: no endless loop. */
static void untold_errors(void **state)
{
	static struct world world;
	uint64_t seed = 31;

	(void)state;
	if (by_program) /* which does not batch by itself */
		return;
	start(&world, SLOTS, SLOTS, &seed);
	untold = 1000;
	put(&world, 1, 1, 100, &seed);
	put(&world, 2, 2, 400, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 2);
	assert_true(untold > 1);
	check(&world);
	untold = 0;
	put(&world, 1, 1, 100, &seed);
	put(&world, 2, 2, 400, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 2);
	untold = 1000;
	del(&world, 1);
	del(&world, 2);
	mirror_commit(world.mirror, on_failed, &world);
	assert_true(untold > 1);
	untold = 0;
	stop(&world);
}

/* A long session in the slot of another long one, deleted in the same batch: the new one's rest is
 * not the old one's, and stays. */
static void long_slot_taken_again(void **state)
{
	static struct world world;
	uint64_t seed = 8;

	(void)state;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < 40; i++)
		put(&world, i, i, 300, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	for (unsigned i = 0; i < 40; i++)
		del(&world, i);
	for (unsigned i = 0; i < 40; i++)
		put(&world, i % 2 ? i : 100 + i, i, 300 + i, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 0);
	check(&world);
	stop(&world);
}

/* Refuses every block from now on, or no longer. */
static void refuse_blocks(struct world *world, bool refuse)
{
	no_room_fd = refuse ? world->overflow_fd : -1;
}

/* Every rest of the map can be used, also after many were refused, deleted and stored again: none
 * is lost, and there are no more blocks than the most rests at a time needed. */
static void rests_are_not_lost(void **state)
{
	const unsigned all = 30 * RESTS;
	static struct world world;
	uint64_t seed = 11;

	(void)state;
	start(&world, 2 * SLOTS, all, &seed);
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < all; i++) {
			if (world.slot_of[i] == SLOTS)
				put(&world, i, i, 157 + random_below(&seed, 300), &seed);
		}
		mirror_commit(world.mirror, on_failed, &world);
		assert_int_equal(world.failed, 0);
		check(&world);
		assert_int_equal(elements(world.overflow_fd, 4), 30);
		/* One more has no room. */
		put(&world, all, all, 200, &seed);
		refuse_blocks(&world, round % 2);
		for (unsigned i = 0; i < all; i++) {
			if (random_below(&seed, 4) != 0)
				continue;
			del(&world, i);
			if (random_below(&seed, 2) == 0)
				put(&world, i, i, 157 + random_below(&seed, 300), &seed);
		}
		mirror_commit(world.mirror, on_failed, &world);
		assert_true(world.failed > 0);
		refuse_blocks(&world, false);
		check(&world);
		world.failed = 0;
	}
	for (unsigned i = 0; i < all; i++) {
		if (world.slot_of[i] != SLOTS)
			del(&world, i);
	}
	mirror_commit(world.mirror, on_failed, &world);
	check(&world);
	assert_int_equal(elements(world.overflow_fd, 4), 0);
	stop(&world);
}

/* Only the sessions of the block that the kernel refuses are lost, and its other rests stay. */
static void refused_block(void **state)
{
	static struct world world;
	uint64_t seed = 12;

	(void)state;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < 2 * RESTS - 3; i++)
		put(&world, i, i, 300, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	check(&world);
	refuse_blocks(&world, true);
	for (unsigned i = 500; i < 520; i++)
		put(&world, i, i, i % 2 ? 300 : 100, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 10);
	check(&world);
	refuse_blocks(&world, false);
	for (unsigned i = 501; i < 520; i += 2)
		put(&world, i, i, 300, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	assert_int_equal(world.failed, 10);
	check(&world);
	stop(&world);
}

/* A session that is stored again in its slot, as the cache's status is, has one rest. */
static void stored_again(void **state)
{
	static struct world world;
	uint64_t seed = 13;

	(void)state;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < 3 * RESTS; i++) {
		world.held[5].live = false;
		put(&world, 5, 5, 300 + i, &seed);
		mirror_commit(world.mirror, on_failed, &world);
		check(&world);
	}
	assert_int_equal(elements(world.overflow_fd, 4), 1);
	stop(&world);
}

/* The next store in its block wipes the rest of a session that has ended. */
static void ended_rest_is_wiped(void **state)
{
	static const uint8_t zeros[SESSD_REST_SIZE(VALUE_MAX)];
	uint8_t rests[SESSD_BLOCK_SIZE(VALUE_MAX)];
	static struct world world;
	uint32_t block = 0;
	uint64_t seed = 14;

	(void)state;
	start(&world, 2 * SLOTS, 2 * SLOTS, &seed);
	for (unsigned i = 0; i < 4; i++)
		put(&world, i, i, VALUE_MAX, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	for (unsigned i = 0; i < 3; i++)
		del(&world, i);
	mirror_commit(world.mirror, on_failed, &world);
	put(&world, 0, 0, VALUE_MAX, &seed);
	mirror_commit(world.mirror, on_failed, &world);
	check(&world);
	assert_int_equal(bpf_map_lookup_elem(world.overflow_fd, &block, rests), 0);
	for (unsigned i = 0; i < RESTS; i++) {
		const uint8_t *rest = rests + i * sizeof(zeros);

		assert_int_equal(memcmp(rest, zeros, sizeof(zeros)) != 0, i == 0 || i == 3);
	}
	stop(&world);
}

/* A batch deletes and stores keys in a map that has room for only one of the two sets. */
static void full_map_changed(void **state)
{
	static struct world world;
	uint64_t seed = 9;

	(void)state;
	start(&world, MIRROR_BATCH, 8, &seed);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; round && i < MIRROR_BATCH; i++)
			del(&world, (round - 1) * MIRROR_BATCH + i);
		for (unsigned i = 0; i < MIRROR_BATCH; i++)
			put(&world, round * MIRROR_BATCH + i, i, 1 + i % SESSD_INLINE_MAX, &seed);
		mirror_commit(world.mirror, on_failed, &world);
		assert_int_equal(world.failed, 0);
		check(&world);
	}
	stop(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_changes),
		cmocka_unit_test(full_map),
		cmocka_unit_test(full_overflow),
		cmocka_unit_test(refused_then_deleted),
		cmocka_unit_test(many_refused),
		cmocka_unit_test(reads),
		cmocka_unit_test(refused_deletes_are_tried_again),
		cmocka_unit_test(untold_errors),
		cmocka_unit_test(long_slot_taken_again),
		cmocka_unit_test(full_map_changed),
		cmocka_unit_test(rests_are_not_lost),
		cmocka_unit_test(refused_block),
		cmocka_unit_test(stored_again),
		cmocka_unit_test(ended_rest_is_wiped),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	by_program = true;
	return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
