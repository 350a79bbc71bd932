/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which requests a thread sends, and about which sessions. One thread uses one.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/options.h"
#include "bench/zipf.h"

struct workload {
	const struct bench_options *options;
	struct zipf zipf;
	uint64_t random;
	uint64_t first_new, news; /* numbers of NEWs: first_new on */
	uint64_t next_remove;	  /* every `threads`-th from the thread's own number on */
	bool second;		  /* the connection's second message, a NEW, is to come */
};

struct operation {
	enum sessd_type type;
	uint64_t number;
};

void workload_init(struct workload *w, const struct bench_options *options, unsigned thread);
/* A session that was stored, as --keys has it. */
uint64_t workload_stored(struct workload *w);
/* False where there is nothing left to do: every session was removed. */
bool workload_next(struct workload *w, struct operation *operation);

#endif
