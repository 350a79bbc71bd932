/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Reports malformed and refused packets from a reader, which must not log: at most one sample per
 * second and reason waits for the main thread. One reader writes, the main thread reads.
 */
#ifndef SESSIOND_DATAPLANE_DROP_SAMPLE_H
#define SESSIOND_DATAPLANE_DROP_SAMPLE_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include <sessiond/map_abi.h>

#include "common/address.h"
#include "dataplane/request.h"

struct drop_sampler {
	uint64_t next[SESSD_DROP_REASONS]; /* tick from which the next sample may be taken */
	uint8_t full[SESSD_DROP_REASONS];  /* atomic: 1 while `events` waits to be read */
	struct sessd_drop_sample events[SESSD_DROP_REASONS];
};

/* [reader] `port`: host byte order. `detail`: the version or type found. `now`: tick. */
static inline void drop_sample_take(struct drop_sampler *sampler, enum sessd_drop_reason reason,
	const struct address *source, uint16_t port, uint8_t detail, uint64_t now)
{
	struct sessd_drop_sample *event = &sampler->events[reason];

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

/* [reader] Samples a dropped datagram, unless it is over --rate-limit. */
static inline void drop_sample_request(struct drop_sampler *sampler, enum request_kind kind,
	const void *datagram, const struct address *source, uint16_t port, uint64_t now)
{
	const struct sessd_header *header = datagram;

	switch (kind) {
	case REQUEST_SHORT:
		drop_sample_take(sampler, SESSD_DROP_SHORT, source, port, 0, now);
		break;
	case REQUEST_VERSION:
		drop_sample_take(sampler, SESSD_DROP_VERSION, source, port, header->version, now);
		break;
	case REQUEST_TYPE:
		drop_sample_take(sampler, SESSD_DROP_TYPE, source, port, header->type, now);
		break;
	case REQUEST_REFUSED:
		drop_sample_take(sampler, SESSD_DROP_NOT_ALLOWED, source, port, 0, now);
		break;
	case REQUEST_NEW:
	case REQUEST_GET:
	case REQUEST_REMOVE:
	case REQUEST_TAKE:
		break;
	}
}

/* [main thread] Passes on the waiting samples, and makes room for new ones. */
static inline void drop_sampler_drain(struct drop_sampler *sampler,
	void (*found)(void *ctx, const struct sessd_drop_sample *event), void *ctx)
{
	for (int i = 0; i < SESSD_DROP_REASONS; i++) {
		if (!__atomic_load_n(&sampler->full[i], __ATOMIC_ACQUIRE))
			continue;
		found(ctx, &sampler->events[i]);
		__atomic_store_n(&sampler->full[i], 0, __ATOMIC_RELEASE);
	}
}

#endif
