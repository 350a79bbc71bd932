/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A question on its way. One thread at a time uses one.
 */
#ifndef SESSIOND_CLIENT_LOOKUP_PRIVATE_H
#define SESSIOND_CLIENT_LOOKUP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "client/client_private.h"
#include "client/exchange.h"

#define COPIES_MAX 2

/* During a rotation a session is under the name of one key or of the other. */
#define FLIGHTS_MAX (COPIES_MAX * KEY_FILE_KEYS_MAX)

enum flight_kind {
	FLIGHT_SESSION, /* GET or TAKE */
	FLIGHT_TRY,	/* a TAKE, to find out whether it is answered */
	FLIGHT_STATUS,	/* a GET of the status key; then the TAKE */
};

struct flight {
	bool waits;
	enum flight_kind kind;
	uint8_t cache, slot;
	bool second; /* the second copy, asked late */
	uint16_t tag;
	uint64_t sent;
};

/* In memory that core dumps leave out: it has keys and values in it. */
struct sessiond_lookup {
	sessiond_client *client;
	sessiond_lookup *next_idle; /* async.c */
	struct seal_tools tools;
	struct seal_ring ring; /* a copy, of generation ring_generation */
	unsigned ring_generation;

	/* links.c */
	unsigned fork_generation;
	int fds[SESSIOND_CACHES_MAX];	       /* -1: not open */
	uint64_t cookies[SESSIOND_CACHES_MAX]; /* of the sockets, to know them again after fork() */
	int epoll_fd, timer_fd;		       /* -1 until sessiond_lookup_fd */
	uint16_t next_tag;

	/* The question */
	bool asking;
	uint8_t type; /* SESSD_GET or SESSD_TAKE */
	struct sessiond_id id;
	uint8_t id_bytes[SESSIOND_ID_MAX], context[SESSIOND_CONTEXT_MAX];
	uint8_t wire_keys[KEY_FILE_KEYS_MAX][SESSD_KEY_SIZE];
	unsigned names; /* wire keys that are asked for */
	uint64_t deadline, second_at;
	bool asked_second, missed;
	bool no_take; /* some cache was not asked: it does not answer TAKE */
	unsigned flight_count;
	struct flight flights[FLIGHTS_MAX];

	/* Statuses on their way: they may come after the look-up has ended. */
	bool status_asked[SESSIOND_CACHES_MAX];
	uint16_t status_tags[SESSIOND_CACHES_MAX];

	uint8_t datagram[SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT + 1];
	uint8_t opened[SESSD_VALUE_LIMIT];
};

/* links.c: the sockets. */
void links_init(struct sessiond_lookup *lookup);
void links_close(struct sessiond_lookup *lookup);
/* After fork(): forgets the parent's sockets. */
void links_check_fork(struct sessiond_lookup *lookup);
/* Sends to a cache, over a socket that is opened if need be. 0 or a negative errno. */
int links_send(
	struct sessiond_lookup *lookup, unsigned cache, const uint8_t *datagram, size_t size);

/* Sets the timer that lookup_fd waits for; 0: none. Nothing where that was never asked for. */
void links_set_timer(struct sessiond_lookup *lookup, uint64_t at);

/* When to look again: at the deadline, or when the second copy is due. */
static inline uint64_t lookup_next_event(const struct sessiond_lookup *lookup)
{
	return lookup->second_at ? lookup->second_at : lookup->deadline;
}

/* ask.c: sends questions. For each name, asks the best cache that was not asked yet and is not
 * known to be down. */
void ask(struct sessiond_lookup *lookup, bool second, uint64_t now);
/* The second copy as well. */
void ask_second(struct sessiond_lookup *lookup, uint64_t now);
/* A datagram that may be a cache's status. False: it is not. */
bool ask_status_came(struct sessiond_lookup *lookup, unsigned cache, size_t size, uint64_t now);

/* lookup.c: what put and remove share with it. Takes the client's keys as they are now, and copies
 * `id`. False if the id is wrong. */
bool lookup_prepare(struct sessiond_lookup *lookup, const struct sessiond_id *id);
/* NULL where plain. */
const struct seal_slot *lookup_slot(const struct sessiond_lookup *lookup, unsigned slot);
/* Tells that a breaker opened or closed. */
void lookup_cache_failed(
	struct sessiond_lookup *lookup, unsigned cache, uint64_t sent, uint64_t now, int error);
/* Waits as long as it takes. */
enum sessiond_result lookup_wait(struct sessiond_lookup *lookup, void *value, size_t *len);

#endif
