/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the farm has the writer note beside the sessions (engine.h), so that the next daemon reads
 * only what it missed. The farm's thread offers it; the writer writes it once the table holds what
 * was passed on before. The memory has two copies: one is whole whenever the daemon is killed.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_FARM_NOTES_H
#define SESSIOND_CONTROL_SESSIONS_FARM_NOTES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/farm/farm.h"

struct farm_notes {
	struct notes_memory *memory; /* NULL: there is none */
	size_t room;		     /* bytes of each copy */
	atomic_bool offered;	     /* the rest is the writer's */
	uint64_t at;		     /* of the ring of records: what came before must be stored */
	size_t size;
	uint8_t bytes[FARM_NOTES_MAX];
};

/* `memory` is the engine's, of `size` bytes, or NULL. */
void farm_notes_open(struct farm_notes *notes, void *memory, size_t size);
/* What was noted last, or NULL; valid until the writer writes. */
const void *farm_notes_read(const struct farm_notes *notes, size_t *size);
/* Offers bytes, which are copied. False: there is no memory, it does not fit, or the last ones were
 * not written yet. [farm's thread] */
bool farm_notes_offer(struct farm_notes *notes, const void *bytes, size_t size, uint64_t at);
/* Writes what was offered. [writer] */
void farm_notes_write(struct farm_notes *notes);

static inline bool farm_notes_offered(const struct farm_notes *notes)
{
	return atomic_load_explicit(&notes->offered, memory_order_acquire);
}

#endif
