/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Estimates how many of the sessions that were found were then resumed. A hit does not say it: a
 * server refuses a session of another context, for example, and makes a full handshake. What it
 * stores afterwards does:
 *
 *   TLS 1.3   A full handshake stores two sessions in one go, a resumption one. So NEWs of a source
 *             that come alone are resumptions, at most as many as sessions were used meanwhile.
 *   TLS 1.2   A resumption stores none. A used session counts as resumed unless a session of
 *             another context was stored within two seconds.
 *
 * Uses are those of the census: the readers are not asked for more. Sealed and opaque sessions are
 * left out. Servers that send one TLS 1.3 ticket instead of two are taken for resuming ones.
 *
 * At high rates NEWs of several handshakes come together by chance. With h handshakes a second,
 * and NEWs closer than w taken for one group, h * exp(-h * w) groups are left (gaps of a Poisson
 * process): the estimate solves this for h. The shorter of several w is taken the higher the rate;
 * with too many NEWs for the shortest, the estimate pauses. It also pauses while the writer has to
 * wait for its CPU, because NEWs that waited look as if they had come together.
 *
 * All of it belongs to the writer thread; other threads may read resumption_counts.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_RESUMPTION_H
#define SESSIOND_CONTROL_SESSIONS_RESUMPTION_H

#include <stdint.h>

#include "control/sessions/census.h"
#include "control/sessions/context_list.h"
#include "control/sessions/source_list.h"

/* Gaps that count as "in one go", in nanoseconds. */
#define RESUMPTION_WINDOWS 3

struct resumption_source {
	uint64_t last;			   /* ns, of the last NEW of TLS 1.3 */
	uint32_t news;			   /* of TLS 1.3, since the last tick */
	uint32_t near[RESUMPTION_WINDOWS]; /* of these, close behind the one before */
};

/* Seconds for which a use waits for the NEW that tells of it: a round trip to the client. */
#define RESUMPTION_WAIT 3

/* Contexts, and all others: what was counted of contexts that are gone is no news. */
#define RESUMPTION_PLACES (CONTEXT_OTHERS + 1)

/* Zero-initialise it. */
struct resumption {
	struct resumption_source sources[SOURCE_LIST_SIZE];
	uint64_t used13[RESUMPTION_WAIT]; /* by age in ticks */
	double single13[RESUMPTION_WAIT];
	double carried; /* a part of a resumption */
	uint32_t used12[RESUMPTION_WAIT][RESUMPTION_PLACES];
	uint32_t news12[RESUMPTION_WAIT][RESUMPTION_PLACES];
	/* Totals of the census at the last tick. */
	uint64_t was_used13, was_used12[RESUMPTION_PLACES], was_stored12[RESUMPTION_PLACES];
	uint64_t paused; /* ticks left */
	/* Since the start; atomic. */
	uint64_t resumed, refused;
	uint64_t pausing; /* atomic: 1 while nothing is estimated */
};

struct resumption_counts {
	uint64_t resumed; /* sessions used, and probably resumed */
	uint64_t refused; /* sessions used, and probably followed by a full handshake */
	uint64_t pausing; /* 1 while nothing is estimated */
};

/* A session was stored; `ns` is any monotonic time. `source` is its place in the source list. */
void resumption_new(
	struct resumption *resumption, enum session_kind kind, uint8_t source, uint64_t ns);
/* NEWs since the last tick did not come when they were seen: leaves TLS 1.3 out for some ticks. */
void resumption_pause(struct resumption *resumption);
/* A wait for the CPU after which NEWs are taken for ones that came together, in ns: half of the
 * shortest gap. */
#define RESUMPTION_HELD_NS 100000

/* Call it once a second, with the census's rows in place. */
void resumption_tick(struct resumption *resumption, const struct census *census);
/* After adoption: what was used before is no use now. */
void resumption_begin(struct resumption *resumption, const struct census *census);
/* Any thread. */
struct resumption_counts resumption_counts(const struct resumption *resumption);

#endif
