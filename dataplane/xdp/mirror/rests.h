/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The rests of long values in the blocks of the overflow map (map_abi.h): which are in use, and
 * whose. A new rest takes the lowest number that is free, so that few blocks are needed. Writer
 * thread only.
 *
 * The rest of another session in the block may be read while the block is stored again: the kernel
 * replaces the element, and the guard says if it was reused meanwhile.
 */
#ifndef SESSIOND_DATAPLANE_XDP_MIRROR_RESTS_H
#define SESSIOND_DATAPLANE_XDP_MIRROR_RESTS_H

#include <stdbool.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

#include "dataplane/xdp/mirror/rest_reader.h"

struct rests;

/* `fd`: the overflow map, which stays the caller's and has max_entries blocks. `slots`: one more
 * than the highest slot. NULL if out of memory. */
struct rests *rests_create(int fd, uint16_t value_max, uint32_t slots);
void rests_destroy(struct rests *rests); /* NULL is allowed */
/* Memory that rests_create takes at most, once all sessions are long. Bytes. */
uint64_t rests_bytes(uint32_t blocks, uint16_t value_max, uint32_t slots);
struct rest_reader *rests_reader(struct rests *rests);

/* A rest to store. */
struct rest_put {
	struct sessd_entry *entry; /* gets the number */
	const void *rest;	   /* SESSD_REST_SIZE(value_max) bytes */
	uint32_t slot;
	bool refused; /* set by rests_store; the slot may have a number then, too: to be freed */
	uint8_t at;   /* used by rests.c */
};
void rests_store(struct rests *rests, struct rest_put *puts, unsigned count);

/* The number of the slot's rest is returned, and is no longer the slot's. False if it has none. */
bool rests_take(struct rests *rests, uint32_t slot, uint32_t *number);
/* Frees a number from rests_take: its session is no longer in the map. Call rests_settle before the
 * next rests_store. */
void rests_free(struct rests *rests, uint32_t number);
/* Deletes the blocks in which no rest is left. */
void rests_settle(struct rests *rests);
/* Retries some deletes that the kernel refused. */
void rests_retry(struct rests *rests);

/* Adoption: a session in the map has this rest. False if it cannot be so. From the first call to
 * rests_drop_orphans no block is deleted: sessions that are met later may have rests in it. */
bool rests_adopt(struct rests *rests, uint32_t slot, uint32_t number);
/* Deletes the blocks of which rests_adopt has adopted no rest. */
void rests_drop_orphans(struct rests *rests);

#endif
