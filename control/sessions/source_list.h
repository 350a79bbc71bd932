/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Who made the sessions: a bounded list of addresses, referred to by a byte. Writer thread.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_SOURCE_LIST_H
#define SESSIOND_CONTROL_SESSIONS_SOURCE_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

#define SOURCE_LIST_SIZE 256
/* The place of unknown sources, and of those that find no place. */
#define SOURCE_UNKNOWN 0

struct source_place {
	struct address address; /* zeros at SOURCE_UNKNOWN */
	uint64_t sessions;	/* now */
	uint64_t stored;	/* since the start */
	uint64_t used;		/* of these, asked for at least once */
	/* How often another source, or the same one, was given its sessions: estimates, and only of
	 * the time in which somebody looked. */
	uint64_t elsewhere, home;
};

struct source_list {
	unsigned count;	   /* places in use or used before; SOURCE_UNKNOWN is always */
	uint8_t near[256]; /* by a hash of the address: the place found last */
	struct source_place places[SOURCE_LIST_SIZE];
};

/* The place of an address, for a session of it; NULL is allowed. A source without sessions gives
 * way to a new one, and its counts go to SOURCE_UNKNOWN. Release it when the session ends. */
uint8_t source_list_take(struct source_list *list, const struct address *source);
void source_list_release(struct source_list *list, uint8_t place);

/* A session of this place was given to `by`, `weight` times; a wildcard is nobody known. */
void source_list_given(
	struct source_list *list, uint8_t place, const struct address *by, unsigned weight);

/* Writes the places that ever stored a session, most stored first. Returns how many. */
unsigned source_list_rows(
	const struct source_list *list, struct source_place rows[SOURCE_LIST_SIZE]);

#endif
