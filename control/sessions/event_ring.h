/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What became of NEWs and REMOVEs, from the writer to the main thread, for `sessionctl watch`: one
 * producer, one consumer, no locks. A full ring drops more. Never a value.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_EVENT_RING_H
#define SESSIOND_CONTROL_SESSIONS_EVENT_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sessiond/request_event.h>

#include "common/address.h"
#include "dataplane/session_der.h"

#define EVENT_RING_SIZE 1024

struct session_event {
	struct sessd_request_event request; /* a source of zeros is unknown */
	enum session_kind kind;
	uint8_t context_len;
	uint8_t context[SESSION_CONTEXT_MAX];
};

/* Zero-initialise it. */
struct event_ring {
	atomic_bool on;
	_Atomic uint32_t tail, head;
	struct session_event events[EVENT_RING_SIZE];
};

/* [writer] `facts` may be NULL: unknown. */
static inline void event_ring_add(struct event_ring *ring, enum sessd_type type,
	enum sessd_outcome outcome, const uint8_t *key, const struct address *source,
	const struct session_facts *facts)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct session_event *event = &ring->events[tail % EVENT_RING_SIZE];

	if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) == EVENT_RING_SIZE)
		return;
	*event = (struct session_event){
		.request = {.type = (uint8_t)type, .outcome = (uint8_t)outcome},
		.kind = facts ? facts->kind : SESSION_KINDS,
		.context_len = facts ? facts->context_len : 0};
	__builtin_memcpy(event->request.key, key, sizeof(event->request.key));
	if (source)
		__builtin_memcpy(event->request.source, source, sizeof(*source));
	if (facts)
		__builtin_memcpy(event->context, facts->context, sizeof(event->context));
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

/* [main thread] The next event; false if there is none. */
static inline bool event_ring_take(struct event_ring *ring, struct session_event *event)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&ring->tail, memory_order_acquire))
		return false;
	*event = ring->events[head % EVENT_RING_SIZE];
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}

#endif
