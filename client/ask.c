/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which cache a look-up asks, and what.
 */
#include "client/lookup_private.h"

#include <errno.h>

#include "client/placement.h"
#include "client/takes.h"

static const uint8_t status_key[SESSD_KEY_SIZE] = SESSD_STATUS_KEY;

static bool is_asked(const struct sessiond_lookup *lookup, unsigned slot, unsigned cache)
{
	for (unsigned i = 0; i < lookup->flight_count; i++)
		if (lookup->flights[i].slot == slot && lookup->flights[i].cache == cache)
			return true;
	return false;
}

/* 0; -EAGAIN if this host's buffer is full; or a negative errno, for which the cache was judged. */
static int transmit(struct sessiond_lookup *lookup, unsigned cache, uint8_t type, uint16_t tag,
	const uint8_t *key, uint64_t now)
{
	uint8_t datagram[SESSD_HEADER_SIZE];
	int ret;

	exchange_header(datagram, type, tag, key);
	ret = links_send(lookup, cache, datagram, sizeof(datagram));
	if (ret == -EAGAIN || ret == -ENOBUFS)
		return -EAGAIN;
	if (ret < 0)
		lookup_cache_failed(lookup, cache, now, now, -ret);
	return ret;
}

/* Of the two names during a rotation, one asks. */
static bool waits_for_status(const struct sessiond_lookup *lookup, unsigned cache)
{
	for (unsigned i = 0; i < lookup->flight_count; i++)
		if (lookup->flights[i].waits && lookup->flights[i].kind == FLIGHT_STATUS &&
			lookup->flights[i].cache == cache)
			return true;
	return false;
}

static int ask_status(struct sessiond_lookup *lookup, unsigned cache, uint64_t now)
{
	if (waits_for_status(lookup, cache))
		return 0;
	lookup->status_tags[cache] = lookup->next_tag++;
	lookup->status_asked[cache] = true;
	return transmit(lookup, cache, SESSD_GET, lookup->status_tags[cache], status_key, now);
}

/* True if it is on its way. */
static bool start(struct sessiond_lookup *lookup, unsigned slot, unsigned cache,
	enum flight_kind kind, bool second, uint64_t now)
{
	struct flight *flight = &lookup->flights[lookup->flight_count];
	int ret;

	if (lookup->flight_count == FLIGHTS_MAX)
		return false;
	*flight = (struct flight){.kind = kind,
		.cache = (uint8_t)cache,
		.slot = (uint8_t)slot,
		.second = second,
		.sent = now};
	if (kind == FLIGHT_STATUS) {
		ret = ask_status(lookup, cache, now);
	} else {
		flight->tag = lookup->next_tag++;
		ret = transmit(
			lookup, cache, lookup->type, flight->tag, lookup->wire_keys[slot], now);
	}
	if (ret < 0)
		return false;
	flight->waits = true;
	lookup->flight_count++;
	return true;
}

/* False: another cache may be asked. */
static bool take_from(struct sessiond_lookup *lookup, unsigned slot, unsigned cache, uint64_t now)
{
	switch (takes_next(lookup->client, cache, now)) {
	case TAKES_NOT:
		lookup->no_take = true;
		return true;
	case TAKES_ASK:
		return start(lookup, slot, cache, FLIGHT_STATUS, false, now);
	case TAKES_TAKE_AND_ASK:
		ask_status(lookup, cache, now);
		break;
	case TAKES_TAKE:
		break;
	}
	return start(lookup, slot, cache, FLIGHT_SESSION, false, now);
}

static void ask_one(struct sessiond_lookup *lookup, unsigned slot, bool second, uint64_t now)
{
	sessiond_client *client = lookup->client;
	uint8_t order[SESSIOND_CACHES_MAX];

	if (lookup->flight_count == FLIGHTS_MAX)
		return;
	placement_order(client->placement, client->cache_count, lookup->wire_keys[slot], order);
	for (unsigned i = 0; i < client->cache_count; i++) {
		unsigned cache = order[i];

		if (is_asked(lookup, slot, cache) ||
			!breaker_allows(client_breaker(client, cache), now))
			continue;
		if (lookup->type == SESSD_TAKE
				? take_from(lookup, slot, cache, now)
				: start(lookup, slot, cache, FLIGHT_SESSION, second, now))
			return;
	}
}

void ask(struct sessiond_lookup *lookup, bool second, uint64_t now)
{
	for (unsigned slot = 0; slot < lookup->names; slot++)
		ask_one(lookup, slot, second, now);
}

void ask_second(struct sessiond_lookup *lookup, uint64_t now)
{
	unsigned before = lookup->flight_count;

	lookup->asked_second = true;
	lookup->second_at = 0;
	ask(lookup, true, now);
	if (lookup->flight_count > before)
		client_count(lookup->client, asked_second);
}

/* Sends the TAKEs that waited for this cache's status, or gives them up. */
static void go_on(struct sessiond_lookup *lookup, unsigned cache, bool takes, enum flight_kind kind,
	uint64_t now)
{
	for (unsigned i = 0, count = lookup->flight_count; i < count; i++) {
		struct flight *flight = &lookup->flights[i];

		if (!flight->waits || flight->cache != cache || flight->kind != FLIGHT_STATUS)
			continue;
		flight->waits = false;
		if (takes)
			start(lookup, flight->slot, cache, kind, false, now);
		else
			lookup->no_take = true;
	}
}

bool ask_status_came(struct sessiond_lookup *lookup, unsigned cache, size_t size, uint64_t now)
{
	const sessiond_client *client = lookup->client;
	struct exchange_value text;
	bool has_status, takes;

	if (!lookup->status_asked[cache])
		return false;
	switch (exchange_read(
		lookup->datagram, size, status_key, lookup->status_tags[cache], &text)) {
	case EXCHANGE_OK:
		has_status = true;
		break;
	case EXCHANGE_ERR:
		has_status = false;
		break;
	default:
		return false;
	}
	lookup->status_asked[cache] = false;
	if (has_status)
		takes_status(client, cache, text.bytes, text.len, now);
	if (!lookup->asking)
		return true;
	takes = has_status ? takes_next(client, cache, now) != TAKES_NOT
			   : takes_no_status(client, cache, now);
	go_on(lookup, cache, takes, has_status ? FLIGHT_SESSION : FLIGHT_TRY, now);
	return true;
}
