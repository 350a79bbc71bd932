/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/mirror/mirror.h"

#include "common/locked_memory.h"
#include "dataplane/xdp/mirror/entry.h"
#include "dataplane/xdp/mirror/map_changes.h"
#include "dataplane/xdp/mirror/rests.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Rests that one flush frees: each put or delete frees one at most. */
#define FREED_MAX (2 * MIRROR_BATCH)

struct mirror {
	int sessions_fd;
	struct entry_format format;
	struct rests *rests;
	uint32_t rest_size; /* bytes */
	unsigned puts, dels, failures;
	/* Numbers of the rests of sessions that are deleted, or stored again. */
	unsigned freed;
	uint32_t freed_rests[FREED_MAX];
	unsigned first; /* index of the first put that put_all was given */
	uint32_t put_slots[MIRROR_BATCH];
	int program_fd;
	struct sessd_map_batch *shared; /* memory shared with the BPF program; NULL: without it */
	struct sessd_map_batch own;
	uint8_t (*put_keys)[SESSD_KEY_SIZE]; /* these three point into *shared or own */
	uint8_t (*del_keys)[SESSD_KEY_SIZE];
	struct sessd_entry *put_entries;
	uint8_t *put_rest; /* MIRROR_BATCH rests, same index */
	struct rest_put rest_puts[MIRROR_BATCH];
	uint32_t *failed; /* slots of refused puts; allocated at the first */
	unsigned failed_room;
	struct undeleted old_sessions;
};

static uint8_t *rest_at(struct mirror *mirror, unsigned i)
{
	return mirror->put_rest + (size_t)i * mirror->rest_size;
}

struct mirror *mirror_create(
	int sessions_fd, int overflow_fd, const struct mirror_shape *shape, const __u64 *secret)
{
	uint16_t value_max = shape->value_max;
	struct mirror *mirror = calloc(1, sizeof(*mirror));

	if (!mirror)
		return NULL;
	mirror->sessions_fd = sessions_fd;
	mirror->format = (struct entry_format){.secret = secret, .value_max = value_max};
	mirror->rest_size = SESSD_REST_SIZE(value_max);
	mirror->program_fd = -1;
	mirror->old_sessions.key_size = SESSD_KEY_SIZE;
	mirror->put_keys = mirror->own.keys;
	mirror->del_keys = mirror->own.gone_keys;
	mirror->put_entries = mirror->own.entries;
	mirror->put_rest = calloc(MIRROR_BATCH, mirror->rest_size);
	mirror->rests = rests_create(overflow_fd, value_max, shape->capacity + 1);
	if (!mirror->put_rest || !mirror->rests) {
		mirror_destroy(mirror);
		return NULL;
	}
	memory_lock(mirror, sizeof(*mirror));
	memory_lock(mirror->put_rest, (size_t)MIRROR_BATCH * mirror->rest_size);
	return mirror;
}

uint64_t mirror_bytes(uint32_t blocks, const struct mirror_shape *shape)
{
	return rests_bytes(blocks, shape->value_max, shape->capacity + 1);
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
	if (mirror->put_rest)
		explicit_bzero(mirror->put_rest, (size_t)MIRROR_BATCH * mirror->rest_size);
	if (mirror->shared) {
		explicit_bzero(mirror->shared, sizeof(*mirror->shared));
		munmap(mirror->shared, sizeof(struct sessd_map_batch));
	}
	free(mirror->put_rest);
	free(mirror->failed);
	free(mirror->old_sessions.keys);
	rests_destroy(mirror->rests);
	explicit_bzero(mirror, sizeof(*mirror));
	free(mirror);
}

static bool grow_failed(struct mirror *mirror)
{
	unsigned room = mirror->failed_room + MIRROR_BATCH;
	uint32_t *more = realloc(mirror->failed, room * sizeof(*more));

	if (!more)
		return false;
	mirror->failed = more;
	mirror->failed_room = room;
	return true;
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

static void session_refused(void *ctx, unsigned index)
{
	struct mirror *mirror = ctx;

	add_failure(mirror, mirror->put_slots[mirror->first + index]);
}

/* Stores `count` sessions from index `first` on. */
static void put_sessions(struct mirror *mirror, unsigned first, unsigned count)
{
	const struct map_puts puts = {
		.keys = mirror->put_keys[first],
		.values = &mirror->put_entries[first],
		.key_size = SESSD_KEY_SIZE,
		.value_size = sizeof(struct sessd_entry),
		.refused = session_refused,
		.ctx = mirror,
	};

	mirror->first = first;
	map_put_all(mirror->sessions_fd, &puts, count);
}

static void move_put(struct mirror *mirror, unsigned to, unsigned from)
{
	mirror->put_slots[to] = mirror->put_slots[from];
	memcpy(mirror->put_keys[to], mirror->put_keys[from], SESSD_KEY_SIZE);
	mirror->put_entries[to] = mirror->put_entries[from];
}

/* Stores the rests. If one is refused, its session is not stored either: the writer would not know
 * of it and never delete it. */
static void put_rests(struct mirror *mirror)
{
	unsigned longs = 0, kept = 0, next_long = 0;

	for (unsigned i = 0; i < mirror->puts; i++) {
		if (mirror->put_entries[i].len > SESSD_INLINE_MAX)
			mirror->rest_puts[longs++] = (struct rest_put){
				.entry = &mirror->put_entries[i],
				.rest = rest_at(mirror, i),
				.slot = mirror->put_slots[i],
			};
	}
	if (longs == 0)
		return;
	rests_store(mirror->rests, mirror->rest_puts, longs);
	for (unsigned i = 0; i < mirror->puts; i++) {
		if (mirror->put_entries[i].len > SESSD_INLINE_MAX &&
			mirror->rest_puts[next_long++].refused) {
			add_failure(mirror, mirror->put_slots[i]);
			continue;
		}
		if (kept != i)
			move_put(mirror, kept, i);
		kept++;
	}
	explicit_bzero(mirror->put_rest, (size_t)mirror->puts * mirror->rest_size);
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
		if (shared->result[i] != 0)
			put_sessions(mirror, i, 1);
	}
	return true;
}

