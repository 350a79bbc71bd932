/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The one writer: it alone changes the table, the lifetimes and, through the engine, the fast
 * path's own map. It runs on a thread of its own; the main thread asks it for changes by commands
 * that are carried out between two batches.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/engine.h"

enum remove_policy {
	REMOVE_HONOUR,
	REMOVE_IGNORE,
};

struct writer_config {
	uint32_t capacity;
	uint16_t value_max;
	enum remove_policy remove;
	bool take;		 /* what the status says of --take */
	bool measure;		 /* times of inserts: writer_latency */
	void (*on_thread)(void); /* first thing on the writer's thread; or NULL */
};

struct writer;

/* Makes the table for an engine that is open. NULL with error_message() set. */
struct writer *writer_create(
	const struct engine_ops *ops, struct engine *engine, const struct writer_config *config);
/* Takes over the sessions that outlived the last daemon, if the engine has any. 0 or a negative
 * errno with error_message() set. */
int writer_adopt(struct writer *writer);
/* Starts the engine and the thread. 0 or a negative errno with error_message() set. */
int writer_start(struct writer *writer);
/* Ends the thread; the engine is still open. Safe if it was not started. */
void writer_stop(struct writer *writer);
void writer_destroy(struct writer *writer);

/* Main thread: each waits until the writer has carried it out, between two batches. */
bool writer_delete(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
/* The same by the rule of TAKE: true only if no client has taken it, and then none will. */
bool writer_take(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
bool writer_find(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], struct session *session);
void writer_set_remove(struct writer *writer, enum remove_policy policy);
/* One page of sessions from slot `*next` on, at most `room`; returns how many were written, 0 where
 * there are only free slots, and moves `*next`, to table_capacity at the end. A page looks at a
 * bounded number of slots. Values are not included. */
unsigned writer_list(
	struct writer *writer, uint32_t *next, struct session *sessions, unsigned room);

/* A flush that somebody waits for. */
struct writer_flush {
	uint64_t pass;		 /* over the table, which deletes all that was there */
	uint64_t deleted_before; /* by flushes, when it was asked for */
};

/* Main thread: asks for a flush, which goes on in the writer's thread at a pace of 256 sessions a
 * millisecond, so that replies are not held up: some 5 s for a million. It goes on also if nobody
 * asks how far it is. It spares sessions that are stored after it began, and it begins at once;
 * only where another is under way it begins when that one ends. All that are asked for meanwhile
 * become one. `*flush` may be dropped at any time. */
void writer_flush_start(struct writer *writer, struct writer_flush *flush);
/* Main thread, never waits: 1 if every session that there was at writer_flush_start is gone, from
 * the fast path too. `*deleted` is then how many sessions flushes have deleted since: if there was
 * no other flush, how many this one has. 0 if it goes on; or -ESHUTDOWN with error_message() set if
 * the writer's thread has ended, so that it never will be. */
int writer_flush_done(struct writer *writer, const struct writer_flush *flush, uint64_t *deleted);

/* Adds the times from a NEW's coming to its session's being found by GETs; measured only if there
 * are metrics to tell them by. */
void writer_latency(const struct writer *writer, struct latency *into);

void writer_stats(struct writer *writer, stats_emit emit, void *ctx);

/* Grows with each round of the thread, at least four times a second: any thread may ask whether it
 * is stuck. */
uint64_t writer_passes(const struct writer *writer);

/* A descriptor that becomes readable when the thread ended by itself after an error, and that
 * error's line. */
int writer_failure_fd(const struct writer *writer);
const char *writer_failure(const struct writer *writer);

#endif
