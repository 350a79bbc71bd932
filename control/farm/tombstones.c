/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/farm/tombstones.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SIZE 1024

static uint64_t mix(uint64_t value)
{
	/* The finalizer of MurmurHash3, which is in the public domain. */
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdULL;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

/* Session ids are random, but clients choose them: the seed keeps collisions a matter of chance. */
static uint64_t hash_of(const struct tombstones *stones, const uint8_t key[SESSD_KEY_SIZE])
{
	uint64_t words[SESSD_KEY_SIZE / 8], hash = stones->seed[0];

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < SESSD_KEY_SIZE / 8; i++)
		hash = mix(hash ^ words[i]) + stones->seed[1];
	return hash ? hash : 1;
}

static int table_open(struct tombstone_table *table, size_t size)
{
	table->places = calloc(size, sizeof(*table->places));
	table->mask = size - 1;
	table->used = 0;
	return table->places ? 0 : -ENOMEM;
}

/* The place of a hash, or the free one where it would go. */
static struct tombstone *place(const struct tombstone_table *table, uint64_t hash)
{
	size_t at = hash & table->mask;

	while (table->places[at].hash != 0 && table->places[at].hash != hash)
		at = (at + 1) & table->mask;
	return &table->places[at];
}

int tombstones_open(struct tombstones *stones, size_t most)
{
	memset(stones, 0, sizeof(*stones));
	stones->most = FIRST_SIZE;
	while (stones->most < most * 2)
		stones->most *= 2;
	if (getrandom(stones->seed, sizeof(stones->seed), 0) != sizeof(stones->seed) ||
		table_open(&stones->young, FIRST_SIZE) < 0 ||
		table_open(&stones->old, FIRST_SIZE) < 0) {
		tombstones_close(stones);
		return -ENOMEM;
	}
	return 0;
}

void tombstones_close(struct tombstones *stones)
{
	free(stones->young.places);
	free(stones->old.places);
	memset(stones, 0, sizeof(*stones));
}

void tombstones_rotate(struct tombstones *stones)
{
	struct tombstone_table fresh;

	if (table_open(&fresh, FIRST_SIZE) < 0) {
		/* Without memory, in the place of the older one. */
		fresh = stones->old;
		memset(fresh.places, 0, (fresh.mask + 1) * sizeof(*fresh.places));
		fresh.used = 0;
	} else {
		free(stones->old.places);
	}
	stones->old = stones->young;
	stones->young = fresh;
}

static void make_room(struct tombstones *stones)
{
	struct tombstone_table larger, *young = &stones->young;

	if (young->used <= young->mask / 2)
		return;
	if (young->mask + 1 >= stones->most || table_open(&larger, (young->mask + 1) * 2) < 0) {
		tombstones_rotate(stones);
		return;
	}
	for (size_t i = 0; i <= young->mask; i++)
		if (young->places[i].hash != 0)
			*place(&larger, young->places[i].hash) = young->places[i];
	larger.used = young->used;
	free(young->places);
	*young = larger;
}

void tombstones_add(
	struct tombstones *stones, const uint8_t key[SESSD_KEY_SIZE], const struct tombstone *stone)
{
	uint64_t hash = hash_of(stones, key);
	struct tombstone *at = place(&stones->young, hash);

	if (at->hash == 0) {
		make_room(stones);
		at = place(&stones->young, hash);
		stones->young.used++;
	} else if (at->time > stone->time) {
		return;
	}
	*at = *stone;
	at->hash = hash;
}

const struct tombstone *tombstones_find(
	const struct tombstones *stones, const uint8_t key[SESSD_KEY_SIZE])
{
	uint64_t hash = hash_of(stones, key);
	const struct tombstone *young = place(&stones->young, hash);
	const struct tombstone *old = place(&stones->old, hash);

	if (young->hash == 0)
		return old->hash == 0 ? NULL : old;
	return old->hash != 0 && old->time > young->time ? old : young;
}
