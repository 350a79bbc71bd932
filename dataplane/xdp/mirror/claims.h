/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions that TAKEs have taken in the BPF maps, and those that the daemon takes there itself
 * (map_abi.h). All of it belongs to the writer thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_CLAIMS_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/table.h"

struct claims;

/* `program_fd` and `claim_fd` are of ebpf/claim.bpf.h; `taken` are the bits of the slots, kept by
 * the caller. NULL with errno on failure. */
struct claims *claims_create(
	int sessions_fd, int program_fd, int claim_fd, uint64_t *taken, uint32_t capacity);
void claims_destroy(struct claims *claims);

/* Takes the session of this key and guard: true if it was there and nobody had. */
bool claims_take(
	struct claims *claims, const uint8_t key[SESSD_KEY_SIZE], uint64_t guard, uint32_t slot);

/* Whether a slot is a session's, which the one beyond the capacity is not. */
bool claims_covers(const struct claims *claims, uint32_t slot);

/* Whether a session of the writer's, which was given to the map, was taken. */
bool claims_taken(const struct claims *claims, const struct session *session);
/* As engine_ops.find_taken. */
unsigned claims_find(struct claims *claims,
	bool (*held)(void *ctx, uint32_t slot, struct session *session), void *ctx, uint32_t *slots,
	unsigned room, bool *more);

#endif
