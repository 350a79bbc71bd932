/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A start with another capacity or max-session: moves the last daemon's sessions from its pinned
 * maps into this daemon's new ones. The last daemon's program answers from the old maps until ours
 * takes its place. Both sets of maps are in memory until then.
 */
#include "dataplane/xdp/xdp.h"

#include "common/clock.h"
#include "common/locked_memory.h"
#include "common/log.h"
#include "common/rank.h"
#include "dataplane/session_der.h"
#include "dataplane/tls_version.h"
#include "dataplane/xdp/mirror/entry.h"
#include "ebpf/sessiond.skel.h"

#include <sessiond/visited.h>

#include <bpf/bpf.h>

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* TAKEs of the old program are looked for this long, where the kernel cannot say that it ended. */
#define SETTLE_SECONDS 2

struct old_maps {
	int sessions, overflow;
	struct rest_reader rests; /* of overflow */
	uint64_t *marks, *taken;  /* mapped */
	size_t bytes;		  /* of each */
	uint32_t capacity;
	uint16_t value_max;
	uint32_t *moved; /* for each old slot: the new one + 1, or 0 */
	uint64_t settled;
};

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void resize_close(struct engine *engine)
{
	struct old_maps *old = engine->old;

	if (!old)
		return;
	if (old->marks)
		munmap(old->marks, old->bytes);
	if (old->taken)
		munmap(old->taken, old->bytes);
	close_fd(old->sessions);
	close_fd(old->overflow);
	rest_reader_close(&old->rests);
	free(old->moved);
	free(old);
	engine->old = NULL;
}

/* Opens the pinned map of this name if it has the expected sizes. */
static int open_map(const struct engine *engine, const char *name, uint32_t key_size,
	uint32_t value_size, uint32_t entries)
{
	struct bpf_map_info info = {0};
	__u32 size = sizeof(info);
	char path[PATH_MAX];
	int fd = bpf_obj_get(pins_path(engine, name, path));

	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.key_size == key_size &&
		info.value_size == value_size && maps_has_room(name, info.max_entries, entries))
		return fd;
	close(fd);
	return -EINVAL;
}

