/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which caches a session belongs to: rendezvous hashing (Thaler and Ravishankar, 1998). Each cache
 * has a score for each key; the highest is the owner, the next the second copy. A cache that is
 * added or lost moves only its own keys. The result depends on the caches' addresses and the key
 * alone: every server of a farm must come to the same one, so this never changes.
 */
#ifndef SESSIOND_CLIENT_PLACEMENT_H
#define SESSIOND_CLIENT_PLACEMENT_H

#include <stdint.h>

#include <sessiond/client.h>
#include <sessiond/protocol.h>

#include "client/mix.h"
#include "common/address.h"

/* A cache's part of the score. Does not depend on the host's byte order. */
uint64_t placement_cache(const struct endpoint *cache);
/* A key's part. */
uint64_t placement_key(const uint8_t key[SESSD_KEY_SIZE]);
/* The score of a cache for a key. */
static inline uint64_t placement_score(uint64_t cache, uint64_t key)
{
	return mix64(cache ^ key);
}
/* The numbers of the `count` caches, the owner first. */
void placement_order(const uint64_t *caches, unsigned count, const uint8_t key[SESSD_KEY_SIZE],
	uint8_t order[SESSIOND_CACHES_MAX]);

#endif
