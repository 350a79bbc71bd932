/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which requests a thread sends, and for which sessions. Each thread has its own.
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
	uint64_t next_each;	  /* from the thread's number on, in steps of `threads` */
	bool second;		  /* the connection's second message, a NEW, is next */
};

struct operation {
	enum sessd_type type;
	uint64_t number;
};

void workload_init(struct workload *w, const struct bench_options *options, unsigned thread);
/* A stored session, distributed by --keys. */
uint64_t workload_stored(struct workload *w);
/* False if nothing is left to do: every session had its turn. */
bool workload_next(struct workload *w, struct operation *operation);

#endif
