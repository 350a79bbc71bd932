/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What readers of all modes share: counters, samples of dropped datagrams, --rate-limit, counts by
 * source for `sessionctl top`, and the admission of a datagram. [reader]: only on the thread that
 * owns the reader.
 */
#ifndef SESSIOND_DATAPLANE_READER_H
#define SESSIOND_DATAPLANE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"
#include "dataplane/drop_sample.h"
#include "dataplane/engine.h"
#include "dataplane/rate_limit.h"
#include "dataplane/request.h"
#include "dataplane/talkers.h"
#include "dataplane/udp.h"

/* Kinds of requests that are counted by source: one bit per enum request_kind. */
#define READER_TALKERS_ALL  (~0U)
#define READER_TALKERS_GETS (1U << REQUEST_GET | 1U << REQUEST_TAKE)

/* Shared by the readers of an engine. */
struct reader_shared {
	struct rate_limit *limit; /* NULL: none */
	struct talkers *talkers;
	unsigned talkers_of;   /* READER_TALKERS_... */
	bool no_take;	       /* --take no: a TAKE is a message of unknown type */
	unsigned lost_skipped; /* of reader_shared_lost */
};

/* Limits are in requests per second and source; 0: no limit. 0, or -ENOMEM with nothing left to
 * close. */
int reader_shared_open(struct reader_shared *shared, uint32_t limit_gets, uint32_t limit_news,
	unsigned talkers_of, bool take);
/* Changes the limits. Then call reader_follow for each reader. 0, or -ENOMEM with nothing changed,
 * which cannot happen if there has been a limit before. Main thread. */
int reader_shared_set_limits(
	struct reader_shared *shared, uint32_t limit_gets, uint32_t limit_news);
/* A zeroed struct is allowed. */
void reader_shared_close(struct reader_shared *shared);

/* Counts a NEW of this source that was refused, if somebody watches. Writer thread. */
static inline void reader_shared_lost(struct reader_shared *shared, const struct address *source)
{
	talkers_lost(shared->talkers, &shared->lost_skipped, source, true);
}

/* State of one reader; its thread alone writes it. */
struct reader {
	struct reader_shared shared; /* a copy; `limit` is set by the main thread */
	unsigned talkers_skipped;
	struct request_counters counters;
	struct drop_sampler samples;
};

static inline void reader_init(struct reader *reader, const struct reader_shared *shared)
{
	*reader = (struct reader){.shared = *shared};
}

/* After reader_shared_set_limits: makes a running reader heed limits that are the first. */
static inline void reader_follow(struct reader *reader, const struct reader_shared *shared)
{
	__atomic_store_n(&reader->shared.limit, shared->limit, __ATOMIC_RELEASE);
}

/* NULL: there has never been a limit. [reader] */
static inline struct rate_limit *reader_limit(const struct reader *reader)
{
	return __atomic_load_n(&reader->shared.limit, __ATOMIC_ACQUIRE);
}

/* Counts a dropped datagram by its kind, as request_count_drop does, and samples a malformed or
 * refused one for the log; counts a malformed one by source. `now`: tick. [reader] */
void reader_drop(struct reader *reader, enum request_kind kind, const struct udp_datagram *datagram,
	uint64_t now);

/* Whether a GET, NEW, REMOVE or TAKE is within --rate-limit; counts it if not. Only if there is a
 * limit. [reader] */
bool reader_take_token(
	struct reader *reader, enum request_kind kind, const struct address *source, uint64_t now);

/* What a datagram is; a TAKE is of unknown type with --take no. [reader] */
static inline enum request_kind reader_classify(
	const struct reader *reader, const void *datagram, size_t length)
{
	enum request_kind kind = request_classify(datagram, length);

	return kind == REQUEST_TAKE && reader->shared.no_take ? REQUEST_TYPE : kind;
}

/* Counts a request by source, if somebody watches. `outcome`: SESSD_OUTCOMES if it is not known
 * here. [reader] */
static inline void reader_watch(struct reader *reader, enum request_kind kind,
	const struct address *source, const void *datagram, enum sessd_outcome outcome)
{
	if (reader->shared.talkers_of >> kind & 1)
		talkers_count(reader->shared.talkers, &reader->talkers_skipped, source, kind,
			((const struct sessd_header *)datagram)->key, outcome);
}

/* Counts a drop by source, if somebody watches: of a datagram that reader_watch counted as a
 * request, or of a malformed one. [reader] */
static inline void reader_lost(struct reader *reader, const struct address *source)
{
	talkers_lost(reader->shared.talkers, &reader->talkers_skipped, source, false);
}

/* Call it for each GET or TAKE that reader_admit let pass. `hit`: the reply is OK. [reader] */
static inline void reader_answered(struct reader *reader, enum request_kind kind,
	const struct address *source, const void *datagram, bool hit)
{
	reader_watch(reader, kind, source, datagram, hit ? SESSD_OUTCOME_HIT : SESSD_OUTCOME_MISS);
}

/* Checks a datagram against allow list, message format and rate limit. Returns REQUEST_GET,
 * REQUEST_NEW, REQUEST_REMOVE or REQUEST_TAKE if it is to be served; any other kind was dropped and
 * counted. [reader] */
static inline enum request_kind reader_admit(struct reader *reader, const struct allow_list *allow,
	const struct udp_datagram *datagram, uint64_t now)
{
	enum request_kind kind = REQUEST_REFUSED;

	if (allow_list_contains(allow, &datagram->source))
		kind = reader_classify(reader, datagram->data, datagram->length);
	if (__builtin_expect(request_is_dropped(kind), 0)) {
		reader_drop(reader, kind, datagram, now);
		return kind;
	}
	if (__builtin_expect(reader_limit(reader) != NULL, 0) &&
		!reader_take_token(reader, kind, &datagram->source, now)) {
		if (reader->shared.talkers_of >> kind & 1)
			reader_watch(reader, kind, &datagram->source, datagram->data,
				SESSD_OUTCOME_DROPPED);
		else
			reader_lost(reader, &datagram->source);
		return REQUEST_REFUSED;
	}
	if (kind == REQUEST_NEW || kind == REQUEST_REMOVE)
		reader_watch(reader, kind, &datagram->source, datagram->data, SESSD_OUTCOMES);
	return kind;
}

/* Emits each counter under `prefix` and its name. */
void reader_emit(
	const struct request_counters *counters, const char *prefix, stats_emit emit, void *ctx);

#endif
