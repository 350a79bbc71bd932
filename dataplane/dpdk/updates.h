/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * NEWs and REMOVEs on their way from the lcores to the writer: an rte_ring for each lcore, so that
 * each has one producer and one consumer, whose elements are written and read in place.
 */
#ifndef SESSIOND_DPDK_UPDATES_H
#define SESSIOND_DPDK_UPDATES_H

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

struct rte_ring;

struct updates {
	struct rte_ring *ring;
	uint32_t element; /* bytes of one, by value_max */
	uint16_t value_max;
};

/* `depth` is a power of 2. 0, or -ENOMEM with error_message() set. */
int updates_open(
	struct updates *updates, unsigned lcore, int socket, uint32_t depth, uint16_t value_max);
void updates_close(struct updates *updates);

/* Hands on a request of REQUEST_NEW or REQUEST_REMOVE; of a value over value_max only the length
 * goes with it. False if the ring is full. [the lcore] */
bool updates_push(struct updates *updates, const struct sessd_header *request, size_t len);

/* Delivers at most `max` to the sink, and returns how many. [the writer] */
unsigned updates_pull(struct updates *updates, const struct update_sink *sink, unsigned max);

#endif
