/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Keys whose sessions were removed here a moment ago, so that a peer's NEW that the farm has
 * already passed on does not bring one back. The farm itself knows all removals that have reached
 * it. Bounded: where there is no room, the one that ends first goes. Writer thread only.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_REMOVED_KEYS_H
#define SESSIOND_CONTROL_SESSIONS_REMOVED_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REMOVED_KEYS 65536 /* entries, 1 MiB */

struct removed_keys;

/* NULL if out of memory. */
struct removed_keys *removed_keys_create(void);
void removed_keys_destroy(struct removed_keys *keys);
size_t removed_keys_bytes(void);

/* `hash`: a keyed 64-bit hash of the key (table_hash), which stands for it: another key with the
 * same hash would be refused, which costs a full handshake. `now`: tick. */
void removed_keys_add(struct removed_keys *keys, uint64_t hash, uint64_t now, uint32_t seconds);
/* A client stored a session under the key: it is no longer removed. */
void removed_keys_clear(struct removed_keys *keys, uint64_t hash);
bool removed_keys_has(const struct removed_keys *keys, uint64_t hash, uint64_t now);

#endif
