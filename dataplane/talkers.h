/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Who sends how much: requests counted by source, one in so many of them, and only while somebody
 * looks. Counts are estimates: each sample stands for all that were skipped.
 */
#ifndef SESSIOND_DATAPLANE_TALKERS_H
#define SESSIOND_DATAPLANE_TALKERS_H

#include <stdint.h>

#include "common/address.h"
#include "dataplane/request.h"

/* Sources that are told apart. Of more, those that send least share their places: a new source
 * takes over the count of the one it drives out, so that no great sender is ever missed. */
#define TALKERS_MAX 256

struct talker {
	struct address source;
	uint64_t gets, news, removes; /* requests, estimated; TAKEs are among the GETs */
};

struct talkers;

/* NULL on failure. */
struct talkers *talkers_create(void);
void talkers_destroy(struct talkers *talkers);

/* [main thread] From now on one in `one_in` requests is counted; 0: none, and all is forgotten. */
void talkers_watch(struct talkers *talkers, unsigned one_in);
/* [main thread] */
void talkers_list(
	struct talkers *talkers, void (*found)(void *ctx, const struct talker *talker), void *ctx);

/* What talkers_count reads; shared by all readers, written by talkers_watch. */
struct talkers_rate {
	unsigned one_in; /* atomic */
};

/* [reader] Counts a sample that stands for `weight` requests; leaves it out if another reader is
 * counting at that moment. */
void talkers_sample(struct talkers *talkers, const struct address *source, enum request_kind kind,
	unsigned weight);

/* [reader] A GET, NEW, REMOVE or TAKE came. `skipped` is the reader's own. */
static inline void talkers_count(struct talkers *talkers, unsigned *skipped,
	const struct address *source, enum request_kind kind)
{
	unsigned one_in =
		__atomic_load_n(&((struct talkers_rate *)talkers)->one_in, __ATOMIC_RELAXED);

	if (__builtin_expect(one_in == 0, 1) || ++*skipped < one_in)
		return;
	*skipped = 0;
	talkers_sample(talkers, source, kind, one_in);
}

#endif
