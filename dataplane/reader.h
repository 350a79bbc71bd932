/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a reader has in every mode: its counters, its samples of dropped datagrams, --rate-limit,
 * the counts by source for `sessionctl top`, and with these the admission of a datagram.
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

/* Kinds of requests that are counted by source: a bit for each enum request_kind. */
#define READER_TALKERS_ALL  (~0U)
#define READER_TALKERS_GETS (1U << REQUEST_GET | 1U << REQUEST_TAKE)
#define READER_TALKERS_NONE 0

/* What the readers of an engine share. */
struct reader_shared {
	struct rate_limit *limit; /* NULL: none */
	struct talkers *talkers;  /* NULL: sources are not counted */
	unsigned talkers_of;	  /* READER_TALKERS_... */
	bool no_take;		  /* --take no: a TAKE is a message of unknown type */
};

/* Makes what is needed for so many requests a second and source; 0: no limit to these. 0, or
 * -ENOMEM with nothing left to close. */
int reader_shared_open(struct reader_shared *shared, uint32_t limit_gets, uint32_t limit_news,
	unsigned talkers_of, bool take);
/* One of zeros is allowed. */
void reader_shared_close(struct reader_shared *shared);

/* A reader's own, which one thread writes. */
struct reader {
	struct reader_shared shared; /* a copy */
	unsigned talkers_skipped;
	struct request_counters counters;
	struct drop_sampler samples;
};

static inline void reader_init(struct reader *reader, const struct reader_shared *shared)
{
	*reader = (struct reader){.shared = *shared};
}

/* Drops a datagram: counts it by its kind, as request_count_drop, and leaves a sample of a
 * malformed or refused one for the log. [reader] */
void reader_drop(struct reader *reader, enum request_kind kind, const struct udp_datagram *datagram,
	uint64_t now);

/* Whether a GET, NEW, REMOVE or TAKE is within --rate-limit; one that is not is counted. There must
 * be a limit. [reader] */
bool reader_take_token(
	struct reader *reader, enum request_kind kind, const struct address *source, uint64_t now);

/* What a datagram is, where TAKEs may be switched off. [reader] */
static inline enum request_kind reader_classify(
	const struct reader *reader, const void *datagram, size_t length)
{
	enum request_kind kind = request_classify(datagram, length);

	return kind == REQUEST_TAKE && reader->shared.no_take ? REQUEST_TYPE : kind;
}

/* Admits a datagram by allow list, form and rate limit. Returns REQUEST_GET, REQUEST_NEW,
 * REQUEST_REMOVE or REQUEST_TAKE if it is to be served; with any other kind it was dropped and
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
	if (reader->shared.talkers_of >> kind & 1)
		talkers_count(
			reader->shared.talkers, &reader->talkers_skipped, &datagram->source, kind);
	if (__builtin_expect(reader->shared.limit != NULL, 0) &&
		!reader_take_token(reader, kind, &datagram->source, now))
		return REQUEST_REFUSED;
	return kind;
}

/* Emits each counter with `prefix` before its name. */
void reader_emit(
	const struct request_counters *counters, const char *prefix, stats_emit emit, void *ctx);

#endif
