/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What the processes of one client share: counters and breakers. They inherit it by fork(). It is a
 * file of this layout in a folder for `sessionctl clients`, or anonymous memory if that cannot be.
 * Contains neither sessions nor keys. Not installed.
 *
 * Numbers are in host byte order. Readers take whatever they find for hostile.
 */
#ifndef SESSIOND_CLIENT_PAGE_H
#define SESSIOND_CLIENT_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

/* Not below /run/sessiond, which ends with the daemon's unit. */
#define CLIENT_PAGE_FOLDER "/run/sessiond-clients"

#define CLIENT_PAGE_MAGIC     "sessdcl1" /* 8 bytes, no NUL. Another layout: another digit */
#define CLIENT_PAGE_CACHES    16	 /* SESSIOND_CACHES_MAX */
#define CLIENT_PAGE_PROCESSES 64
#define CLIENT_PAGE_COUNTERS  64 /* room for later ones */

/* A circuit breaker. All zero: closed. Times are CLOCK_MONOTONIC in ns, above 0. */
struct breaker {
	atomic_uint failures;
	_Atomic uint64_t retry_at;  /* 0: closed */
	_Atomic uint64_t opened_at; /* or opened again */
	_Atomic uint64_t backoff;   /* ns */
};

/* Whether a cache answers TAKE, and when that was known or asked last, as in a breaker. */
struct client_page_take {
	atomic_uint known; /* enum client_page_takes */
	_Atomic uint64_t at;
};

enum client_page_takes {
	CLIENT_PAGE_TAKES_UNKNOWN,
	CLIENT_PAGE_TAKES,
	CLIENT_PAGE_TAKES_NOT,
};

/* Bits of flags. */
enum {
	CLIENT_PAGE_SEALED = 1,
	CLIENT_PAGE_SINGLE_USE = 2,
};

struct client_page {
	char magic[8];
	uint32_t counter_count; /* used of counters[] */
	uint32_t cache_count;	/* used of caches[] */
	uint32_t flags;
	uint32_t reserved;
	uint64_t pid_namespace; /* inode of /proc/self/ns/pid; 0: not known */
	char program[16];	/* the name of the process that made it, as in /proc/PID/comm */
	char scope[256];	/* "" if plain */
	/* Who uses it: pid << 40 | when it began to, in 10 ms since boot (CLOCK_BOOTTIME); 0: free.
	 * A process of this pid that started later is another one. Pid 0: the child of a fork()
	 * that began then. The child writes its own pid there; if none does within
	 * CLIENT_PAGE_BIRTH_MAX, fork() failed and the place is free. */
	_Atomic uint64_t processes[CLIENT_PAGE_PROCESSES];
	_Atomic uint64_t counters[CLIENT_PAGE_COUNTERS]; /* in the order of client_counters.h */
	struct {
		char text[64]; /* ADDR:PORT */
		struct breaker breaker;
		struct client_page_take take;
	} caches[CLIENT_PAGE_CACHES];
};

#define CLIENT_PAGE_PID(process)   ((int)((process) >> 40))
#define CLIENT_PAGE_SINCE(process) ((process) & ((UINT64_C(1) << 40) - 1))

#define CLIENT_PAGE_BIRTH_MAX 1000 /* 10 s */

#endif
