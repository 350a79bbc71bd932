/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What sessionbench was asked to do.
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
	WORKLOAD_MISS,	 /* keys that nobody ever stored */
	WORKLOAD_NEW,	 /* new keys */
	WORKLOAD_REMOVE, /* stored keys, each once */
	WORKLOAD_MIX,	 /* what terminators send under TLS 1.3 */
	WORKLOAD_CHURN,	 /* GETs of keys that another process stores and removes all the time */
};

enum bench_preload {
	BENCH_PRELOAD_FIRST, /* before the run */
	BENCH_PRELOAD_ONLY,
	BENCH_PRELOAD_NONE,
};

#define BENCH_THREADS_MAX     64
#define BENCH_PORTS_MAX	      64
#define BENCH_FRAME_PORTS_MAX 10000 /* with --interface, where a port is only a number */
#define BENCH_WINDOW_MAX      16384

struct bench_options {
	struct endpoint target;
	enum workload_kind workload;
	struct population population;
	uint32_t sessions;
	uint32_t first;	     /* the preload begins here */
	double zipf;	     /* exponent; 0 is uniform */
	double resumed;	     /* WORKLOAD_MIX: share of connections that are resumptions */
	double rate;	     /* requests a second over all threads; 0: closed loop */
	double preload_rate; /* NEWs a second over all threads; 0: no bound but the window */
	unsigned window;     /* closed loop: requests under way a source port */
	unsigned threads;
	unsigned ports; /* source ports a thread */
	double duration;
	uint64_t count; /* requests over all threads, 0: until the duration is over */
	uint64_t deadline_ns;
	uint64_t patience_ns; /* a reply that has not come after this is lost */
	uint16_t timeout;     /* seconds that NEWs ask for */
	uint32_t run;	      /* below POPULATION_RUN_MASK; see population.h */
	enum bench_preload preload;
	bool changes; /* WORKLOAD_CHURN: sends NEWs and REMOVEs, else GETs */
	bool require_hits;
	bool json;
	bool quiet;

	/* Live frames */
	char interface[IF_NAMESIZE]; /* "": sockets */
	uint16_t source_port;	     /* first of `ports` source ports a thread */
	char mac[18];		     /* the target's, "" to ask the kernel */
	bool reflector;		     /* the target sends requests back as they are */
	const char *program_time;    /* whose program's time to tell, or NULL */
};

enum {
	BENCH_EXIT_FAILED = 1, /* a wrong reply, or the run could not be done */
	BENCH_EXIT_USAGE = 2,
};

extern const char *const workload_names[];

/* Ends the program with BENCH_EXIT_USAGE and one line where the command line is wrong. */
void bench_options_parse(struct bench_options *options, int argc, char **argv);

/* For the manual. An option without a name is a heading; the last is empty. */
extern const struct argp_option bench_option_table[];

#endif
