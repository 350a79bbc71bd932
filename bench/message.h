/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Builds requests from a session's number, and verifies replies against it. The server ignores a
 * GET's timeout field but echoes it: it carries a tag that identifies the request of a reply.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/population.h"
#include "bench/result.h"

#define MESSAGE_MAX (SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT)

/* Writes a request and returns its length. `timeout`: seconds, or the tag of a GET. */
size_t message_build(const struct population *p, enum sessd_type type, uint64_t number,
	uint16_t timeout, uint8_t message[MESSAGE_MAX]);

enum verdict {
	VERDICT_HIT,
	VERDICT_MISS,
	VERDICT_LENGTH,
	VERDICT_HEADER,
	VERDICT_TIMEOUT,
	VERDICT_KEY,
	VERDICT_VALUE,
	VERDICT_NEVER, /* a hit, well-formed or not, for a session that was never stored */
};

enum verdict message_verify(const struct population *p, uint64_t number, uint16_t tag,
	const uint8_t *reply, size_t len);

/* The counter that a verdict adds to. */
uint64_t *message_counter(struct bench_counters *counters, enum verdict verdict);

#endif
