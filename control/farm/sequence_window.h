/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which sequence numbers of one publisher were seen: a ring of bits. It accepts numbers in any
 * order, because history is read backwards. One thread.
 */
#ifndef SESSIOND_CONTROL_FARM_SEQUENCE_WINDOW_H
#define SESSIOND_CONTROL_FARM_SEQUENCE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sequence_window {
	uint64_t *bits;
	uint64_t mask; /* numbers that fit, minus 1 */
	bool begun;    /* `low` is set */
	uint64_t high; /* the highest that was seen */
	/* Every number up to it was seen, or given up, or is from before this node listened. */
	uint64_t low;
};

/* `numbers` is rounded up to a power of 2. 0 or -ENOMEM. */
int window_open(struct sequence_window *window, uint64_t numbers);
void window_close(struct sequence_window *window);
/* The publisher is at `number`; what follows is expected. Has no effect once a number was marked.
 */
void window_begin(struct sequence_window *window, uint64_t number);

/* Numbers up to this one are not missed. */
void window_skip(struct sequence_window *window, uint64_t number);

/* A number that is too old to be known counts as seen. */
bool window_seen(const struct sequence_window *window, uint64_t number);
void window_mark(struct sequence_window *window, uint64_t number);
/* Advances `low` over what was seen. */
void window_advance(struct sequence_window *window);
/* Advances `low` to before the next number that was seen, and at most to `limit`. Returns how many
 * numbers that gives up. */
uint64_t window_give_up(struct sequence_window *window, uint64_t limit);

#endif
