/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/mirror.h"

#include "common/locked_memory.h"
#include "dataplane/xdp/mirror/entry.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Temporary failures: a map without preallocation allocates from a per-CPU reserve that an
 * interrupt refills, and a bucket's lock is refused (EBUSY) if its holder was interrupted. */
#define RETRIES 8

/* Refused deletes that one commit retries. */
#define UNDELETED_TRIES 32

/* Keys that the kernel refused to delete. The program answers GETs for them until a retry
 * succeeds. */
struct undeleted {
	uint8_t *keys;
	size_t key_size;
	unsigned count, room;
};

struct mirror {
	int sessions_fd, overflow_fd;
	struct entry_format format;
	uint32_t overflow_size; /* bytes of an overflow value */
	unsigned puts, dels, long_dels, failures;
	unsigned first; /* index of the first put that put_all was given */
	uint32_t put_slots[MIRROR_BATCH];
	int program_fd;
	struct sessd_map_batch *shared; /* memory shared with the BPF program; NULL: without it */
	struct sessd_map_batch own;
	uint8_t (*put_keys)[SESSD_KEY_SIZE]; /* these three point into *shared or own */
	uint8_t (*del_keys)[SESSD_KEY_SIZE];
	struct sessd_entry *put_entries;
	uint8_t *put_rest; /* MIRROR_BATCH overflow values, same index */
	uint32_t long_del_slots[MIRROR_BATCH];
	uint32_t long_put_slots[MIRROR_BATCH];
	bool put_lacks_rest[MIRROR_BATCH];
	uint32_t *failed; /* slots of refused puts; allocated at the first */
	unsigned failed_room;
	struct undeleted old_sessions, old_rests;
};

static uint8_t *rest_at(struct mirror *mirror, unsigned i)
{
	return mirror->put_rest + (size_t)i * mirror->overflow_size;
}

struct mirror *mirror_create(
	int sessions_fd, int overflow_fd, uint16_t value_max, const __u64 *secret)
{
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return NULL;
	mirror->sessions_fd = sessions_fd;
	mirror->overflow_fd = overflow_fd;
	mirror->format = (struct entry_format){.secret = secret, .value_max = value_max};
	mirror->overflow_size = SESSD_OVERFLOW_SIZE(value_max);
	mirror->program_fd = -1;
	mirror->old_sessions.key_size = SESSD_KEY_SIZE;
	mirror->old_rests.key_size = sizeof(uint32_t);
	mirror->put_keys = mirror->own.keys;
	mirror->del_keys = mirror->own.gone_keys;
	mirror->put_entries = mirror->own.entries;
	mirror->put_rest = calloc(MIRROR_BATCH, mirror->overflow_size);
	if (!mirror->put_rest) {
		free(mirror);
		return NULL;
	}
	memory_lock(mirror, sizeof(*mirror));
	memory_lock(mirror->put_rest, (size_t)MIRROR_BATCH * mirror->overflow_size);
	return mirror;
}

int mirror_use_program(struct mirror *mirror, int program_fd, int puts_fd)
{
	void *shared = mmap(NULL, sizeof(struct sessd_map_batch), PROT_READ | PROT_WRITE,
		MAP_SHARED, puts_fd, 0);

	if (shared == MAP_FAILED)
		return -errno;
	mirror->program_fd = program_fd;
	mirror->shared = shared;
	mirror->put_keys = mirror->shared->keys;
	mirror->del_keys = mirror->shared->gone_keys;
	mirror->put_entries = mirror->shared->entries;
	return 0;
}

void mirror_destroy(struct mirror *mirror)
{
	if (!mirror)
		return;
	explicit_bzero(mirror->put_rest, (size_t)MIRROR_BATCH * mirror->overflow_size);
	if (mirror->shared) {
		explicit_bzero(mirror->shared, sizeof(*mirror->shared));
		munmap(mirror->shared, sizeof(struct sessd_map_batch));
	}
	free(mirror->put_rest);
	free(mirror->failed);
	free(mirror->old_sessions.keys);
	free(mirror->old_rests.keys);
	explicit_bzero(mirror, sizeof(*mirror));
	free(mirror);
}

/* The key's place in the list, or NULL. */
static uint8_t *find_undeleted(const struct undeleted *old, const void *key)
{
	for (unsigned i = 0; i < old->count; i++) {
		if (memcmp(old->keys + i * old->key_size, key, old->key_size) == 0)
			return old->keys + i * old->key_size;
	}
	return NULL;
}

