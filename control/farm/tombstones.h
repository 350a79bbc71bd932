/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Keys that were removed, and when: for NEWs that arrive after the REMOVE that followed them. A
 * 64-bit hash of the key stands for it. One thread.
 */
#ifndef SESSIOND_CONTROL_FARM_TOMBSTONES_H
#define SESSIOND_CONTROL_FARM_TOMBSTONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/protocol.h>

struct tombstone {
	uint64_t hash;	   /* 0: a free place */
	int64_t time;	   /* of the removal, microseconds of CLOCK_MONOTONIC */
	uint64_t sequence; /* of the entry with the REMOVE */
	uint32_t run;	   /* who removed it: number of a publisher */
};

/* Two generations: what was added stays for one to two rotations. */
struct tombstones {
	struct tombstone_table {
		struct tombstone *places;
		size_t mask, used;
	} young, old;
	size_t most; /* places of a table, a power of 2 */
	uint64_t seed[2];
};

/* `most`: keys to remember at most, in each generation. 0 or -ENOMEM. */
int tombstones_open(struct tombstones *stones, size_t most);
void tombstones_close(struct tombstones *stones);

/* Never fails: if there is no room, the older generation is forgotten. */
void tombstones_add(struct tombstones *stones, const uint8_t key[SESSD_KEY_SIZE],
	const struct tombstone *stone);
/* NULL: none is known. Valid until the next call. */
const struct tombstone *tombstones_find(
	const struct tombstones *stones, const uint8_t key[SESSD_KEY_SIZE]);
/* Forgets the older generation, and begins a new one. */
void tombstones_rotate(struct tombstones *stones);

#endif
