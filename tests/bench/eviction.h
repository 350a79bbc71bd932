/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A cache without keys and values, to replay traffic through eviction policies. All of them use
 * sessiond's expiry (control/sessions/lifetime.c), and the first also its eviction; the other
 * policies have separate lists or a heap for their order.
 */
#ifndef EVICTION_H
#define EVICTION_H

#include <stdbool.h>
#include <stdint.h>

enum policy {
	POLICY_OWN, /* sessiond's: lifetime_evict() */
	POLICY_LRU,
	POLICY_FIFO,
	POLICY_CLOCK,	 /* FIFO with a second chance: a visited one goes to the young end */
	POLICY_CLOCK_13, /* the same, but a hit of a TLS 1.3 session is no visit */
	POLICY_SIEVE,
	POLICY_SIEVE_13, /* SIEVE with the same rule */
	POLICY_S3_FIFO,	 /* a tenth on probation; no ghosts, because no id returns */
	POLICY_EARLIEST, /* the session that ends first, as in classic caches */
	POLICIES,
};

extern const char *const policy_names[POLICIES];

struct cache;

struct cache_session {
	uint64_t id; /* 0: none */
	uint32_t slot;
};

/* Ends the program if out of memory. `now` and all times are in seconds. */
struct cache *cache_create(enum policy policy, uint32_t capacity);
void cache_destroy(struct cache *cache);
/* Stores a new session, and evicts one if the cache is full. `tls13`: its client uses it once. */
struct cache_session cache_new(struct cache *cache, double now, unsigned timeout, bool tls13);
/* Whether it is still there; if so, marks it visited. */
bool cache_get(struct cache *cache, double now, struct cache_session session);

#endif
