/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Requests by source, for `sessionctl top`: one in `one_in` is counted, and only while someone
 * watches. Counts are estimates: each sample counts for the requests that were skipped.
 */
#ifndef SESSIOND_DATAPLANE_TALKERS_H
#define SESSIOND_DATAPLANE_TALKERS_H

#include <stdbool.h>
#include <stdint.h>

#include <sessiond/request_event.h>

#include "common/address.h"
#include "dataplane/request.h"

/* Sources that are counted separately. A further source replaces the one with the smallest count
 * and takes over that count, so that a large sender is never missed. */
#define TALKERS_MAX 256

struct talker {
	struct address source;
	uint64_t gets, news, removes; /* requests, estimated; TAKEs are among the GETs */
	uint64_t hits;		      /* of the GETs */
	uint64_t drops; /* over --rate-limit, malformed, refused, or no place in a queue */
};

/* Events that wait to be read, at most; more are dropped. */
#define TALKERS_EVENTS 1024

struct talkers;

/* NULL if out of memory. */
struct talkers *talkers_create(void);
void talkers_destroy(struct talkers *talkers);

/* [main thread] Counts one in `one_in` requests from now on; 0: none, and discards all counts. */
void talkers_watch(struct talkers *talkers, unsigned one_in);
/* [main thread] Calls `found` for each source. Readers drop their samples meanwhile. */
void talkers_list(
	struct talkers *talkers, void (*found)(void *ctx, const struct talker *talker), void *ctx);

/* [main thread] From now on each sample whose outcome is known is also an event, or no longer. */
void talkers_observe(struct talkers *talkers, bool on);
/* [main thread] Calls `found` for the events since the last call. */
void talkers_events(struct talkers *talkers,
	void (*found)(void *ctx, const struct sessd_request_event *event), void *ctx);

/* Read by talkers_one_in on all readers, written by talkers_watch. */
struct talkers_rate {
	unsigned one_in; /* atomic */
};

/* [reader] One request in how many is to be counted; 0: none. */
static inline unsigned talkers_one_in(const struct talkers *talkers)
{
	return __atomic_load_n(&((const struct talkers_rate *)talkers)->one_in, __ATOMIC_RELAXED);
}

/* [reader] Counts a sample as `weight` requests; drops it if another thread holds the lock. */
void talkers_sample(struct talkers *talkers, const struct address *source, enum request_kind kind,
	const uint8_t *key, enum sessd_outcome outcome, unsigned weight);

/* [reader] Counts a sample as `weight` datagrams that were dropped. It is an event of which only
 * the source is known, unless it is `told` otherwise. */
void talkers_drop(
	struct talkers *talkers, const struct address *source, unsigned weight, bool told);

/* Whether this one is the one in `one_in`. `skipped` belongs to the reader. [reader] */
static inline bool talkers_due(unsigned one_in, unsigned *skipped)
{
	if (__builtin_expect(one_in == 0, 1) || ++*skipped < one_in)
		return false;
	*skipped = 0;
	return true;
}

/* [reader] Call for each datagram of a source that may ask, and that is dropped without a call of
 * talkers_count that says so. `told`: the writer has an event for it. */
static inline void talkers_lost(
	struct talkers *talkers, unsigned *skipped, const struct address *source, bool told)
{
	unsigned one_in = talkers_one_in(talkers);

	if (talkers_due(one_in, skipped))
		talkers_drop(talkers, source, one_in, told);
}

/* [reader] Call for each GET, NEW, REMOVE or TAKE. `skipped` belongs to the reader. `outcome`:
 * SESSD_OUTCOMES if it is not known here; `key` is of SESSD_KEY_SIZE bytes. */
static inline void talkers_count(struct talkers *talkers, unsigned *skipped,
	const struct address *source, enum request_kind kind, const uint8_t *key,
	enum sessd_outcome outcome)
{
	unsigned one_in = talkers_one_in(talkers);

	if (talkers_due(one_in, skipped))
		talkers_sample(talkers, source, kind, key, outcome, one_in);
}

#endif
