/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * --rate-limit for readers in user space: buckets by source, of fixed memory, without locks. Where
 * readers race for a place, a source may get a bucket that is fuller than it should be, never one
 * that is emptier.
 */
#ifndef SESSIOND_DATAPLANE_RATE_LIMIT_H
#define SESSIOND_DATAPLANE_RATE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/address.h"

struct rate_limit;

/* Requests a second and source; 0: no limit to these. NULL on failure. */
struct rate_limit *rate_limit_create(uint32_t gets, uint32_t news);
/* NULL is allowed. */
void rate_limit_destroy(struct rate_limit *limit);

/* [reader] May a GET, or else a NEW or REMOVE, of this source come in at this tick? */
bool rate_limit_take(
	struct rate_limit *limit, const struct address *source, bool get, uint64_t tick);

#endif
