/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What has no reply: NEW and REMOVE. A cache whose breaker is open is passed over, so its sessions
 * go to the next one, where look-ups of the same time seek them.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "client/lookup_private.h"
#include "client/placement.h"
#include "client/threads.h"

/* Sends to `copies` caches, or to all that may have it. Returns to how many. */
static unsigned send_copies(struct sessiond_lookup *lookup, const uint8_t *wire_key,
	const uint8_t *datagram, size_t size, unsigned copies)
{
	sessiond_client *client = lookup->client;
	uint8_t order[SESSIOND_CACHES_MAX];
	unsigned sent = 0;

	placement_order(client->placement, client->cache_count, wire_key, order);
	for (unsigned i = 0; i < client->cache_count && sent < copies; i++) {
		int ret;

		if (breaker_is_open(client_breaker(client, order[i])))
			continue;
		ret = links_send(lookup, order[i], datagram, size);
		if (ret == 0) {
			sent++;
		} else if (ret != -EAGAIN && ret != -ENOBUFS) {
			uint64_t now = client_now();

			lookup_cache_failed(lookup, order[i], now, now, -ret);
		}
	}
	return sent;
}

int sessiond_put(sessiond_client *client, const struct sessiond_id *id, const void *value,
	size_t len, unsigned timeout_s, unsigned flags)
{
	sessiond_lookup *lookup = threads_lookup(client);
	const struct seal_slot *slot;
	uint8_t *wire_key, *body;
	unsigned copies = flags & SESSIOND_ONE_COPY ? 1 : client->copies;
	size_t size;
	bool ok;

	if (!lookup) {
		client_count(client, puts_dropped);
		return -ENOMEM;
	}
	if (len == 0 || timeout_s < 1 || timeout_s > UINT16_MAX || !lookup_prepare(lookup, id))
		return -EINVAL;
	slot = lookup_slot(lookup, 0);
	size = len + (slot ? SESSIOND_SEAL_OVERHEAD : 0);
	if (size > client->value_max) {
		client_count(client, puts_too_long);
		return -EMSGSIZE;
	}
	wire_key = lookup->wire_keys[0];
	body = lookup->datagram + SESSD_HEADER_SIZE;
	ok = seal_name(&lookup->tools, slot, &lookup->id, wire_key);
	if (!slot)
		memcpy(body, value, len);
	else
		ok = ok &&
		     seal_value(&lookup->tools, slot, &lookup->id, wire_key, value, len, body);
	exchange_header(lookup->datagram, SESSD_NEW, (uint16_t)timeout_s, wire_key);
	ok = ok &&
	     send_copies(lookup, wire_key, lookup->datagram, SESSD_HEADER_SIZE + size, copies) > 0;
	OPENSSL_cleanse(lookup->datagram, SESSD_HEADER_SIZE + size);
	if (ok)
		client_count(client, puts);
	else
		client_count(client, puts_dropped);
	return ok ? 0 : -EAGAIN;
}

int sessiond_remove(sessiond_client *client, const struct sessiond_id *id)
{
	sessiond_lookup *lookup = threads_lookup(client);
	uint8_t datagram[SESSD_HEADER_SIZE];
	unsigned sent = 0, names;

	if (!lookup)
		return -ENOMEM;
	if (!lookup_prepare(lookup, id))
		return -EINVAL;
	names = lookup->ring.count ? lookup->ring.count : 1;
	for (unsigned i = 0; i < names; i++) {
		uint8_t *wire_key = lookup->wire_keys[i];

		if (!seal_name(&lookup->tools, lookup_slot(lookup, i), &lookup->id, wire_key))
			continue;
		exchange_header(datagram, SESSD_REMOVE, 0, wire_key);
		sent += send_copies(lookup, wire_key, datagram, sizeof(datagram), client->copies);
	}
	client_count(client, removes);
	return sent > 0 ? 0 : -EAGAIN;
}