/* Maps the bits of the slots; NULL if that fails. */
static uint64_t *map_bits(const struct engine *engine, const char *name, const struct old_maps *old)
{
	int fd = open_map(engine, name, sizeof(__u32), SESSD_MARKS_PER_ELEM / 8,
		SESSD_MARKS_ELEMS(old->capacity));
	void *bits;

	if (fd < 0)
		return NULL;
	bits = mmap(NULL, old->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return bits == MAP_FAILED ? NULL : bits;
}

bool resize_open(struct engine *engine, const struct sessd_config *settings)
{
	struct old_maps *old = calloc(1, sizeof(*old));

	if (!old)
		return false;
	engine->old = old;
	old->capacity = settings->capacity;
	old->value_max = settings->value_max;
	old->bytes = (size_t)SESSD_MARKS_ELEMS(old->capacity) * SESSD_MARKS_PER_ELEM / 8;
	old->sessions = open_map(engine, SESSD_PIN_SESSIONS, SESSD_KEY_SIZE,
		sizeof(struct sessd_entry), maps_sessions(old->capacity));
	old->overflow = open_map(engine, SESSD_PIN_OVERFLOW, sizeof(__u32),
		SESSD_BLOCK_SIZE(old->value_max), maps_overflows(old->capacity, old->value_max));
	old->marks = map_bits(engine, SESSD_PIN_MARKS, old);
	old->taken = map_bits(engine, SESSD_PIN_TAKEN, old);
	old->moved = calloc(old->capacity, sizeof(*old->moved));
	if (old->sessions >= 0 && old->overflow >= 0 && old->marks && old->taken && old->moved &&
		rest_reader_open(&old->rests, old->overflow, old->value_max) == 0)
		return true;
	resize_close(engine);
	return false;
}

uint64_t resize_bytes(uint32_t old_capacity)
{
	return (uint64_t)old_capacity * (sizeof(uint32_t) + sizeof(uint64_t));
}

struct moving {
	struct engine *engine;
	const struct adoption *adoption;
	uint64_t *ranks; /* NULL: there is room for all */
	size_t rank_count;
	uint64_t least; /* sessions of a lower rank are not kept */
	uint32_t next;	/* slot */
	uint8_t *value;
	size_t kept, expired, taken, refused, long_ones, no_room;
};

/* Whether it can be moved; counts why not if `count`. */
static bool movable(struct moving *moving, const struct sessd_entry *entry, bool count)
{
	const struct old_maps *old = moving->engine->old;
	size_t *why = NULL;

	if (entry->guard == 0)
		why = &moving->taken;
	else if (sessd_life_slot(entry->life) >= old->capacity)
		why = &moving->refused;
	else if (sessd_life_expires(entry->life) <= clock_tick())
		why = &moving->expired;
	else if (entry->len > moving->engine->config.value_max)
		why = &moving->long_ones;
	if (why && count)
		++*why;
	return !why;
}

static uint64_t rank(const struct old_maps *old, const struct sessd_entry *entry)
{
	return rank_of(sessd_life_expires(entry->life),
		mark_test(old->marks, sessd_life_slot(entry->life)));
}

static void rank_entry(void *ctx, const uint8_t *key, const struct sessd_entry *entry)
{
	struct moving *moving = ctx;

	(void)key;
	if (movable(moving, entry, false) && moving->rank_count < moving->engine->old->capacity)
		moving->ranks[moving->rank_count++] = rank(moving->engine->old, entry);
}

/* Sets the least rank that is kept. */
static int choose(struct moving *moving)
{
	struct engine *engine = moving->engine;
	uint32_t capacity = engine->config.capacity;
	int err;

	if (capacity >= engine->old->capacity)
		return 0;
	moving->ranks = calloc(engine->old->capacity, sizeof(*moving->ranks));
	if (!moving->ranks)
		return error_set(ENOMEM, "out of memory while moving sessions");
	err = adopt_each(
		engine->old->sessions, &(struct entry_visitor){.each = rank_entry, .ctx = moving});
	moving->least = rank_least(moving->ranks, moving->rank_count, capacity);
	free(moving->ranks);
	return err;
}

static void move_entry(void *ctx, const uint8_t *key, const struct sessd_entry *entry)
{
	struct moving *moving = ctx;
	struct engine *engine = moving->engine;
	struct old_maps *old = engine->old;
	const struct entry_format format = {
		.secret = engine->settings.secret, .value_max = old->value_max};
	uint32_t from = sessd_life_slot(entry->life), capacity = engine->config.capacity;
	struct session session = {
		.expires = sessd_life_expires(entry->life),
		.len = entry->len,
		.sum = entry->sum,
	};
	struct session_facts facts;
	int len;

	if (!movable(moving, entry, true))
		return;
	/* A session that a GET has just marked may take the place of another. */
	if (rank(old, entry) < moving->least || moving->kept == capacity) {
		moving->no_room++;
		return;
	}
	len = entry_unpack(&format, entry, key, &old->rests, moving->value);
	if (len < 0) {
		moving->refused++;
		return;
	}
	/* The slots keep their numbers if there is room for all. */
	session.slot = capacity >= old->capacity ? from : moving->next;
	session.tls13 = session_is_tls13(moving->value, (size_t)len);
	session_read(moving->value, (size_t)len, &facts);
	session.facts = &facts;
	memcpy(session.key, key, SESSD_KEY_SIZE);
	if (mark_test(old->marks, from))
		mark_set(engine->marks, session.slot);
	if (!moving->adoption->found(moving->adoption->ctx, &session)) {
		moving->refused++;
		return;
	}
	mirror_put(engine->mirror, &session, moving->value);
	old->moved[from] = session.slot + 1;
	moving->next++;
	moving->kept++;
}

int resize_adopt(struct engine *engine, const struct adoption *adoption)
{
	const struct old_maps *old = engine->old;
	size_t value_size = ENTRY_VALUE_SIZE(old->value_max);
	struct moving moving = {.engine = engine, .adoption = adoption};
	int err;

	moving.value = calloc(1, value_size);
	if (!moving.value)
		return error_set(ENOMEM, "out of memory while moving sessions");
	memory_lock(moving.value, value_size);
	err = choose(&moving);
	if (!err)
		err = adopt_each(
			old->sessions, &(struct entry_visitor){.each = move_entry, .ctx = &moving});
	mirror_flush(engine->mirror);
	if (!err)
		log_notice("moved %zu sessions from %s into new maps: capacity %u to %u, "
			   "max-session %u to %u (%zu without room, the least used and oldest; %zu "
			   "too long, %zu expired, %zu taken, %zu damaged)",
			moving.kept, engine->config.pin_dir, old->capacity, engine->config.capacity,
			old->value_max, engine->config.value_max, moving.no_room, moving.long_ones,
			moving.expired, moving.taken, moving.refused);
	explicit_bzero(moving.value, value_size);
	free(moving.value);
	return err;
}

static bool is_taken(const struct old_maps *old, const uint8_t key[SESSD_KEY_SIZE])
{
	struct sessd_entry entry;
	bool taken = bpf_map_lookup_elem(old->sessions, key, &entry) == 0 && entry.guard == 0;

	explicit_bzero(&entry, sizeof(entry));
	return taken;
}

void resize_follow_takes(struct engine *engine,
	bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx)
{
	struct old_maps *old = engine->old;
	struct session session;

	if (!old)
		return;
	for (size_t word = 0; word < MARKS_WORDS((size_t)old->capacity); word++) {
		uint64_t bits = __atomic_load_n(&old->taken[word], __ATOMIC_RELAXED);

		for (; bits; bits &= bits - 1) {
			uint32_t slot = (uint32_t)(word * 64) + (uint32_t)__builtin_ctzll(bits);

			if (slot >= old->capacity || !old->moved[slot])
				continue;
			if (!held(ctx, old->moved[slot] - 1, &session) ||
				!is_taken(old, session.key))
				continue;
			mirror_claim(engine->mirror, engine->claims, &session);
			old->moved[slot] = 0;
		}
	}
	if (!old->settled)
		old->settled = clock_tick() + clock_ticks(SETTLE_SECONDS);
	else if (clock_tick() >= old->settled)
		resize_close(engine);
}

void resize_wait_for_readers(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

int resize_pin(struct engine *engine)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, engine->skel->obj)
	{
		if (!err && maps_is_pinned(map))
			err = pins_replace(engine, map);
	}
	return err;
}
