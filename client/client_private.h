/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a client is made of. Everything but what is marked is set once, before a second thread sees
 * it.
 */
#ifndef SESSIOND_CLIENT_PRIVATE_H
#define SESSIOND_CLIENT_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <sessiond/client.h>
#include <sessiond/client_counters.h>
#include <sessiond/client_page.h>

#include "client/breaker.h"
#include "client/seal.h"
#include "common/address.h"

enum client_counter {
#define X(name, help) CLIENT_##name,
	SESSIOND_CLIENT_COUNTERS(X)
#undef X
	CLIENT_COUNTER_COUNT
};

_Static_assert(CLIENT_COUNTER_COUNT <= CLIENT_PAGE_COUNTERS, "they fit");

struct client_cache {
	struct endpoint endpoint;
	char text[ADDRESS_TEXT];
};

struct thread_lookup;

struct sessiond_client {
	atomic_uint references;
	unsigned cache_count, copies, value_max, lifetime_s, flags;
	uint64_t deadline_ns;
	struct client_cache caches[SESSIOND_CACHES_MAX];
	uint64_t placement[SESSIOND_CACHES_MAX];

	char *key_file, *scope;	     /* NULL: plain */
	struct seal_ring *ring;	     /* secret, guarded by threads_lock() */
	atomic_uint ring_generation; /* changes with the ring; from 1 */

	sessiond_log_fn *log;
	void *log_ctx;

	struct thread_lookup *threads; /* guarded by threads.c */
	sessiond_lookup *idle;	       /* of async.c, guarded by threads_lock() */
	unsigned idle_count;

	struct client_page *page; /* shared with other processes */
	sessiond_client *next_with_page;
	unsigned birth_place;		      /* of a child that is being forked */
	char page_folder[256], page_name[64]; /* name "": no file */
};

#define client_count(client, name) \
	((void)atomic_fetch_add_explicit( \
		&(client)->page->counters[CLIENT_##name], 1, memory_order_relaxed))

static inline uint64_t client_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static inline struct breaker *client_breaker(const sessiond_client *client, unsigned cache)
{
	return &client->page->caches[cache].breaker;
}

void client_log(const sessiond_client *client, enum sessiond_log_level level, const char *format,
	...) __attribute__((format(printf, 3, 4)));
sessiond_client *client_hold(sessiond_client *client);

#endif
