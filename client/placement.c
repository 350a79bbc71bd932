/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/placement.h"

static uint64_t read64(const uint8_t *at)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | at[i];
	return value;
}

uint64_t placement_cache(const struct endpoint *cache)
{
	uint64_t high = read64(cache->addr.bytes), low = read64(cache->addr.bytes + 8);

	return mix64(mix64(mix64(high) ^ low) ^ cache->port);
}

uint64_t placement_key(const uint8_t key[SESSD_KEY_SIZE])
{
	uint64_t mixed = 0;

	for (int i = 0; i < SESSD_KEY_SIZE; i += 8)
		mixed = mix64(mixed ^ read64(key + i));
	return mixed;
}

void placement_order(const uint64_t *caches, unsigned count, const uint8_t key[SESSD_KEY_SIZE],
	uint8_t order[SESSIOND_CACHES_MAX])
{
	uint64_t scores[SESSIOND_CACHES_MAX], mixed = placement_key(key);

	for (unsigned i = 0; i < count; i++) {
		uint64_t score = placement_score(caches[i], mixed);
		unsigned at = i;

		for (; at > 0 && scores[at - 1] < score; at--) {
			scores[at] = scores[at - 1];
			order[at] = order[at - 1];
		}
		scores[at] = score;
		order[at] = (uint8_t)i;
	}
}
