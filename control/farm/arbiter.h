/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The arbiter of TAKEs: of all caches of a farm, one gets a session. Each key has one engine that
 * decides, and never another. Only the farm's thread uses this.
 *
 *   sd:FARM:t:NAME  SET node NX GET: nil to the first, who has won. NAME is a MAC of the key. It
 *                   stays for as long as the session could live at any cache.
 *   sd:FARM:take    what the caches must agree on, for all to choose the same engine: a MAC of the
 *                   engines' addresses, by the key of farm-key that also makes the NAMEs; and a
 *                   random number. The first cache sets it; it ends 60 s after the last cache that
 * agrees was there. A cache that differs asks nothing. So no two that differ ever ask within 60 s,
 * and what one took has reached the other by then.
 *
 * Nor does anybody ask while a cache is alive that answers TAKEs without asking (--take local).
 *
 * An engine that lost its memory, which the random number shows, is not asked for the window
 * (FARM_TAKE_WINDOW_SECONDS).
 */
#ifndef SESSIOND_CONTROL_FARM_ARBITER_H
#define SESSIOND_CONTROL_FARM_ARBITER_H

#include "control/farm/engine_link.h"
#include "control/farm/farm.h"
#include "control/farm/farm_seal.h"
#include "dataplane/take_queue.h"

/* Questions without a decision, of all readers together; a power of 2. */
#define ARBITER_ASKS  1024
#define ARBITER_NAME  (2 * FARM_TAKE_NAME + 1) /* in hex, with its NUL */
#define ARBITER_LEASE (ARBITER_NAME + 16)      /* what to agree on, and the random number */

/* A question on its way. */
struct arbiter_ask {
	struct take_queue *queue;
	uint32_t place;
	uint8_t engine;
	bool decided;
	uint64_t deadline;
};

struct arbiter {
	struct take_queues *queues; /* NULL: TAKEs ask nobody */
	uint64_t window;	    /* microseconds */
	/* Questions by number; asks[number % ARBITER_ASKS]. Before `first` all are decided. */
	struct arbiter_ask asks[ARBITER_ASKS];
	uint64_t first, next;
	unsigned order[FARM_ENGINES_MAX]; /* engines by address: the same at all caches */
	unsigned count;
	char views[KEY_FILE_KEYS_MAX][ARBITER_NAME]; /* what to agree on, a key of the ring each */
	unsigned view_count;
	struct farm_takes counts;
};

/* An engine as arbiter. Times are microseconds of CLOCK_MONOTONIC. */
struct arbiter_engine {
	struct engine_link link; /* its own: a TAKE must not wait behind batches */
	bool known;		 /* the process behind this connection */
	char run_id[48];
	uint64_t usable;	 /* from then on it is asked */
	char held[ARBITER_NAME]; /* what the caches agreed on there last; "": not known yet */
	char offered[ARBITER_LEASE], lease[ARBITER_LEASE]; /* last sent; last read */
	uint64_t confirmed; /* when it was read on this connection; 0: not yet */
	uint64_t seen;	    /* when ours was there last; 0: not since this process started */
	uint64_t next;	    /* when to look again */
};

#endif
