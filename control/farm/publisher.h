/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Collects records into batches, seals them, and keeps them until the engines have them. It knows
 * nothing of connections. One thread.
 */
#ifndef SESSIOND_CONTROL_FARM_PUBLISHER_H
#define SESSIOND_CONTROL_FARM_PUBLISHER_H

#include "control/farm/farm_seal.h"

#define PUBLISHER_SLOTS	   1024 /* sealed batches that wait, at most */
#define PUBLISHER_CLOSE_US 1000 /* batches that are not full are at least so far apart */
/* Batches that one full set of ENTRY_RECORDS_MAX records may need, because of their size. */
#define PUBLISHER_SPREAD 10
#define PUBLISHER_BLOCKS 64

struct publisher_slot {
	uint32_t size;
	uint32_t seconds_max;
	uint16_t records, sessions;
	uint8_t entry[ENTRY_MAX];
};

struct publisher {
	const struct farm_seal_tools *tools;
	const struct farm_ring *ring; /* may change */
	uint16_t value_max;
	struct entry_header header; /* its sequence is that of the last sealed batch */
	struct farm_subkey subkey;
	struct batch *batch;
	uint64_t sealed; /* when the last batch was, microseconds */
	uint64_t opened; /* when this one got its first record */
	struct publisher_slot *slots;
	uint64_t oldest; /* sequence of the oldest batch that is kept */
	uint32_t seconds_max;
	/* How many entries hold the last `capacity` sessions: for each 64th of them. */
	uint64_t blocks[PUBLISHER_BLOCKS];
	unsigned block;		/* in use */
	unsigned blocks_filled; /* at most PUBLISHER_BLOCKS */
	uint32_t block_sessions, block_size;
	uint64_t batches, records, sessions, too_long;
};

/* 0 or -ENOMEM with error_message() set. */
int publisher_open(struct publisher *publisher, const struct farm_seal_tools *tools,
	const struct farm_ring *ring, const char *node, const uint8_t boot[ENTRY_BOOT],
	uint32_t capacity, uint16_t value_max);
void publisher_close(struct publisher *publisher);

/* Whether PUBLISHER_SPREAD batches fit besides those that engines still need. */
bool publisher_has_room(const struct publisher *publisher);
/* Only after publisher_has_room, for at most ENTRY_RECORDS_MAX records. False: it is none, or too
 * long. */
bool publisher_add(struct publisher *publisher, const struct farm_record *record, uint64_t now);
/* Seals what has been collected, if anything. */
void publisher_seal(struct publisher *publisher, uint64_t now);

uint64_t publisher_last(const struct publisher *publisher); /* sequence; 0: none yet */
/* `sequence` is from publisher->oldest to publisher_last. */
const struct publisher_slot *publisher_slot(const struct publisher *publisher, uint64_t sequence);
/* Engines need only later ones. */
void publisher_release(struct publisher *publisher, uint64_t sequence);

/* Entries that a stream must keep, if it had `before` entries of earlier runs. */
uint64_t publisher_keep(const struct publisher *publisher, uint64_t before);

#endif
