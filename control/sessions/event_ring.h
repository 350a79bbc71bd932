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
void event_ring_add(struct event_ring *ring, enum sessd_type type, enum sessd_outcome outcome,
	const uint8_t *key, const struct address *source, const struct session_facts *facts);

/* [main thread] The next event; false if there is none. */
bool event_ring_take(struct event_ring *ring, struct session_event *event);

#endif
