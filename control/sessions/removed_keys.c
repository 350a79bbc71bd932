/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/removed_keys.h"

#include <stdlib.h>

#include "common/clock.h"

/* Entries of a row, a cache line, in which a hash has its place. */
#define WAYS 4
#define ROWS (REMOVED_KEYS / WAYS)

struct removed_key {
	uint64_t hash;
	uint64_t until; /* tick; 0: free */
};

struct removed_keys {
	struct removed_key rows[ROWS][WAYS];
};

struct removed_keys *removed_keys_create(void)
{
	return calloc(1, sizeof(struct removed_keys));
}

void removed_keys_destroy(struct removed_keys *keys)
{
	free(keys);
}

size_t removed_keys_bytes(void)
{
	return sizeof(struct removed_keys);
}

static const struct removed_key *find(const struct removed_keys *keys, uint64_t hash)
{
	const struct removed_key *row = keys->rows[hash % ROWS];

	for (unsigned i = 0; i < WAYS; i++)
		if (row[i].hash == hash && row[i].until)
			return &row[i];
	return NULL;
}

void removed_keys_add(struct removed_keys *keys, uint64_t hash, uint64_t now, uint32_t seconds)
{
	struct removed_key *to = (struct removed_key *)find(keys, hash);
	struct removed_key *row = keys->rows[hash % ROWS];

	if (!to) {
		to = row;
		for (unsigned i = 1; i < WAYS; i++)
			if (row[i].until < to->until)
				to = &row[i];
	}
	*to = (struct removed_key){hash, now + clock_ticks(seconds)};
}

void removed_keys_clear(struct removed_keys *keys, uint64_t hash)
{
	struct removed_key *removed = (struct removed_key *)find(keys, hash);

	if (removed)
		*removed = (struct removed_key){0};
}

bool removed_keys_has(const struct removed_keys *keys, uint64_t hash, uint64_t now)
{
	const struct removed_key *removed = find(keys, hash);

	return removed && now < removed->until;
}
