/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Switches the engine's counts by source on while a client asks for them, and off again. The higher
 * the rate, the fewer requests are sampled. Main thread.
 */
#ifndef SESSIOND_CONTROL_STATS_WATCH_H
#define SESSIOND_CONTROL_STATS_WATCH_H

#include <stdint.h>

#include "dataplane/engine.h"

/* Counting ends this long after the last call of watch_talkers. */
#define WATCH_SECONDS 5

/* Zero-initialise it. */
struct watch {
	unsigned one_in; /* 0: off */
	uint64_t until;	 /* tick */
	uint64_t total;	 /* requests counted when the last second began */
};

/* The sources that sent most since counting began, most first, at most `room`; the first call
 * starts counting and returns none. Returns how many, or -ENOTSUP with error_message() set. */
int watch_talkers(struct watch *watch, const struct engine_ops *ops, struct engine *engine,
	uint64_t now, struct talker *talkers, unsigned room);

/* Call once a second. */
void watch_second(
	struct watch *watch, const struct engine_ops *ops, struct engine *engine, uint64_t now);

#endif
