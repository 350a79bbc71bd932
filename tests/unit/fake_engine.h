/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * An engine for the writer's test: delivers the changes that a test queues, and stores puts and
 * deletes like a fast path with its own map.
 */
#ifndef TESTS_UNIT_FAKE_ENGINE_H
#define TESTS_UNIT_FAKE_ENGINE_H

#include "dataplane/engine.h"

/* A put whose value starts with this byte is refused at commit. */
#define FAKE_REFUSED 0xff

struct fake_entry {
	bool present;
	struct session session;
	uint8_t first;	   /* of the value, */
	uint8_t begin[64]; /* and as many; the rest of it is as the first */
};

extern const struct engine_ops fake_engine_ops;

struct engine *fake_engine_create(uint32_t capacity);
void fake_engine_destroy(struct engine *engine);

/* Call it before writer_adopt: adds a session that an earlier daemon left. */
void fake_engine_outlived(struct engine *engine, const struct session *session);
unsigned fake_engine_forgotten(struct engine *engine);

/* Queues a change; `type` is SESSD_NEW or SESSD_REMOVE. The value is `len` times `first`. */
void fake_engine_send(
	struct engine *engine, int type, uint32_t key, uint16_t timeout, uint8_t first, size_t len);
/* Queues a NEW of this value, which the caller keeps; `source` may be NULL. */
void fake_engine_send_value(struct engine *engine, uint32_t key, uint16_t timeout,
	const void *value, size_t len, const struct address *source);
/* Waits until all queued changes were delivered and committed. */
void fake_engine_settle(struct engine *engine);
/* The next start or poll fails. */
void fake_engine_fail(struct engine *engine);

/* The fast path's session for a key. */
bool fake_engine_find(struct engine *engine, uint32_t key, struct fake_entry *entry);
/* The status entry, as it was put last. */
struct session fake_engine_status(struct engine *engine);
unsigned fake_engine_count(struct engine *engine);
void fake_engine_key(uint32_t number, uint8_t key[SESSD_KEY_SIZE]);

/* NEWs of a known source that the writer said are refused. */
unsigned fake_engine_lost(struct engine *engine);

#endif
