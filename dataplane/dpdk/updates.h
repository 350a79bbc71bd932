/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * NEWs and REMOVEs on their way from the lcores to the writer: a ring for each lcore, so that each
 * has one producer and one consumer, whose elements are written and read in place.
 *
 * Each side keeps what it last saw of the other's index and looks again only when that is used up:
 * where the two CPUs share no cache, a look costs as much as some ten packets.
 */
#ifndef SESSIOND_DATAPLANE_DPDK_UPDATES_H
#define SESSIOND_DATAPLANE_DPDK_UPDATES_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/engine.h"

struct updates {
	/* Constant. */
	uint8_t *elements __attribute__((aligned(64)));
	uint32_t depth;	  /* a power of 2 */
	uint32_t element; /* bytes of one, by value_max */
	uint16_t value_max;

	/* The lcore's. Indices count up and wrap. */
	uint32_t given __attribute__((aligned(64))); /* atomic: so many are the writer's to take */
	uint32_t seen_taken;

	/* The writer's. */
	uint32_t taken __attribute__((aligned(64))); /* atomic: so many are the lcore's again */
	uint32_t seen_given;
};

/* `depth` is a power of 2. 0, or -ENOMEM with error_message() set. */
int updates_open(
	struct updates *updates, unsigned lcore, int socket, uint32_t depth, uint16_t value_max);
void updates_close(struct updates *updates);

/* A request of REQUEST_NEW or REQUEST_REMOVE, of `len` bytes. */
struct update_request {
	const struct sessd_header *request;
	uint32_t len;
};

/* Where a burst of NEWs may not find room by what is known: has fetched meanwhile how much the
 * writer has taken, which it tells from its own core. [the lcore] */
static inline void updates_look(const struct updates *updates, unsigned burst)
{
	if (updates->depth - (updates->given - updates->seen_taken) < burst)
		__builtin_prefetch(&updates->taken);
}

/* Finds room for `n` requests, or for as many as there is room: how many. The writer had that
 * memory last: it is fetched while the lcore does something else. [the lcore] */
unsigned updates_reserve(struct updates *updates, unsigned n);

/* Hands on requests, no more than there was room for; of a value over value_max only the length
 * goes with it. [the lcore] */
void updates_push(struct updates *updates, const struct update_request *requests, unsigned n);

/* Delivers at most `max` to the sink, and returns how many. [the writer] */
unsigned updates_pull(struct updates *updates, const struct update_sink *sink, unsigned max);

/* How many are on their way. [any] */
unsigned updates_waiting(const struct updates *updates);

#endif
