/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * sessionbench's options.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <argp.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/population.h"
#include "common/address.h"

enum workload_kind {
	WORKLOAD_GET,	 /* stored keys */
	WORKLOAD_MISS,	 /* keys that were never stored */
	WORKLOAD_NEW,	 /* new keys */
	WORKLOAD_REMOVE, /* each stored key once */
	WORKLOAD_TAKE,	 /* stored keys, each once, by TAKE: only the first gets a session */
	WORKLOAD_MIX,	 /* what terminators send under TLS 1.3 */
	WORKLOAD_CHURN,	 /* GETs of keys that another process stores and removes continuously */
};

enum bench_preload {
	BENCH_PRELOAD_FIRST, /* before the run */
	BENCH_PRELOAD_ONLY,
	BENCH_PRELOAD_NONE,
};

#define BENCH_THREADS_MAX     64
#define BENCH_PORTS_MAX	      64
#define BENCH_FRAME_PORTS_MAX 10000 /* with --interface, which opens no sockets */
#define BENCH_WINDOW_MAX      16384

struct bench_options {
	struct endpoint target;
	enum workload_kind workload;
	struct population population;
	uint32_t sessions;
	uint32_t first;	     /* the preload begins here */
	double zipf;	     /* exponent; 0 is uniform */
	bool each;	     /* WORKLOAD_GET: every stored key once, in the order of TAKEs */
	double resumed;	     /* WORKLOAD_MIX: share of connections that are resumptions */
	double rate;	     /* requests per second over all threads; 0: closed loop */
	double preload_rate; /* NEWs per second over all threads; 0: limited only by the window */
	unsigned window;     /* closed loop: outstanding requests per source port */
	unsigned threads;
	unsigned ports; /* source ports a thread */
	double duration;
	uint64_t count; /* requests over all threads; 0: limited by the duration */
	uint64_t deadline_ns;
	uint64_t patience_ns; /* after this time a missing reply is lost */
	uint16_t timeout;     /* the timeout of NEWs, in seconds */
	uint32_t run;	      /* below POPULATION_RUN_MASK; see population.h */
	enum bench_preload preload;
	bool changes; /* WORKLOAD_CHURN: sends NEWs and REMOVEs, else GETs */
	bool require_hits;
	bool json;
	bool quiet;

	/* Live frames */
	char interface[IF_NAMESIZE]; /* "": sockets */
	uint16_t source_port;	     /* first of the source ports, `ports` per thread */
	char mac[18];		     /* the target's; "": ask the kernel */
	uint64_t warm_up;	     /* GETs of each thread before the workload */
	bool reflector;		     /* the target sends requests back unchanged */
	const char *program_time;    /* the program to measure, or NULL */
};

enum {
	BENCH_EXIT_FAILED = 1, /* a wrong reply, or the run failed */
	BENCH_EXIT_USAGE = 2,
};

extern const char *const workload_names[];

/* If the command line is wrong, prints one line and exits with BENCH_EXIT_USAGE. */
void bench_options_parse(struct bench_options *options, int argc, char **argv);

/* For the manual. An option without a name is a heading; the last is empty. */
extern const struct argp_option bench_option_table[];

#endif