static void add_undeleted(struct undeleted *old, const uint8_t *key)
{
	if (find_undeleted(old, key))
		return;
	if (old->count == old->room) {
		uint8_t *more = reallocarray(old->keys, old->room + MIRROR_BATCH, old->key_size);

		if (!more)
			return; /* the program answers for it until it expires */
		old->keys = more;
		old->room += MIRROR_BATCH;
	}
	memcpy(old->keys + old->count++ * old->key_size, key, old->key_size);
}

/* The key was deleted, or stored again. */
static void forget_undeleted(struct undeleted *old, const void *key)
{
	uint8_t *at = find_undeleted(old, key);

	if (at)
		memmove(at, old->keys + --old->count * old->key_size, old->key_size);
}

/* Deletes `count` keys; missing ones are no error. Adds refused ones to `old`. */
static void delete_all(int fd, const uint8_t *keys, unsigned count, struct undeleted *old)
{
	size_t key_size = old->key_size;
	unsigned at = 0, retries = 0;

	while (at < count) {
		__u32 done = count - at;
		int err = bpf_map_delete_batch(fd, keys + at * key_size, &done, NULL);

		if (!err)
			return;
		/* On some errors the kernel leaves `done` as it was. */
		if (done > 0 && done < count - at) {
			retries = 0;
			at += done;
		}
		if (err != -ENOENT && retries++ < RETRIES) {
			sched_yield();
			continue;
		}
		if (err != -ENOENT)
			add_undeleted(old, keys + at * key_size);
		at++;
		retries = 0;
	}
}

static void delete_again(int fd, struct undeleted *old)
{
	unsigned at = 0;

	for (unsigned i = 0; i < UNDELETED_TRIES && at < old->count; i++) {
		uint8_t *key = old->keys + at * old->key_size;
		__u32 done = 1;
		int err = bpf_map_delete_batch(fd, key, &done, NULL);

		if (!err || err == -ENOENT)
			forget_undeleted(old, key);
		else
			at++;
	}
}

/* Stores `count` elements; calls `refused` with the index of each that the map refuses. */
static void put_all(struct mirror *mirror, int fd, const uint8_t *keys, size_t key_size,
	const uint8_t *values, size_t value_size, unsigned count,
	void (*refused)(struct mirror *mirror, unsigned index))
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_ANY);
	unsigned at = 0, retries = 0;

	while (at < count) {
		__u32 done = count - at;
		int err = bpf_map_update_batch(
			fd, keys + at * key_size, values + at * value_size, &done, &opts);

		if (!err)
			return;
		/* On some errors the kernel leaves `done` as it was. */
		if (done > 0 && done < count - at) {
			retries = 0;
			at += done;
		}
		if (err != -E2BIG && retries++ < RETRIES) {
			sched_yield();
			continue;
		}
		refused(mirror, at);
		at++;
		retries = 0;
	}
}

static bool grow_failed(struct mirror *mirror)
{
	unsigned room = mirror->failed_room + MIRROR_BATCH;
	uint32_t *old = mirror->failed, *more;

	mirror->failed = NULL; /* gcc 12's analyzer misses that it is freed */
	more = reallocarray(old, room, sizeof(*more));
	mirror->failed = more ? more : old;
	if (more)
		mirror->failed_room = room;
	return more;
}

static void add_failure(struct mirror *mirror, uint32_t slot)
{
	/* Without memory the failure is not reported: the session is a miss until it expires. */
	if (mirror->failures < mirror->failed_room || grow_failed(mirror))
		mirror->failed[mirror->failures++] = slot;
}

/* The writer frees the slot itself; a later report would hit the slot's next session. */
static void forget_failure(struct mirror *mirror, uint32_t slot)
{
	for (unsigned i = 0; i < mirror->failures; i++) {
		if (mirror->failed[i] == slot) {
			mirror->failed[i] = mirror->failed[--mirror->failures];
			return;
		}
	}
}

static void session_refused(struct mirror *mirror, unsigned index)
{
	add_failure(mirror, mirror->put_slots[mirror->first + index]);
}

static void rest_refused(struct mirror *mirror, unsigned index)
{
	mirror->put_lacks_rest[index] = true;
}

static void move_put(struct mirror *mirror, unsigned to, unsigned from)
{
	mirror->put_slots[to] = mirror->put_slots[from];
	memcpy(mirror->put_keys[to], mirror->put_keys[from], SESSD_KEY_SIZE);
	mirror->put_entries[to] = mirror->put_entries[from];
}

/* Stores the overflow values. If one is refused, its session is not stored either: the writer would
 * not know of it and never delete it. */