/* Deletes, then puts. */
static void change_sessions(struct mirror *mirror)
{
	for (unsigned i = 0; i < mirror->puts && mirror->old_sessions.count; i++)
		undeleted_forget(&mirror->old_sessions, mirror->put_keys[i]);
	if (mirror->puts + mirror->dels == 0 || change_by_program(mirror))
		return;
	map_delete_all(mirror->sessions_fd, mirror->del_keys, mirror->dels, &mirror->old_sessions);
	put_sessions(mirror, 0, mirror->puts);
}

/* The slot's rest is freed at the end of the flush. */
static void free_rest(struct mirror *mirror, uint32_t slot)
{
	if (rests_take(mirror->rests, slot, &mirror->freed_rests[mirror->freed]))
		mirror->freed++;
}

/* Frees the rests of sessions that the map then refused. */
static void free_rests_of_failed(struct mirror *mirror, unsigned from)
{
	uint32_t number;

	for (unsigned i = from; i < mirror->failures; i++) {
		if (rests_take(mirror->rests, mirror->failed[i], &number))
			rests_free(mirror->rests, number);
	}
}

/* A session's rest is stored before the session, and freed after it is deleted. */
void mirror_flush(struct mirror *mirror)
{
	unsigned failures = mirror->failures;

	put_rests(mirror);
	change_sessions(mirror);
	free_rests_of_failed(mirror, failures);
	for (unsigned i = 0; i < mirror->freed; i++)
		rests_free(mirror->rests, mirror->freed_rests[i]);
	rests_settle(mirror->rests);
	explicit_bzero(mirror->put_entries, mirror->puts * sizeof(struct sessd_entry));
	mirror->puts = mirror->dels = mirror->freed = 0;
}

void mirror_put(struct mirror *mirror, const struct session *session, const void *value)
{
	unsigned i;

	if (mirror->puts == MIRROR_BATCH || mirror->freed == FREED_MAX)
		mirror_flush(mirror);
	i = mirror->puts++;
	free_rest(mirror, session->slot);
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
			memcpy(rest_at(mirror, i), rest_at(mirror, last), mirror->rest_size);
		else if (mirror->put_entries[i].len > SESSD_INLINE_MAX)
			explicit_bzero(rest_at(mirror, i), mirror->rest_size);
		if (mirror->put_entries[last].len > SESSD_INLINE_MAX)
			explicit_bzero(rest_at(mirror, last), mirror->rest_size);
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
	if (mirror->dels == MIRROR_BATCH || mirror->freed == FREED_MAX)
		mirror_flush(mirror);
	memcpy(mirror->del_keys[mirror->dels++], session->key, SESSD_KEY_SIZE);
	/* While sessions are adopted, the slot may be another's that was met before; a length that
	 * is not known is of a session whose slot is its own. */
	if (session->len == 0 || session->len > SESSD_INLINE_MAX)
		free_rest(mirror, session->slot);
}

bool mirror_adopt(struct mirror *mirror, const struct sessd_entry *entry)
{
	return entry->len <= SESSD_INLINE_MAX ||
	       rests_adopt(mirror->rests, sessd_life_slot(entry->life), rest_number(entry));
}

void mirror_adopted(struct mirror *mirror)
{
	mirror_flush(mirror);
	rests_drop_orphans(mirror->rests);
}

void mirror_commit(struct mirror *mirror, void (*failed)(void *ctx, uint32_t slot), void *ctx)
{
	if (mirror->puts || mirror->dels)
		mirror_flush(mirror);
	undeleted_retry(mirror->sessions_fd, &mirror->old_sessions);
	rests_retry(mirror->rests);
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
	if (undeleted_find(&mirror->old_sessions, key) ||
		bpf_map_lookup_elem(mirror->sessions_fd, key, &entry) < 0)
		return -ENOENT;
	*slot = sessd_life_slot(entry.life);
	*guard = entry.guard;
	if (sessd_life_expires(entry.life) > now) {
		ret = entry_unpack(
			&mirror->format, &entry, key, rests_reader(mirror->rests), value);
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

uint16_t mirror_length(struct mirror *mirror, const struct session *session)
{
	struct sessd_entry entry;
	uint16_t len = 0;

	mirror_flush(mirror);
	if (!undeleted_find(&mirror->old_sessions, session->key) &&
		bpf_map_lookup_elem(mirror->sessions_fd, session->key, &entry) == 0 &&
		sessd_life_slot(entry.life) == session->slot)
		len = entry.len;
	explicit_bzero(&entry, sizeof(entry));
	return len;
}

uint64_t mirror_left(struct mirror *mirror, const struct claims *claims,
	const uint8_t key[SESSD_KEY_SIZE], uint64_t now)
{
	struct sessd_entry entry;
	uint64_t expires = 0;

	mirror_flush(mirror);
	if (!undeleted_find(&mirror->old_sessions, key) &&
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
