/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A circuit breaker, one a cache, shared without a lock by all threads of all processes that share
 * the client by fork(). Closed, the cache is asked.
 * Open, it is not, but for one question each time a back-off has passed: 100 ms at first, doubled
 * up to 5 s, each with jitter. An answer closes it.
 *
 * Times are CLOCK_MONOTONIC in ns, above 0.
 */
#ifndef SESSIOND_CLIENT_BREAKER_H
#define SESSIOND_CLIENT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include <sessiond/client_page.h>

/* Questions without an answer in a row that open it. One is not enough: a reply may be lost. */
#define BREAKER_FAILURES 5

#define BREAKER_BACKOFF_MIN_NS 100000000ULL
#define BREAKER_BACKOFF_MAX_NS 5000000000ULL

bool breaker_is_open(const struct breaker *breaker);
/* Whether to ask now. Where it is open, true makes the caller the one that tries. */
bool breaker_allows(struct breaker *breaker, uint64_t now);
/* An answer came in time. True if that closed it. */
bool breaker_good(struct breaker *breaker);
/* What was sent at `sent` got no answer. True if that opened it. */
bool breaker_late(struct breaker *breaker, uint64_t sent, uint64_t now);
/* The host says that nobody listens: opens it at once. As breaker_late. */
bool breaker_refused(struct breaker *breaker, uint64_t sent, uint64_t now);

#endif
