/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Between the writer's thread (writer.c) and what it does for the main thread (writer_command.c).
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_PRIVATE_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_PRIVATE_H

#include "control/sessions/writer.h"

#include <pthread.h>
#include <stdatomic.h>

#include "control/sessions/lifetime.h"
#include "control/sessions/status.h"
#include "control/sessions/writer_counters.h"

/* What bounds one step, and with it how long a NEW may wait behind a sweep or a flush. */
#define STEP_DELETES 256
#define STEP_SLOTS   4096
/* What bounds their pace. In the pauses readers get the CPU where they share the writer's; and the
 * kernel, which gives the memory of deleted map elements back in one go for each of its grace
 * periods, with the network of a CPU at rest meanwhile, finds little to do at a time. Flushes of
 * 200 thousand sessions under 20 k GET/s, seven each: with 1024 a millisecond GETs waited 22 to 25
 * ms in two of them; with 256 no longer than in windows without a flush. */
#define STEP_PAUSE_NS 1000000
#define STEP_PAUSE_MS 1

struct command {
	bool (*step)(struct writer *writer, void *ctx); /* true: carried out */
	void *ctx;
	bool done;
};

/* When many sessions were last deleted in one step, and may be again. */
struct pace {
	uint64_t next; /* ns */
};

struct writer {
	const struct engine_ops *ops;
	struct engine *engine;
	struct table *table;
	struct lifetime *lifetime;
	size_t reserved_bytes;
	uint16_t value_max;
	_Atomic int remove_policy;
	bool measure;
	void (*on_thread)(void);
	struct latency inserts;
	uint64_t inserts_began; /* the first of inserts_waiting, which no commit has shown yet */
	unsigned inserts_waiting;
	struct pace sweep_pace, flush_pace;
	struct status status;
	uint64_t reap_next; /* tick from which taken sessions are looked for again */
	bool reaping;	    /* the last time has left some */
	bool sweeping;	    /* the last sweep has left some */
	/* A flush is a pass over the slots, until none is left of those that it found. */
	uint32_t flush_next;   /* the slot from which the pass goes on; the capacity: none does */
	uint64_t flush_wanted; /* the last pass that somebody waits for */
	uint64_t flush_begun;  /* passes */
	_Atomic uint64_t flush_ended;	/* passes: all that they were to delete is gone */
	_Atomic uint64_t flush_deleted; /* sessions, by all passes so far */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	_Atomic uint64_t passes;
	/* The mailbox of the main thread: one command at a time. */
	pthread_mutex_t lock;
	pthread_cond_t done;
	_Atomic(struct command *) command;
	bool ended; /* the thread; under the lock */
	int failure_fd;
	char failure[512];
#define X(name, ...) uint64_t name;
	WRITER_COUNTERS(X)
#undef X
};

/* All of these are called on the writer's thread. */

/* The slot of a session, or TABLE_NO_SLOT: the status entry is none. */
uint32_t writer_find_slot(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
/* Deletes a session that is on no list of lifetimes any more, from the table and the fast path. */
void writer_drop(struct writer *writer, uint32_t slot);
/* The same before the session's time is over. */
void writer_drop_early(struct writer *writer, uint32_t slot);
/* Whether a TAKE got the session of a slot: it is gone for every reader, and is to be dropped. */
bool writer_is_taken(struct writer *writer, const struct session *session);
/* Drops it. */
void writer_drop_taken(struct writer *writer, uint32_t slot);
/* Gives what was changed to the fast path. */
void writer_commit(struct writer *writer);
/* Whether it is time for another step of many deletes. */
bool writer_pace_due(struct pace *pace);

/* One step of the main thread's command, if there is one; true if it wants another. */
bool writer_obey(struct writer *writer);
/* A step of a flush, if one is under way or wanted; true if there is more to do. */
bool writer_flush_step(struct writer *writer);

#endif
