/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the program hands to the daemon as frames, from a ring or by AF_XDP: checks them, and passes
 * NEWs and REMOVEs to the writer.
 *
 * Threads: frame_counters may be read by any with frame_counters_add; the rest: writer thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_FRAME_INTAKE_H
#define SESSIOND_DATAPLANE_XDP_XSK_FRAME_INTAKE_H

#include <stddef.h>
#include <stdint.h>

#include "dataplane/engine.h"
#include "dataplane/reader.h"

/* Frames handled together, so that their cache misses overlap. */
#define FRAME_STAGE 32

struct frame {
	const uint8_t *data; /* at any alignment */
	size_t size;
};

/* Relaxed atomics. */
struct frame_counters {
	uint64_t received, malformed, checksum;
};

/* Either may be NULL. */
struct frame_intake {
	const struct table *table; /* for prefetching */
	struct reader *reader;	   /* counts drops by source */
};

/* Handles `n` frames, at most FRAME_STAGE. They are not used after the return. */
void frame_intake(const struct frame_intake *intake, struct frame_counters *counters,
	const struct frame *frames, unsigned n, const struct update_sink *sink);

void frame_counters_add(struct frame_counters *sum, const struct frame_counters *counters);

#endif
