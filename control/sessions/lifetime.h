/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * When sessions end: the expiry ring and the eviction, both over slot numbers. They know neither
 * keys nor values. All of it belongs to the writer thread. Memory is reserved at creation.
 *
 * Eviction. A new session is on probation. The oldest of a queue is examined when room is needed:
 * if it was visited it goes to the young end of the queue of proven ones and its mark is cleared,
 * else it is evicted. Room is taken from the queue in which a slot earns fewer visits, so that the
 * share of each follows the traffic: mostly proven sessions where the same clients come again and
 * again, mostly probation where clients come, resume a few times and leave for good. Before all
 * that go sessions that serve once and have served: TLS 1.3 clients use a ticket one time (RFC 8446
 * C.4). tests/bench/eviction.md compares this with other policies.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_LIFETIME_H
#define SESSIOND_CONTROL_SESSIONS_LIFETIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessiond/map_abi.h>
#include <sessiond/visited.h>

#define LIFETIME_NO_SLOT UINT32_MAX

struct lifetime;

/* `marks` are the visited marks (visited.h), which readers set. They must be
 * those of sessions that were added; what a free slot's mark is does not matter, but it must be
 * clear, or what it is to start from, when its session is added. NULL with errno on failure. */
struct lifetime *lifetime_create(uint32_t capacity, uint64_t *marks, uint64_t now);
void lifetime_destroy(struct lifetime *lifetime);
size_t lifetime_reserved_bytes(uint32_t capacity);

/* A session was stored in `slot` and ends at tick `expires`, at most 65,536 s from `now`. `once`:
 * after its first visit nobody will ask for it again. O(1). */
void lifetime_add(struct lifetime *lifetime, uint32_t slot, uint64_t expires, bool once);
/* Makes the order for eviction the order of ends, to a second: after the sessions of an earlier
 * daemon were added in no order, and before any was evicted. Takes no memory. */
void lifetime_order(struct lifetime *lifetime);
/* The session in `slot` went away before its time. O(1). */
void lifetime_remove(struct lifetime *lifetime, uint32_t slot);

/* From now on the sessions that are here count as from before the turn, and those that will be
 * added do not. There is one turn only: none from before the last may be left. O(1). */
void lifetime_turn(struct lifetime *lifetime);
/* Whether a session is one of those, and how many of them are left. */
bool lifetime_is_before_turn(const struct lifetime *lifetime, uint32_t slot);
uint32_t lifetime_before_turn(const struct lifetime *lifetime);

/* The next session that has ended by tick `now`, taken off both lists, or LIFETIME_NO_SLOT when
 * there is none. `*budget` counts down the steps taken (list heads looked at and slots returned)
 * and LIFETIME_NO_SLOT is also returned when it reaches 0, so that a sweep can be cut anywhere and
 * goes on where it stopped. */
uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget);

/* The session to evict, taken off both orders, as told above; after a bounded number of steps it is
 * the one that would be examined next, visited or not. LIFETIME_NO_SLOT if there is no session at
 * all. */
uint32_t lifetime_evict(struct lifetime *lifetime);

#endif
