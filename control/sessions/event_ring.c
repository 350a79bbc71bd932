/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/event_ring.h"

#include <string.h>

void event_ring_add(struct event_ring *ring, enum sessd_type type, enum sessd_outcome outcome,
	const uint8_t *key, const struct address *source, const struct session_facts *facts)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	struct session_event *event = &ring->events[tail % EVENT_RING_SIZE];

	if (tail - atomic_load_explicit(&ring->head, memory_order_acquire) == EVENT_RING_SIZE)
		return;
	*event = (struct session_event){
		.request = {.type = (uint8_t)type, .outcome = (uint8_t)outcome},
		.kind = facts ? facts->kind : SESSION_KINDS,
		.context_len = facts ? facts->context_len : 0};
	memcpy(event->request.key, key, sizeof(event->request.key));
	if (source)
		memcpy(event->request.source, source, sizeof(*source));
	if (facts)
		memcpy(event->context, facts->context, sizeof(event->context));
	atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
}

bool event_ring_take(struct event_ring *ring, struct session_event *event)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	if (head == atomic_load_explicit(&ring->tail, memory_order_acquire))
		return false;
	*event = ring->events[head % EVENT_RING_SIZE];
	atomic_store_explicit(&ring->head, head + 1, memory_order_release);
	return true;
}
