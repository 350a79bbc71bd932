/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * When sessions end: the expiry ring and SIEVE eviction, both over slot numbers. They know neither
 * keys nor values. All of it belongs to the writer thread. Memory is reserved at creation.
 */
#ifndef SESSIOND_LIFETIME_H
#define SESSIOND_LIFETIME_H

#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>

#define LIFETIME_NO_SLOT UINT32_MAX

struct lifetime;

/* `marks` are the visited marks, a byte a slot, set by readers. NULL with errno on failure. */
struct lifetime *lifetime_create(uint32_t capacity, uint8_t *marks, uint64_t now);
void lifetime_destroy(struct lifetime *lifetime);
size_t lifetime_reserved_bytes(uint32_t capacity);

/* A session was stored in `slot` and ends at tick `expires`, at most 65,536 s from `now`. O(1). */
void lifetime_add(struct lifetime *lifetime, uint32_t slot, uint64_t expires);
/* The session in `slot` went away before its time. O(1). */
void lifetime_remove(struct lifetime *lifetime, uint32_t slot);

/* The next session that has ended by tick `now`, taken off both lists, or LIFETIME_NO_SLOT when
 * there is none. `*budget` counts down the steps taken (list heads looked at and slots returned)
 * and LIFETIME_NO_SLOT is also returned when it reaches 0, so that a sweep can be cut anywhere and
 * goes on where it stopped. */
uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget);

/* The session to evict, taken off both lists: the oldest that was not visited since the hand last
 * passed, or, after a bounded number of steps, the one under the hand. LIFETIME_NO_SLOT if there
 * is no session at all. */
uint32_t lifetime_evict(struct lifetime *lifetime);

#endif
