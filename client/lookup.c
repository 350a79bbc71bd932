/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How a session is found. Its owner is asked; if a quarter of the deadline passes, or the owner
 * refuses, the second copy is asked as well. A TAKE is asked once, of the owner: asked twice, it
 * would be answered no after the first yes was lost.
 */
#include "client/lookup_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "client/takes.h"
#include "client/threads.h"
#include "common/locked_memory.h"

/* Datagrams of one socket that are read before the clock is: it is no use to be flooded. */
#define DRAIN_MAX 64

sessiond_lookup *sessiond_lookup_new(sessiond_client *client)
{
	sessiond_lookup *lookup = memory_reserve(sizeof(*lookup), true);

	if (!lookup)
		return NULL;
	lookup->client = client;
	links_init(lookup);
	if (client->key_file && seal_tools_open(&lookup->tools) < 0) {
		memory_release(lookup, sizeof(*lookup));
		errno = ENOMEM;
		return NULL;
	}
	/* If there is no randomness, the tags are those of a source port that is random. */
	if (RAND_bytes((uint8_t *)&lookup->next_tag, sizeof(lookup->next_tag)) != 1)
		lookup->next_tag = (uint16_t)client_now();
	return lookup;
}

void sessiond_lookup_free(sessiond_lookup *lookup)
{
	if (!lookup)
		return;
	links_close(lookup);
	seal_tools_close(&lookup->tools);
	OPENSSL_cleanse(lookup, sizeof(*lookup));
	memory_release(lookup, sizeof(*lookup));
}

bool lookup_prepare(struct sessiond_lookup *lookup, const struct sessiond_id *id)
{
	sessiond_client *client = lookup->client;
	unsigned generation;

	links_check_fork(lookup);
	if (id->len < 1 || id->len > SESSIOND_ID_MAX || id->context_len > SESSIOND_CONTEXT_MAX)
		return false;
	lookup->id = *id;
	memcpy(lookup->id_bytes, id->bytes, id->len);
	if (id->context_len)
		memcpy(lookup->context, id->context, id->context_len);
	lookup->id.bytes = lookup->id_bytes;
	lookup->id.context = lookup->context;
	generation = atomic_load_explicit(&client->ring_generation, memory_order_acquire);
	if (generation != lookup->ring_generation) {
		threads_lock();
		lookup->ring = *client->ring;
		lookup->ring_generation = atomic_load(&client->ring_generation);
		threads_unlock();
	}
	return true;
}

const struct seal_slot *lookup_slot(const struct sessiond_lookup *lookup, unsigned slot)
{
	return lookup->ring.count ? &lookup->ring.slots[slot] : NULL;
}

void lookup_cache_failed(
	struct sessiond_lookup *lookup, unsigned cache, uint64_t sent, uint64_t now, int error)
{
	sessiond_client *client = lookup->client;
	struct breaker *breaker = client_breaker(client, cache);
	bool opened;

	if (error) {
		client_count(client, refused);
		opened = breaker_refused(breaker, sent, now);
	} else {
		opened = breaker_late(breaker, sent, now);
	}
	if (!opened)
		return;
	client_count(client, opened);
	client_log(client, SESSIOND_LOG_WARNING,
		"cache %s does not answer (%s): it is left alone until it does",
		client->caches[cache].text, error ? strerror(error) : "time-out");
}

static void cache_answered(struct sessiond_lookup *lookup, unsigned cache)
{
	sessiond_client *client = lookup->client;

	if (breaker_good(client_breaker(client, cache)))
		client_log(client, SESSIOND_LOG_NOTICE, "cache %s answers again",
			client->caches[cache].text);
}

static bool waits(const struct sessiond_lookup *lookup)
{
	for (unsigned i = 0; i < lookup->flight_count; i++)
		if (lookup->flights[i].waits)
			return true;
	return false;
}

/* What was sent a quarter of the deadline ago and has no answer counts as late, even where another
 * cache had one. */
static void judge_late(struct sessiond_lookup *lookup, uint64_t now)
{
	for (unsigned i = 0; i < lookup->flight_count; i++) {
		const struct flight *flight = &lookup->flights[i];

		if (!flight->waits || now - flight->sent < lookup->client->deadline_ns / 4)
			continue;
		if (lookup->type == SESSD_TAKE && flight->kind != FLIGHT_STATUS)
			takes_late(lookup->client, flight->cache,
				flight->kind == FLIGHT_TRY && now >= lookup->deadline, now);
		/* It has just answered something else. */
		if (flight->kind != FLIGHT_TRY)
			lookup_cache_failed(lookup, flight->cache, flight->sent, now, 0);
	}
}

