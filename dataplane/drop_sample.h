/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * How a reader tells of a malformed or refused packet without logging: it leaves at most one a
 * second and reason where the main thread finds it. One reader writes, the main thread reads.
 */
#ifndef SESSIOND_EVENT_SAMPLER_H
#define SESSIOND_EVENT_SAMPLER_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include <sessiond/map_abi.h>

#include "common/address.h"
#include "dataplane/request.h"

struct event_sampler {
	uint64_t next[SESSD_EVENT_REASONS]; /* the tick from which one may be left again */
	uint8_t full[SESSD_EVENT_REASONS];  /* atomic: 1 while `events` waits to be read */
	struct sessd_event events[SESSD_EVENT_REASONS];
};

/* [reader] `detail` is the version or type that was found. */
static inline void event_sample(struct event_sampler *sampler, enum sessd_event_reason reason,
	const struct address *source, uint16_t port, uint8_t detail, uint64_t now)
{
	struct sessd_event *event = &sampler->events[reason];

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): never NULL, a member */
	if (now < sampler->next[reason] ||
		__atomic_load_n(&sampler->full[reason], __ATOMIC_ACQUIRE))
		return;
	sampler->next[reason] = now + (1000000000U >> SESSD_TICK_SHIFT);
	memset(event, 0, sizeof(*event));
	memcpy(event->source, source->bytes, sizeof(event->source));
	event->port = htons(port);
	event->reason = (uint8_t)reason;
	event->detail = detail;
	__atomic_store_n(&sampler->full[reason], 1, __ATOMIC_RELEASE);
}

/* [reader] The same for a datagram that request_classify refused. */
static inline void event_sample_drop(struct event_sampler *sampler, enum request_kind kind,
	const void *datagram, const struct address *source, uint16_t port, uint64_t now)
{
	const struct sessd_header *header = datagram;

	if (kind == REQUEST_SHORT)
		event_sample(sampler, SESSD_EVENT_SHORT, source, port, 0, now);
	else if (kind == REQUEST_VERSION)
		event_sample(sampler, SESSD_EVENT_VERSION, source, port, header->version, now);
	else if (kind == REQUEST_TYPE)
		event_sample(sampler, SESSD_EVENT_TYPE, source, port, header->type, now);
}

/* [main thread] */
static inline void event_sampler_drain(struct event_sampler *sampler,
	void (*found)(void *ctx, const struct sessd_event *event), void *ctx)
{
	for (int i = 0; i < SESSD_EVENT_REASONS; i++) {
		if (!__atomic_load_n(&sampler->full[i], __ATOMIC_ACQUIRE))
			continue;
		found(ctx, &sampler->events[i]);
		__atomic_store_n(&sampler->full[i], 0, __ATOMIC_RELEASE);
	}
}

#endif