static void put_rests(struct mirror *mirror)
{
	unsigned longs = 0, kept = 0, next_long = 0;

	for (unsigned i = 0; i < mirror->puts; i++) {
		if (mirror->put_entries[i].len <= SESSD_INLINE_MAX)
			continue;
		if (longs != i)
			memcpy(rest_at(mirror, longs), rest_at(mirror, i), mirror->overflow_size);
		if (mirror->old_rests.count)
			forget_undeleted(&mirror->old_rests, &mirror->put_slots[i]);
		mirror->put_lacks_rest[longs] = false;
		mirror->long_put_slots[longs++] = mirror->put_slots[i];
	}
	if (longs == 0)
		return;
	put_all(mirror, mirror->overflow_fd, (uint8_t *)mirror->long_put_slots, sizeof(uint32_t),
		mirror->put_rest, mirror->overflow_size, longs, rest_refused);
	for (unsigned i = 0; i < mirror->puts; i++) {
		if (mirror->put_entries[i].len > SESSD_INLINE_MAX &&
			mirror->put_lacks_rest[next_long++]) {
			add_failure(mirror, mirror->put_slots[i]);
			continue;
		}
		if (kept != i)
			move_put(mirror, kept, i);
		kept++;
	}
	explicit_bzero(mirror->put_rest, (size_t)mirror->puts * mirror->overflow_size);
	explicit_bzero(
		mirror->put_entries + kept, (mirror->puts - kept) * sizeof(struct sessd_entry));
	mirror->puts = kept;
}

/* Changes the map by the BPF program, and retries each session that it could not store with a
 * system call. False if it did not run or stopped while deleting: nothing is stored then, and
 * deleting again does no harm. */
static bool change_by_program(struct mirror *mirror)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct sessd_map_batch *shared = mirror->shared;

	if (!shared)
		return false;
	shared->count = mirror->puts;
	shared->gone = mirror->dels;
	if (bpf_prog_test_run_opts(mirror->program_fd, &run) < 0 || run.retval != 0)
		return false;
	for (unsigned i = 0; i < mirror->puts; i++) {
		mirror->first = i;
		if (shared->result[i] != 0)
			put_all(mirror, mirror->sessions_fd, mirror->put_keys[i], SESSD_KEY_SIZE,
				(uint8_t *)&mirror->put_entries[i], sizeof(struct sessd_entry), 1,
				session_refused);
	}
	mirror->first = 0;
	return true;
}

/* Deletes, then puts. */
static void change_sessions(struct mirror *mirror)
{
	for (unsigned i = 0; i < mirror->puts && mirror->old_sessions.count; i++)
		forget_undeleted(&mirror->old_sessions, mirror->put_keys[i]);
	if (mirror->puts + mirror->dels == 0 || change_by_program(mirror))
		return;
	delete_all(mirror->sessions_fd, mirror->del_keys[0], mirror->dels, &mirror->old_sessions);
	put_all(mirror, mirror->sessions_fd, mirror->put_keys[0], SESSD_KEY_SIZE,
		(uint8_t *)mirror->put_entries, sizeof(struct sessd_entry), mirror->puts,
		session_refused);
}

/* Deletes before all puts if long values are deleted: a new session may reuse the slot, and with it
 * the overflow key. */
static void delete_long(struct mirror *mirror)
{
	unsigned puts = mirror->puts;

	mirror->puts = 0;
	change_sessions(mirror);
	mirror->puts = puts;
	delete_all(mirror->overflow_fd, (uint8_t *)mirror->long_del_slots, mirror->long_dels,
		&mirror->old_rests);
	mirror->dels = mirror->long_dels = 0;
}

/* Deletes the overflow values of sessions that the map then refused. */
static void drop_rests_of_failed(struct mirror *mirror, unsigned from)
{
	for (unsigned i = from; i < mirror->failures; i++)
		bpf_map_delete_elem(mirror->overflow_fd, &mirror->failed[i]);
}

/* A session's overflow value is stored before the session, and deleted after it. */
void mirror_flush(struct mirror *mirror)
{
	unsigned failures = mirror->failures;

	if (mirror->long_dels)
		delete_long(mirror);
	put_rests(mirror);
	change_sessions(mirror);
	drop_rests_of_failed(mirror, failures);
	explicit_bzero(mirror->put_entries, mirror->puts * sizeof(struct sessd_entry));
	mirror->puts = mirror->dels = mirror->long_dels = 0;
}

void mirror_put(struct mirror *mirror, const struct session *session, const void *value)
{
	unsigned i;

	if (mirror->puts == MIRROR_BATCH)
		mirror_flush(mirror);
	i = mirror->puts++;
	mirror->put_slots[i] = session->slot;
	memcpy(mirror->put_keys[i], session->key, SESSD_KEY_SIZE);
	entry_pack(&mirror->format, &mirror->put_entries[i], rest_at(mirror, i), session, value);
}

