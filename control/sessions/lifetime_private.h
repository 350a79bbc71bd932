/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Both orders of the sessions, by end and by age, are circular doubly linked lists of slot numbers
 * with a head each: 16 bytes per session, on one cache line, and three bits of flags elsewhere.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_LIFETIME_PRIVATE_H
#define SESSIOND_CONTROL_SESSIONS_LIFETIME_PRIVATE_H

#include "control/sessions/lifetime.h"

enum queue {
	PROBATION,
	PROVEN,
	QUEUES
};

/* Flags of a session. */
enum flag {
	FLAG_ONCE,
	FLAG_PROVEN,
	FLAG_TURN,
	FLAGS
};

/* Of 64 sessions, a bit for each. */
struct flags {
	uint64_t of[FLAGS];
};

struct link {
	uint32_t next, prev;
};

struct node {
	struct link end; /* a list of the ring; numbers from `capacity` on are heads of lists */
	struct link age; /* next is younger, prev is older; `capacity` + queue is its head */
};

_Static_assert(sizeof(struct node) == 16, "four sessions a cache line");

struct lifetime {
	struct node *nodes; /* capacity + QUEUES */
	struct link *heads; /* LISTS + 1 */
	uint64_t *marks;
	struct flags *flags;
	uint64_t next; /* the list to sweep next */
	bool turn;     /* FLAG_TURN of sessions added now */
	uint32_t capacity;
	uint32_t count;
	uint32_t before_turn;	 /* sessions from before the turn */
	uint32_t queued[QUEUES]; /* sessions in each */
	uint32_t once;		 /* sessions with FLAG_ONCE */
	uint32_t scan; /* where the search for a used single-use session continues; a multiple of 8
			*/
	uint32_t evictions;	 /* since `visits` were halved */
	uint64_t visits[QUEUES]; /* visited sessions found in each; halved over time */
};

static inline bool flag_is_set(const struct lifetime *lifetime, enum flag flag, uint32_t slot)
{
	return lifetime->flags[slot / 64].of[flag] >> slot % 64 & 1;
}

static inline void flag_set(struct lifetime *lifetime, enum flag flag, uint32_t slot, bool on)
{
	uint64_t *word = &lifetime->flags[slot / 64].of[flag];

	*word = (*word & ~(1ULL << slot % 64)) | (uint64_t)on << slot % 64;
}

/* Empties the probation queue, which has all sessions; then appends them again: each chain of
 * sessions that are linked by age, `first` to `last`. */
void eviction_reset(struct lifetime *lifetime);
void eviction_append(struct lifetime *lifetime, uint32_t first, uint32_t last);
/* The eviction's part of adding and removing a session. */
void eviction_add(struct lifetime *lifetime, uint32_t slot, bool once);
void eviction_add_oldest(struct lifetime *lifetime, uint32_t slot, bool once);
void eviction_remove(struct lifetime *lifetime, uint32_t slot);

#endif
