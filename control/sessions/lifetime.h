/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * When sessions end: the expiry and the eviction, over slot numbers; they know neither keys nor
 * values. Only the writer thread uses it. Memory is reserved at creation.
 *
 * Eviction. A new session is on probation. When room is needed, the oldest session of a queue is
 * examined: if it was visited, its mark is cleared and it moves to the young end of the proven
 * queue, else it is evicted. Room is taken from the queue with fewer visits per slot, so that the
 * share of each queue follows the traffic: mostly proven sessions where the same clients come again
 * and again, mostly probation where clients come, resume a few times and never return. Used
 * single-use sessions are evicted before all others: TLS 1.3 clients use a ticket once (RFC 8446
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

/* `marks` are the visited marks (visited.h), which readers set. The mark of a free slot is ignored;
 * set it to its initial value, normally clear, before the slot's session is added. NULL with errno
 * on failure. */
struct lifetime *lifetime_create(uint32_t capacity, uint64_t *marks, uint64_t now);
void lifetime_destroy(struct lifetime *lifetime);
size_t lifetime_reserved_bytes(uint32_t capacity);

/* A session was stored in `slot` and ends at tick `expires`, at most 65,536 s from `now`. `once`:
 * no client asks for it again after its first visit. O(1). */
void lifetime_add(struct lifetime *lifetime, uint32_t slot, uint64_t expires, bool once);
/* The same for a session that is older than all others: it is the next to be examined. */
void lifetime_add_oldest(struct lifetime *lifetime, uint32_t slot, uint64_t expires, bool once);
/* A session is soon added in `slot`. */
void lifetime_prefetch(const struct lifetime *lifetime, uint32_t slot);
/* Sorts the eviction order by end, to a second. Call it after adopted sessions were added in any
 * order and before the first eviction. Allocates nothing. */
void lifetime_order(struct lifetime *lifetime);
/* The session in `slot` was deleted before its end. O(1). */
void lifetime_remove(struct lifetime *lifetime, uint32_t slot);

/* Marks the current sessions as from before the turn; sessions added later are not. There is only
 * one turn: no session from before the previous one may be left. O(1). */
void lifetime_turn(struct lifetime *lifetime);
/* Whether a session is from before the turn, and how many such sessions are left. */
bool lifetime_is_before_turn(const struct lifetime *lifetime, uint32_t slot);
uint32_t lifetime_before_turn(const struct lifetime *lifetime);

/* The end of the session in `slot`. One that ended before a pause of days may be said to have ended
 * later. */
uint64_t lifetime_end(const struct lifetime *lifetime, uint32_t slot);

/* A session that has ended by tick `now`, taken off its queue, or LIFETIME_NO_SLOT if there is none
 * among the slots whose turn it is. Called again and again, it looks at each slot in use once a
 * second: it returns a session at most 1.07 s after its end if the calls are at most 0.06 s apart,
 * and otherwise later by as much as they are farther apart. `*budget` counts down the steps: at
 * most 4096 slots each, up to the session returned. LIFETIME_NO_SLOT is also returned when it
 * reaches 0, so that a sweep can stop anywhere and continue there. Without sessions it looks at no
 * slot. */
uint32_t lifetime_expire(struct lifetime *lifetime, uint64_t now, unsigned *budget);

/* A session that has ended, taken off its queue before its slot's turn: for a caller that needs
 * room now. LIFETIME_NO_SLOT if none is among the next 4096 slots, and then until a sweep finds
 * one. */
uint32_t lifetime_expire_ahead(struct lifetime *lifetime, uint64_t now);

/* The session to evict by the rule above, taken off both orders; after a bounded number of steps it
 * is the one that would be examined next, visited or not. LIFETIME_NO_SLOT if there is no
 * session. */
uint32_t lifetime_evict(struct lifetime *lifetime);

#endif
