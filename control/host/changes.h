/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Two readings of a list, and what changed from one to the other. The order of a list does not
 * matter, nor how often something is in it; items are compared byte by byte.
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

/* All zero but for `size` at the beginning. */
struct changes {
	size_t size;		       /* bytes of an item */
	struct changes_list told, now; /* the last reading, sorted; the new one */
	bool failed;		       /* no memory for an item of the new one */
	bool came;		       /* what went was told */
	size_t at_told, at_now;	       /* told up to here */
};

/* Begins a new reading. */
void changes_begin(struct changes *changes);
void changes_add(struct changes *changes, const void *item);
/* It is whole: 0, or -ENOMEM if an item of it is missing. */
int changes_end(struct changes *changes);
/* Calls `changed` for each item that went, then for each that came, at most `limit` times. True if
 * there is more to tell. */
bool changes_tell(struct changes *changes, unsigned limit,
	void (*changed)(void *ctx, const void *item, bool present), void *ctx);
void changes_free(struct changes *changes);

#endif
