/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/breaker.h"

#include "client/mix.h"

/* Three to five quarters, so that the servers of a farm do not come all at once. */
static uint64_t with_jitter(uint64_t ns, uint64_t now)
{
	return ns / 4 * 3 + mix64(now) % (ns / 2);
}

bool breaker_is_open(const struct breaker *breaker)
{
	return atomic_load_explicit(&breaker->retry_at, memory_order_relaxed) != 0;
}

bool breaker_allows(struct breaker *breaker, uint64_t now)
{
	uint64_t retry = atomic_load_explicit(&breaker->retry_at, memory_order_relaxed);
	uint64_t backoff = atomic_load_explicit(&breaker->backoff, memory_order_relaxed);

	if (retry == 0)
		return true;
	if (now < retry)
		return false;
	/* If the one that tries is never heard of again, another does after as long. */
	return atomic_compare_exchange_strong(
		&breaker->retry_at, &retry, now + with_jitter(backoff, now));
}

bool breaker_good(struct breaker *breaker)
{
	/* Mostly there is nothing to write: threads share the line. */
	if (atomic_load_explicit(&breaker->failures, memory_order_relaxed) != 0)
		atomic_store_explicit(&breaker->failures, 0, memory_order_relaxed);
	if (!breaker_is_open(breaker))
		return false;
	return atomic_exchange(&breaker->retry_at, 0) != 0;
}

static bool open_now(struct breaker *breaker, uint64_t now)
{
	uint64_t expected = 0;

	atomic_store_explicit(&breaker->backoff, BREAKER_BACKOFF_MIN_NS, memory_order_relaxed);
	atomic_store_explicit(&breaker->opened_at, now, memory_order_relaxed);
	return atomic_compare_exchange_strong(
		&breaker->retry_at, &expected, now + with_jitter(BREAKER_BACKOFF_MIN_NS, now));
}

static void open_longer(struct breaker *breaker, uint64_t sent, uint64_t now)
{
	uint64_t opened = atomic_load_explicit(&breaker->opened_at, memory_order_relaxed);
	uint64_t backoff = atomic_load_explicit(&breaker->backoff, memory_order_relaxed) * 2;

	/* Sent before it opened: that is what opened it. */
	if (sent < opened || !atomic_compare_exchange_strong(&breaker->opened_at, &opened, now))
		return;
	if (backoff > BREAKER_BACKOFF_MAX_NS)
		backoff = BREAKER_BACKOFF_MAX_NS;
	atomic_store_explicit(&breaker->backoff, backoff, memory_order_relaxed);
	atomic_store_explicit(
		&breaker->retry_at, now + with_jitter(backoff, now), memory_order_relaxed);
}

bool breaker_late(struct breaker *breaker, uint64_t sent, uint64_t now)
{
	if (breaker_is_open(breaker)) {
		open_longer(breaker, sent, now);
		return false;
	}
	if (atomic_fetch_add_explicit(&breaker->failures, 1, memory_order_relaxed) + 1 <
		BREAKER_FAILURES)
		return false;
	return open_now(breaker, now);
}

bool breaker_refused(struct breaker *breaker, uint64_t sent, uint64_t now)
{
	if (breaker_is_open(breaker)) {
		open_longer(breaker, sent, now);
		return false;
	}
	return open_now(breaker, now);
}
