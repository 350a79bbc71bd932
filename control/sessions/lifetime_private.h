/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Of each slot: the end, and the links of the eviction's queues, which are circular doubly linked
 * lists of slot numbers with a head each. That is 12 bytes, and three bits of flags.
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

/* `next` is younger, `prev` is older; `capacity` + queue is its head. */
struct link {
	uint32_t next, prev;
};

/* The end of a free slot. */
#define NO_END 0U

struct lifetime {
	struct link *links; /* capacity + QUEUES */
	/* The lower half of each end, less `skipped`. NO_END up to a whole block. */
	uint32_t *ends;
	uint32_t *heads; /* of lifetime_order's lists */
	uint64_t *marks;
	struct flags *flags;
	uint64_t seen;	  /* the latest tick known of */
	uint64_t skipped; /* ticks of long pauses by which stored ends are early */
	uint64_t next;	  /* tick of the next slice of a round */
	unsigned slice;	  /* slices of this round so far */
	uint32_t at;	  /* block of slots to look at next */
	uint32_t until;	  /* blocks from here on are not to be looked at yet */
	uint32_t ahead;	  /* block to look at next by lifetime_expire_ahead */
	bool finding;	  /* which found one the last time */
	bool likely;	  /* and is likely to find one now */
	uint32_t used;	  /* slots from here on are free */
	bool turn;	  /* FLAG_TURN of sessions added now */
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
