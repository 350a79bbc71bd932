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
struct rte_ring_zc_data;

struct updates {
	struct rte_ring *ring;
	struct rte_ring_zc_data *reserved;
	uint32_t element; /* bytes of one, by value_max */
	uint16_t value_max;
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

/* Takes room for `n` requests, or for as many as there is room: how many. The writer had that
 * memory last: it is fetched while the lcore does something else. [the lcore] */
unsigned updates_reserve(struct updates *updates, unsigned n);

/* Hands on requests, `n` being what was reserved; of a value over value_max only the length goes
 * with it. [the lcore] */
void updates_push(struct updates *updates, const struct update_request *requests, unsigned n);

/* Delivers at most `max` to the sink, and returns how many. [the writer] */
unsigned updates_pull(struct updates *updates, const struct update_sink *sink, unsigned max);

#endif