static enum sessiond_result ends(struct sessiond_lookup *lookup, enum sessiond_result result)
{
	sessiond_client *client = lookup->client;

	lookup->asking = false;
	lookup->flight_count = 0;
	links_set_timer(lookup, 0);
	switch (result) {
	case SESSIOND_HIT:
		client_count(client, hits);
		break;
	case SESSIOND_MISS:
		client_count(client, misses);
		break;
	case SESSIOND_TIMEOUT:
		client_count(client, timeouts);
		break;
	default:
		client_count(client, off);
		if (lookup->no_take)
			client_count(client, no_take);
	}
	return result;
}

enum sessiond_result sessiond_lookup_begin(
	sessiond_lookup *lookup, enum sessiond_operation operation, const struct sessiond_id *id)
{
	sessiond_client *client = lookup->client;
	uint64_t now = client_now();

	lookup->asking = lookup->no_take = false;
	if (!lookup_prepare(lookup, id))
		return ends(lookup, SESSIOND_MISS);
	lookup->type = operation == SESSIOND_TAKE ? SESSD_TAKE : SESSD_GET;
	lookup->names = lookup->ring.count ? lookup->ring.count : 1;
	lookup->flight_count = 0;
	lookup->asked_second = lookup->missed = false;
	for (unsigned slot = 0; slot < lookup->names; slot++)
		if (!seal_name(&lookup->tools, lookup_slot(lookup, slot), &lookup->id,
			    lookup->wire_keys[slot]))
			return ends(lookup, SESSIOND_OFF);
	lookup->asking = true;
	lookup->deadline = now + client->deadline_ns;
	lookup->second_at =
		client->copies > 1 && operation == SESSIOND_GET ? now + client->deadline_ns / 4 : 0;
	ask(lookup, false, now);
	if (!waits(lookup))
		return ends(lookup, SESSIOND_OFF);
	links_set_timer(lookup, lookup_next_event(lookup));
	return SESSIOND_AGAIN;
}

/* A value came: whether it is this session's. */
static bool take_value(struct sessiond_lookup *lookup, const struct flight *flight,
	const struct exchange_value *found, void *value, size_t *len)
{
	const struct seal_slot *slot = lookup_slot(lookup, flight->slot);
	const uint8_t *from = found->bytes;
	size_t size = found->len;
	bool fits;

	if (slot) {
		if (!seal_open(&lookup->tools, slot, &lookup->id, lookup->wire_keys[flight->slot],
			    found->bytes, found->len, lookup->opened)) {
			client_count(lookup->client, unopened);
			return false;
		}
		from = lookup->opened;
		size -= SESSIOND_SEAL_OVERHEAD;
	}
	fits = size <= *len;
	if (fits) {
		memcpy(value, from, size);
		*len = size;
	}
	OPENSSL_cleanse(lookup->opened, slot ? size : 0);
	OPENSSL_cleanse(lookup->datagram, sizeof(lookup->datagram));
	return fits;
}

static bool on_datagram(struct sessiond_lookup *lookup, unsigned cache, size_t size, uint64_t now,
	void *value, size_t *len)
{
	struct exchange_value found;

	for (unsigned i = 0; i < lookup->flight_count; i++) {
		struct flight *flight = &lookup->flights[i];
		enum exchange_reply reply;

		if (!flight->waits || flight->cache != cache || flight->kind == FLIGHT_STATUS)
			continue;
		reply = exchange_read(lookup->datagram, size, lookup->wire_keys[flight->slot],
			flight->tag, &found);
		if (reply == EXCHANGE_STRAY)
			continue;
		cache_answered(lookup, cache);
		if (lookup->type == SESSD_TAKE)
			takes_answered(lookup->client, cache, now);
		flight->waits = false;
		lookup->missed = true;
		if (reply == EXCHANGE_ERR || !take_value(lookup, flight, &found, value, len))
			return false;
		if (flight->second)
			client_count(lookup->client, second_hits);
		return true;
	}
	if (ask_status_came(lookup, cache, size, now))
		cache_answered(lookup, cache);
	else
		client_count(lookup->client, stray);
	return false;
}

