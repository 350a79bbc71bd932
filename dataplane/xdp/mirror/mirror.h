/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Queues the writer's changes and applies them to the BPF maps in batches: one system call for up
 * to MIRROR_BATCH sessions. Writer thread only.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_MIRROR_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_MIRROR_H

#include <stdint.h>

#include <sessiond/map_batch.h>

#include "dataplane/table/table.h"
#include "dataplane/xdp/mirror/claims.h"

/* Sessions per batch. Beyond some 64 the cost of the system call no longer shows, and a batch must
 * not hold a bucket's lock or this thread for long. */
#define MIRROR_BATCH SESSD_MAP_BATCH_MAX

struct mirror;

struct mirror_shape {
	uint32_t capacity;  /* sessions */
	uint16_t value_max; /* bytes */
};

/* `secret`: the guard's SESSD_GUARD_KEYS numbers; `secret` and the descriptors stay the caller's
 * and must outlive the mirror. NULL if out of memory. */
struct mirror *mirror_create(
	int sessions_fd, int overflow_fd, const struct mirror_shape *shape, const __u64 *secret);
/* Bytes that it takes if all sessions are long, besides its queue. `blocks`: of the overflow map.
 */
uint64_t mirror_bytes(uint32_t blocks, const struct mirror_shape *shape);
/* Discards what is still queued. */
void mirror_destroy(struct mirror *mirror);
/* Stores sessions by the program of ebpf/map_batch.bpf.h through the memory of its map `puts`.
 * Without it, and where it fails, BPF_MAP_UPDATE_BATCH does. 0 or a negative errno. Call before the
 * first put. */
int mirror_use_program(struct mirror *mirror, int program_fd, int puts_fd);

/* Adoption: this entry, which is intact, is in the map. False if its rest cannot be its own: it is
 * to be deleted. To undo it, mirror_del. */
bool mirror_adopt(struct mirror *mirror, const struct sessd_entry *entry);
/* After the last one: applies what is queued, and deletes the blocks in which no entry has a rest.
 */
void mirror_adopted(struct mirror *mirror);

/* Queue a change; a full queue is flushed first. The value is copied. */
void mirror_put(struct mirror *mirror, const struct session *session, const void *value);
/* The length need not be known (0), but during adoption it must. */
void mirror_del(struct mirror *mirror, const struct session *session);

/* Applies what is queued: deletes, then puts. */
void mirror_flush(struct mirror *mirror);
/* mirror_flush; then calls `failed` for each session that the map has refused since the last
 * call. Retries some of the deletes that the kernel refused. */
void mirror_commit(struct mirror *mirror, void (*failed)(void *ctx, uint32_t slot), void *ctx);

/* Reads a session as the fast path would, after a flush: copies its value to `value`, of
 * ENTRY_VALUE_SIZE(value_max) bytes, and returns its length. `now`: ticks. -ENOENT if there is
 * none, -ESTALE if it has expired. `*slot` is set for a hit. */
int mirror_get(struct mirror *mirror, const uint8_t key[SESSD_KEY_SIZE], uint64_t now, void *value,
	uint32_t *slot);

/* Bytes of a session's value, after a flush; 0 if it is not in the map. */
uint16_t mirror_length(struct mirror *mirror, const struct session *session);

/* The same as mirror_get for a TAKE, claimed by `claims`: -EAGAIN if another got the session, or it
 * ended, at that moment. */
int mirror_take(struct mirror *mirror, struct claims *claims, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value);
/* Ticks that a session has left, which no TAKE has got; 0: there is none. */
uint64_t mirror_left(struct mirror *mirror, const struct claims *claims,
	const uint8_t key[SESSD_KEY_SIZE], uint64_t now);
/* Takes a session of the writer's without its value: true if it was there and nobody had. */
bool mirror_claim(struct mirror *mirror, struct claims *claims, const struct session *session);

#endif
