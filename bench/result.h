/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The counters of a run. Each thread has its own; their names are the JSON keys.
 */
#ifndef BENCH_RESULT_H
#define BENCH_RESULT_H

#include <stdint.h>

#include "bench/held.h"
#include "bench/histogram.h"

#define BENCH_COUNTERS(X) \
	X(get_sent, "GETs sent") \
	X(new_sent, "NEWs sent") \
	X(remove_sent, "REMOVEs sent") \
	X(hits, "replies OK, verified") \
	X(misses, "replies ERR, verified") \
	X(late, "replies after the deadline") \
	X(late_served, "of those, late even without the time for which the load was held up") \
	X(lost, "GETs without a reply") \
	X(after_lost, "replies that came after they were counted as lost") \
	X(duplicates, "replies that came twice") \
	X(refused, "ICMP errors: the port is closed") \
	X(landed, "NEWs or REMOVEs seen to take effect before more were sent") \
	X(unlanded, "NEWs or REMOVEs given up: the last of their burst had no effect")

/* Any of these makes the exit code 1. */
#define BENCH_WRONG_COUNTERS(X) \
	X(wrong_length, "replies of a wrong length") \
	X(wrong_header, "replies of a wrong version or type") \
	X(wrong_timeout, "replies that do not echo the timeout") \
	X(wrong_key, "replies that do not echo the key") \
	X(wrong_value, "replies with a value that is not this session's") \
	X(wrong_checksum, "replies with a wrong UDP checksum") \
	X(wrong_hit, "OK for keys that were never stored") \
	X(unasked, "replies to no request")

struct bench_counters {
#define X(name, text) uint64_t name;
	BENCH_COUNTERS(X)
	BENCH_WRONG_COUNTERS(X)
#undef X
};

struct bench_result {
	struct bench_counters counters;
	struct histogram latency; /* of verified replies; for fenced NEWs, of a burst */
	/* The same from the time of sending, without the time for which the load was held up. */
	struct histogram served;
	struct held_result held;
	double seconds;		/* of the run itself */
	uint64_t readback;	/* NEWs or REMOVEs checked after the run */
	uint64_t readback_seen; /* of those: took effect */
	uint64_t behind_ns;	/* open loop: how far the load itself was behind at the end */
	double preload_seconds; /* 0: none */
	double program_ns;	/* of the program under test, per frame; 0: not measured */
	uint64_t program_frames;
};

/* The progress thread reads counters while others count. */
static inline void bench_count(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

void bench_counters_add(struct bench_counters *into, const struct bench_counters *from);
uint64_t bench_counters_wrong(const struct bench_counters *counters);

#endif