/* The cache's socket has an error: what waits there waits in vain. */
static void on_error(struct sessiond_lookup *lookup, unsigned cache, int error, uint64_t now)
{
	for (unsigned i = 0; i < lookup->flight_count; i++) {
		struct flight *flight = &lookup->flights[i];

		if (!flight->waits || flight->cache != cache)
			continue;
		flight->waits = false;
		lookup_cache_failed(lookup, cache, flight->sent, now, error);
	}
}

/* Reads what has come. True: the session is in `value`. */
static bool read_links(struct sessiond_lookup *lookup, uint64_t now, void *value, size_t *len)
{
	for (unsigned cache = 0; cache < lookup->client->cache_count; cache++) {
		for (unsigned i = 0; lookup->fds[cache] >= 0 && i < DRAIN_MAX; i++) {
			ssize_t size = recv(lookup->fds[cache], lookup->datagram,
				sizeof(lookup->datagram), MSG_DONTWAIT);

			if (size < 0 && errno == EINTR)
				continue;
			if (size < 0) {
				if (errno != EAGAIN && errno != EWOULDBLOCK)
					on_error(lookup, cache, errno, now);
				break;
			}
			if (on_datagram(lookup, cache, (size_t)size, now, value, len))
				return true;
		}
	}
	return false;
}

enum sessiond_result sessiond_lookup_finish(sessiond_lookup *lookup, void *value, size_t *len)
{
	uint64_t now = client_now();

	links_check_fork(lookup);
	if (!lookup->asking) {
		/* What comes late would leave the descriptor readable. */
		read_links(lookup, now, value, len);
		return SESSIOND_OFF;
	}
	if (read_links(lookup, now, value, len)) {
		judge_late(lookup, now);
		return ends(lookup, SESSIOND_HIT);
	}
	if (now >= lookup->deadline) {
		if (!waits(lookup))
			return ends(lookup, lookup->missed ? SESSIOND_MISS : SESSIOND_OFF);
		judge_late(lookup, now);
		return ends(lookup, SESSIOND_TIMEOUT);
	}
	/* Refused by the owner, the second copy need not wait. */
	if (lookup->second_at && (now >= lookup->second_at || (!waits(lookup) && !lookup->missed)))
		ask_second(lookup, now);
	if (!waits(lookup))
		return ends(lookup, lookup->missed ? SESSIOND_MISS : SESSIOND_OFF);
	links_set_timer(lookup, lookup_next_event(lookup));
	return SESSIOND_AGAIN;
}

enum sessiond_result lookup_wait(struct sessiond_lookup *lookup, void *value, size_t *len)
{
	enum sessiond_result result;

	/* Before it waits: a cache on this host has answered already. */
	while ((result = sessiond_lookup_finish(lookup, value, len)) == SESSIOND_AGAIN) {
		struct pollfd fds[FLIGHTS_MAX];
		struct timespec left = {0};
		uint64_t now = client_now(), until = lookup_next_event(lookup);
		nfds_t count = 0;

		for (unsigned i = 0; i < lookup->flight_count; i++)
			if (lookup->flights[i].waits)
				fds[count++] =
					(struct pollfd){.fd = lookup->fds[lookup->flights[i].cache],
						.events = POLLIN};
		if (until > now) {
			left.tv_sec = (time_t)((until - now) / 1000000000U);
			left.tv_nsec = (long)((until - now) % 1000000000U);
		}
		/* Interrupted or not, the clock decides. */
		ppoll(fds, count, &left, NULL);
	}
	return result;
}

static enum sessiond_result look_up(sessiond_client *client, enum sessiond_operation operation,
	const struct sessiond_id *id, void *value, size_t *len)
{
	sessiond_lookup *lookup = threads_lookup(client);
	enum sessiond_result result;

	if (!lookup) {
		client_count(client, off);
		return SESSIOND_OFF;
	}
	result = sessiond_lookup_begin(lookup, operation, id);
	return result == SESSIOND_AGAIN ? lookup_wait(lookup, value, len) : result;
}

enum sessiond_result sessiond_get(
	sessiond_client *client, const struct sessiond_id *id, void *value, size_t *len)
{
	return look_up(client, SESSIOND_GET, id, value, len);
}

enum sessiond_result sessiond_take(
	sessiond_client *client, const struct sessiond_id *id, void *value, size_t *len)
{
	return look_up(client, SESSIOND_TAKE, id, value, len);
}
