/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer: only it changes the table, the lifetimes and, through the engine, the fast path's own
 * map. It runs on its own thread. The main thread sends it commands, which it runs between two
 * batches.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "control/sessions/census.h"
#include "control/sessions/event_ring.h"
#include "control/sessions/resumption.h"
#include "control/sessions/session_filter.h"
#include "dataplane/engine.h"

enum remove_policy {
	REMOVE_HONOUR,
	REMOVE_IGNORE,
};

struct writer_config {
	uint32_t capacity;
	uint16_t value_max;
	enum remove_policy remove;
	enum take_mode take;	 /* what the status says of --take */
	bool measure;		 /* times of inserts: writer_latency */
	bool farm;		 /* reserve what a farm needs (writer_farm.h) */
	void (*on_thread)(void); /* called first on the writer's thread; or NULL */
};

struct writer;

/* Makes the table for an engine that is open. NULL with error_message() set. */
struct writer *writer_create(
	const struct engine_ops *ops, struct engine *engine, const struct writer_config *config);
/* Adopts the sessions that an earlier daemon left pinned, if there are any. 0 or a negative errno
 * with error_message() set. */
int writer_adopt(struct writer *writer);
/* Starts the engine and the thread. 0 or a negative errno with error_message() set. */
int writer_start(struct writer *writer);
/* Ends the thread; the engine is still open. Safe if it was not started. */
void writer_stop(struct writer *writer);
void writer_destroy(struct writer *writer);

/* Main thread: each waits until the writer has run it, between two batches. */
bool writer_delete(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
/* The same by the rule of TAKE: true only if no client has taken it, and then none will. */
bool writer_take(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
/* `info` may be NULL. */
bool writer_find(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], struct session *session,
	struct session_info *info);
void writer_set_remove(struct writer *writer, enum remove_policy policy);
/* As writer_config.measure. Any thread. */
void writer_set_measure(struct writer *writer, bool measure);
/* Writes one page of sessions from slot `*next` on, at most `room`, and advances `*next`, to
 * table_capacity at the end. Returns how many were written; 0 if the page had only free slots. A
 * page looks at a bounded number of slots. Values are not included. `infos` has the same room.
 * `filter` selects; NULL: every session. */
unsigned writer_list(struct writer *writer, const struct session_filter *filter, uint32_t *next,
	struct session *sessions, struct session_info *infos, unsigned room);
/* The same, but deletes the selected sessions, a bounded number. Returns how many. */
unsigned writer_remove(struct writer *writer, const struct session_filter *filter, uint32_t *next);
/* Main thread: from now on what becomes of NEWs and REMOVEs are events, or no longer. */
void writer_observe(struct writer *writer, bool on);
/* Main thread: the next event; false if there is none. */
bool writer_event(struct writer *writer, struct session_event *event);
/* Sessions that were asked for, and what became of them: an estimate. Any thread. */
struct resumption_counts writer_resumed(const struct writer *writer);
/* The sessions by context: rows of the census. Returns how many. */
unsigned writer_contexts(struct writer *writer, struct census_row rows[CENSUS_ROWS]);

/* The same by source: rows of the census. */
unsigned writer_sources(struct writer *writer, struct source_place rows[SOURCE_LIST_SIZE]);
/* What is known of the sessions that GETs found, and counts each for `weight` GETs: call it for
 * each event of a GET once, WRITER_DESCRIBE_MAX at most. Others stay as they are. */
#define WRITER_DESCRIBE_MAX 128
void writer_describe(
	struct writer *writer, struct session_event *events, unsigned count, unsigned weight);

/* A flush that a client waits for. */
struct writer_flush {
	uint64_t pass;		 /* number of the pass that deletes the sessions */
	uint64_t deleted_before; /* sessions deleted by flushes before this one */
};

/* Main thread: requests a flush, which runs on the writer's thread at 256 sessions per millisecond,
 * so that replies are not delayed: some 5 s for a million. It keeps sessions stored after it began.
 * It begins at once, or when the running flush ends; all flushes requested meanwhile become one. It
 * runs even if nobody calls writer_flush_done. `*flush` may be discarded at any time. */
void writer_flush_start(struct writer *writer, struct writer_flush *flush);
/* Main thread, never waits: 1 if every session that existed at writer_flush_start is deleted, from
 * the fast path too. `*deleted` is then how many sessions all flushes deleted since
 * writer_flush_start. 0 if it still runs; or -ESHUTDOWN with error_message() set if the writer's
 * thread ended before the flush did. */
int writer_flush_done(struct writer *writer, const struct writer_flush *flush, uint64_t *deleted);

/* Adds the times from receiving a NEW until GETs find its session; measured only with
 * writer_config.measure. */
void writer_latency(const struct writer *writer, struct latency *into);

void writer_stats(struct writer *writer, stats_emit emit, void *ctx);

/* Grows with each round of the thread, at least four times a second. Any thread may read it, to see
 * whether the writer is stuck. */
uint64_t writer_passes(const struct writer *writer);

/* A descriptor that becomes readable when the thread ended after an error, and the error's text. */
int writer_failure_fd(const struct writer *writer);
const char *writer_failure(const struct writer *writer);

#endif
