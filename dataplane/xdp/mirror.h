/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer's changes on their way into the BPF maps, in batches: one system call for up to
 * MIRROR_BATCH sessions. All of it belongs to the writer thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_H

#include <stdint.h>

#include <sessiond/map_batch.h>

#include "dataplane/table/table.h"
#include "dataplane/xdp/claims.h"

/* Sessions of one batch: past some 64 the system call no longer shows, and one batch must not hold
 * a bucket's lock or this thread for long. */
#define MIRROR_BATCH SESSD_MAP_BATCH_MAX

struct mirror;

/* `secret` are the guard's, kept by the caller. NULL on failure. */
struct mirror *mirror_create(
	int sessions_fd, int overflow_fd, uint16_t value_max, const __u64 *secret);
/* What is still waiting is dropped. */
void mirror_destroy(struct mirror *mirror);
/* Stores sessions by a program of ebpf/map_batch.bpf.h and the memory that it shares, 0 or a
 * negative errno. Without it, and where it fails, by BPF_MAP_UPDATE_BATCH. Before the first put. */
int mirror_use_program(struct mirror *mirror, int program_fd, int puts_fd);

/* Queue a change; a full queue is flushed first. */
void mirror_put(struct mirror *mirror, const struct session *session, const void *value);
void mirror_del(struct mirror *mirror, const struct session *session);

/* Makes what was queued visible: deletes, then puts. */
void mirror_flush(struct mirror *mirror);
/* The same, and calls `failed` for each session that the map refused since the last call. */
void mirror_commit(struct mirror *mirror, void (*failed)(void *ctx, uint32_t slot), void *ctx);

/* Reads a live session as the fast path would, for the slow path: the length of its value, copied
 * to `value` of ENTRY_VALUE_SIZE bytes; -ENOENT if there is none, -ESTALE if it has expired.
 * `*slot` is set for a hit. */
int mirror_get(struct mirror *mirror, const uint8_t key[SESSD_KEY_SIZE], uint64_t now, void *value,
	uint32_t *slot);

/* The same for a TAKE, claimed by `claims`: -EAGAIN if another got the session, or it ended, at
 * that moment. */
int mirror_take(struct mirror *mirror, struct claims *claims, const uint8_t key[SESSD_KEY_SIZE],
	uint64_t now, void *value);
/* Takes a session of the writer's without its value: true if it was there and nobody had. */
bool mirror_claim(struct mirror *mirror, struct claims *claims, const struct session *session);

#endif
