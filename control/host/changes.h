/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The changes between two readings of a list. Order and duplicates do not matter; items are
 * compared byte by byte.
 */
#ifndef SESSIOND_CONTROL_HOST_CHANGES_H
#define SESSIOND_CONTROL_HOST_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct changes_list {
	uint8_t *items;
	size_t count, room;
};

/* Initialise to zero except `size`. */
struct changes {
	size_t size;		       /* bytes of an item */
	struct changes_list told, now; /* the last reading, sorted; the new one */
	bool failed;		       /* out of memory for an item of the new one */
	bool came;		       /* removed items were reported */
	size_t at_told, at_now;	       /* reported up to here */
};

/* Begins a new reading. */
void changes_begin(struct changes *changes);
void changes_add(struct changes *changes, const void *item);
/* Ends the reading. 0, or -ENOMEM if an item of it is missing. */
int changes_end(struct changes *changes);
/* Calls `changed` for each removed item, then for each added one, at most `limit` times. True if
 * there are more. */
bool changes_tell(struct changes *changes, unsigned limit,
	void (*changed)(void *ctx, const void *item, bool present), void *ctx);
void changes_free(struct changes *changes);

#endif