/* Cancels a put that is still queued. */
static bool cancel_put(struct mirror *mirror, uint32_t slot)
{
	for (unsigned i = 0; i < mirror->puts; i++) {
		unsigned last = mirror->puts - 1;

		if (mirror->put_slots[i] != slot)
			continue;
		if (mirror->put_entries[last].len > SESSD_INLINE_MAX && i != last)
			memcpy(rest_at(mirror, i), rest_at(mirror, last), mirror->overflow_size);
		else if (mirror->put_entries[i].len > SESSD_INLINE_MAX)
			explicit_bzero(rest_at(mirror, i), mirror->overflow_size);
		if (mirror->put_entries[last].len > SESSD_INLINE_MAX)
			explicit_bzero(rest_at(mirror, last), mirror->overflow_size);
		if (i != last)
			move_put(mirror, i, last);
		explicit_bzero(&mirror->put_entries[last], sizeof(struct sessd_entry));
		mirror->puts = last;
		return true;
	}
	return false;
}

void mirror_del(struct mirror *mirror, const struct session *session)
{
	if (cancel_put(mirror, session->slot))
		return;
	forget_failure(mirror, session->slot);
	if (mirror->dels == MIRROR_BATCH)
		mirror_flush(mirror);
	memcpy(mirror->del_keys[mirror->dels++], session->key, SESSD_KEY_SIZE);
	if (session->len > SESSD_INLINE_MAX)
		mirror->long_del_slots[mirror->long_dels++] = session->slot;
}

void mirror_commit(struct mirror *mirror, void (*failed)(void *ctx, uint32_t slot), void *ctx)
{
	if (mirror->puts || mirror->dels)
		mirror_flush(mirror);
	delete_again(mirror->sessions_fd, &mirror->old_sessions);
	delete_again(mirror->overflow_fd, &mirror->old_rests);
	for (unsigned i = 0; i < mirror->failures; i++)
		failed(ctx, mirror->failed[i]);
	mirror->failures = 0;
}

/* As mirror_get, and with the guard of what was found. */
static int look_up(struct mirror *mirror, const uint8_t key[SESSD_KEY_SIZE], uint64_t now,
	void *value, uint32_t *slot, uint64_t *guard)
{
	struct sessd_entry entry;
	int ret = -ESTALE;

	mirror_flush(mirror); /* a GET sees the NEWs that came before it */
	if (find_undeleted(&mirror->old_sessions, key) ||
		bpf_map_lookup_elem(mirror->sessions_fd, key, &entry) < 0)
		return -ENOENT;
	*slot = sessd_life_slot(entry.life);
	*guard = entry.guard;
	if (sessd_life_expires(entry.life) > now) {
		ret = entry_unpack(&mirror->format, &entry, key, mirror->overflow_fd, value);
		if (ret < 0)
			ret = -ENOENT;
	}
	explicit_bzero(&entry, sizeof(entry));
	return ret;
}

int mirror_get(struct mirror *mirror, const uint8_t key[SESSD_KEY_SIZE], uint64_t now, void *value,
	uint32_t *slot)
{
	uint64_t guard;

	return look_up(mirror, key, now, value, slot, &guard);
}

uint64_t mirror_left(struct mirror *mirror, const struct claims *claims,
	const uint8_t key[SESSD_KEY_SIZE], uint64_t now)
{
	struct sessd_entry entry;
	uint64_t expires = 0;

	mirror_flush(mirror);
	if (!find_undeleted(&mirror->old_sessions, key) &&
		bpf_map_lookup_elem(mirror->sessions_fd, key, &entry) == 0 && entry.guard &&
		claims_covers(claims, sessd_life_slot(entry.life)))
		expires = sessd_life_expires(entry.life);
	explicit_bzero(&entry, sizeof(entry));
	return expires > now ? expires - now : 0;
}

int mirror_take(struct mirror *mirror, struct claims *claims, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value)
{
	uint64_t guard;
	uint32_t slot;
	int len = look_up(mirror, key, now, value, &slot, &guard);

	if (len < 0)
		return len;
	if (!claims_covers(claims, slot))
		return -ENOENT;
	return claims_take(claims, key, guard, slot) ? len : -EAGAIN;
}

bool mirror_claim(struct mirror *mirror, struct claims *claims, const struct session *session)
{
	uint8_t value[ENTRY_VALUE_SIZE(SESSD_VALUE_LIMIT)];
	int len = mirror_take(mirror, claims, session->key, 0, value);

	explicit_bzero(value, sizeof(value));
	return len > 0;
}
