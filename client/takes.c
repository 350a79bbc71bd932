/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "client/takes.h"

#include <string.h>

#include <sessiond/protocol.h>

#include "client/client_private.h"

static struct client_page_take *take_of(const sessiond_client *client, unsigned cache)
{
	return &client->page->caches[cache].take;
}

/* True for one caller, if `after` ns have passed since the last time. */
static bool claim(struct client_page_take *take, uint64_t after, uint64_t now)
{
	uint64_t at = atomic_load_explicit(&take->at, memory_order_relaxed);

	return (at == 0 || now - at >= after) &&
	       atomic_compare_exchange_strong(&take->at, &at, now);
}

static void set(
	const sessiond_client *client, unsigned cache, enum client_page_takes known, uint64_t now)
{
	struct client_page_take *take = take_of(client, cache);
	unsigned before = atomic_exchange(&take->known, known);

	atomic_store_explicit(&take->at, now, memory_order_relaxed);
	if (known == CLIENT_PAGE_TAKES_NOT && before != known)
		client_log(client, SESSIOND_LOG_WARNING,
			"cache %s does not answer TAKE: single-use sessions are not resumed: set "
			"its option take to yes, or upgrade it",
			client->caches[cache].text);
	if (known == CLIENT_PAGE_TAKES && before == CLIENT_PAGE_TAKES_NOT)
		client_log(client, SESSIOND_LOG_NOTICE, "cache %s answers TAKE now",
			client->caches[cache].text);
}

enum takes_step takes_next(const sessiond_client *client, unsigned cache, uint64_t now)
{
	struct client_page_take *take = take_of(client, cache);

	switch (atomic_load_explicit(&take->known, memory_order_relaxed)) {
	case CLIENT_PAGE_TAKES:
		return claim(take, TAKES_FRESH_NS, now) ? TAKES_TAKE_AND_ASK : TAKES_TAKE;
	case CLIENT_PAGE_TAKES_NOT:
		return claim(take, TAKES_RETRY_NS, now) ? TAKES_ASK : TAKES_NOT;
	default:
		return TAKES_ASK;
	}
}

void takes_answered(const sessiond_client *client, unsigned cache, uint64_t now)
{
	struct client_page_take *take = take_of(client, cache);

	if (atomic_load_explicit(&take->known, memory_order_relaxed) != CLIENT_PAGE_TAKES)
		set(client, cache, CLIENT_PAGE_TAKES, now);
}

void takes_late(const sessiond_client *client, unsigned cache, bool tried, uint64_t now)
{
	unsigned known = CLIENT_PAGE_TAKES;

	/* It may be another cache by now. */
	if (!atomic_compare_exchange_strong(
		    &take_of(client, cache)->known, &known, CLIENT_PAGE_TAKES_UNKNOWN) &&
		tried)
		set(client, cache, CLIENT_PAGE_TAKES_NOT, now);
}

void takes_status(
	const sessiond_client *client, unsigned cache, const void *text, size_t len, uint64_t now)
{
	char copy[SESSD_STATUS_MAX + 3], *rest = NULL;
	bool yes = false;

	if (len > SESSD_STATUS_MAX)
		return;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		yes = yes || strcmp(word, "take=yes") == 0;
	set(client, cache, yes ? CLIENT_PAGE_TAKES : CLIENT_PAGE_TAKES_NOT, now);
}

bool takes_no_status(const sessiond_client *client, unsigned cache, uint64_t now)
{
	struct client_page_take *take = take_of(client, cache);

	switch (atomic_load_explicit(&take->known, memory_order_relaxed)) {
	case CLIENT_PAGE_TAKES: /* the XDP program answers without its daemon */
		return true;
	case CLIENT_PAGE_TAKES_NOT: /* the caller claimed it when it asked */
		return true;
	default:
		return claim(take, TAKES_RETRY_NS, now);
	}
}
