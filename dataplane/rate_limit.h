/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit for readers in user space: token buckets by source, in fixed memory, without locks.
 * When readers race for a place, a source may get a bucket that is too full, never one that is too
 * empty.
 */
#ifndef SESSIOND_DATAPLANE_RATE_LIMIT_H
#define SESSIOND_DATAPLANE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

struct rate_limit;

/* Requests per second and source; 0: no limit. NULL if out of memory. */
struct rate_limit *rate_limit_create(uint32_t gets, uint32_t news);
/* Changes them; the sources keep their buckets. Any thread, at any time. */
void rate_limit_set(struct rate_limit *limit, uint32_t gets, uint32_t news);
/* NULL is allowed. */
void rate_limit_destroy(struct rate_limit *limit);

/* Takes a token for a GET (`get`), or else a NEW or REMOVE. False: over the limit. Any thread. */
bool rate_limit_take(
	struct rate_limit *limit, const struct address *source, bool get, uint64_t tick);

#endif
