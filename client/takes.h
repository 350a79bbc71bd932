/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Whether a cache answers TAKE. An older one, or one with `take no`, drops it without a word, and a
 * look-up would wait for its deadline. So the cache's status is asked first, and again from time to
 * time. If it has none (its daemon is dead, or older), one TAKE is tried. All processes of a client
 * share what is known.
 */
#ifndef SESSIOND_CLIENT_TAKES_H
#define SESSIOND_CLIENT_TAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sessiond_client;

#define TAKES_FRESH_NS 60000000000ULL /* a yes is asked for again after this */
#define TAKES_RETRY_NS 10000000000ULL /* and a no */

enum takes_step {
	TAKES_TAKE,	    /* send the TAKE */
	TAKES_TAKE_AND_ASK, /* and ask for the status, without waiting for it */
	TAKES_ASK,	    /* ask for the status first */
	TAKES_NOT,	    /* it does not answer TAKEs: do not send one */
};

/* What to do for a TAKE at this cache, now. */
enum takes_step takes_next(const struct sessiond_client *client, unsigned cache, uint64_t now);
/* The cache answered a TAKE. */
void takes_answered(const struct sessiond_client *client, unsigned cache, uint64_t now);
/* A TAKE got no answer; `tried`: the one that takes_no_status allowed. */
void takes_late(const struct sessiond_client *client, unsigned cache, bool tried, uint64_t now);
/* It answered with this status; `text` need not end with a NUL. */
void takes_status(const struct sessiond_client *client, unsigned cache, const void *text,
	size_t len, uint64_t now);
/* It answered that it has no status. True: the caller is the one that tries a TAKE. */
bool takes_no_status(const struct sessiond_client *client, unsigned cache, uint64_t now);

#endif
