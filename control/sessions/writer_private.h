/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Shared by the writer's thread (writer.c) and the main thread's commands (writer_command.c).
 */
#ifndef SESSIOND_CONTROL_SESSIONS_WRITER_PRIVATE_H
#define SESSIOND_CONTROL_SESSIONS_WRITER_PRIVATE_H

#include "control/sessions/writer.h"

#include <pthread.h>
#include <stdatomic.h>

#include "common/run_delay.h"
#include "control/sessions/census.h"
#include "control/sessions/event_ring.h"
#include "control/sessions/lifetime.h"
#include "control/sessions/memory_ahead.h"
#include "control/sessions/resumption.h"
#include "control/sessions/status.h"
#include "control/sessions/writer_counters.h"

struct farm;
struct writer_farm;

/* Bounds one step, and so how long a NEW may wait behind a sweep or a flush. */
#define STEP_DELETES 256
#define STEP_SLOTS   4096
#define STEP_VALUES  256 /* read from the fast path: a system call each in xdp mode */
/* Pause between steps. Readers that share the writer's CPU run in the pauses. The kernel frees
 * deleted map elements once per RCU grace period, and that CPU's network processing waits
 * meanwhile: small steps keep this short. Measured with flushes of 200,000 sessions under 20,000
 * GET/s, seven each: at 1024 per millisecond GETs waited 22 to 25 ms in two of them; at 256 no
 * longer than without a flush. */
#define STEP_PAUSE_NS 1000000
#define STEP_PAUSE_MS 1

struct command {
	bool (*step)(struct writer *writer, void *ctx); /* true: done */
	void *ctx;
	bool done;
};

/* When the next step of many deletes may run. */
struct pace {
	uint64_t next; /* ns */
};

struct writer {
	const struct engine_ops *ops;
	struct engine *engine;
	struct table *table;
	struct memory_ahead memory;
	struct lifetime *lifetime;
	struct census *census;
	struct resumption resumption;
	struct run_delay delay; /* of the writer's thread */
	struct event_ring events;
	uint64_t new_ns; /* when the first NEW of this poll came; 0: none has */
	size_t reserved_bytes;
	uint16_t value_max;
	_Atomic int remove_policy;
	atomic_bool measure;
	void (*on_thread)(void);
	struct latency inserts;
	uint64_t inserts_began; /* when the first of inserts_waiting was received */
	unsigned inserts_waiting;
	struct pace sweep_pace, flush_pace;
	struct status status;
	struct writer_farm *farm; /* NULL: there is none */
	bool ready;		  /* the status says that the farm's warm-up is over */
	uint64_t scan_next;	  /* tick of the census's next look at the marks */
	uint64_t judge_next;	  /* tick of the next estimate of resumptions */
	uint64_t reap_next;	  /* tick from which taken sessions are looked for again */
	bool reaping;		  /* the last reap did not finish */
	bool sweeping;		  /* the last sweep did not finish */
	/* A flush is a pass over the slots that ends when no session from before it is left. */
	uint32_t flush_next;	      /* the pass's next slot; the capacity if no pass is running */
	uint64_t flush_wanted;	      /* the last pass requested */
	uint64_t flush_begun;	      /* passes */
	_Atomic uint64_t flush_ended; /* completed passes */
	_Atomic uint64_t flush_deleted; /* sessions, by all passes so far */
	pthread_t thread;
	bool started;
	atomic_bool stop;
	_Atomic uint64_t passes;
	/* Commands of the main thread: one at a time. */
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

/* Before the thread runs: takes in a session of the last daemon, whose slot is allocated. */
void writer_take_in(
	struct writer *writer, const struct session *session, const void *value, bool visited);

/* Call all of these on the writer's thread. */

/* The slot of a session, or TABLE_NO_SLOT: the status entry is none. */
uint32_t writer_find_slot(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE]);
/* Reads the session of a slot, as table_slot, with its end also where the table is an index.
 * The length is 0 there. */
bool writer_session(struct writer *writer, uint32_t slot, struct session *session);
/* Deletes a session that `lifetime` has already released, from the table and the fast path. */
void writer_drop(struct writer *writer, uint32_t slot);
/* The same for a session that has not ended yet. */
void writer_drop_early(struct writer *writer, uint32_t slot);
/* Whether a TAKE got the session of a slot: it is gone for every reader, and is to be dropped. */
bool writer_is_taken(struct writer *writer, const struct session *session);
/* Drops it. */
void writer_drop_taken(struct writer *writer, uint32_t slot);
/* A free slot, if need be of a session that has ended, or TABLE_NO_SLOT. */
uint32_t writer_free_slot(struct writer *writer, uint64_t now);
/* The same; if there is none, evicts a session. */
uint32_t writer_take_slot(struct writer *writer, uint64_t now);
/* Stores a session, whose sum need not be set, in the slot that it names. `oldest`: it is older
 * than all that are stored, and is to be evicted before them. `source` may be NULL; returns its
 * place (census_add). */
uint8_t writer_store(struct writer *writer, uint64_t hash, struct session *session,
	const void *value, const struct session_facts *facts, const struct address *source,
	bool oldest);
/* Copies a session's value to `value`, of ENGINE_VALUE_ROOM bytes, and returns its length. 0 if it
 * is gone, or its engine cannot tell. Wipe it. */
uint16_t writer_value(struct writer *writer, const struct session *session, void *value);
/* Sets the length of a session whose table has none: a system call in xdp mode. */
void writer_read_length(struct writer *writer, struct session *session);
/* Reads the context of a session that is among the others: its value has it. Sets the length, too.
 */
void writer_read_context(struct writer *writer, struct session *session, struct session_info *info);
/* Passes the changes to the fast path. */
void writer_commit(struct writer *writer);
/* Whether another step of many deletes may run now. */
bool writer_pace_due(struct pace *pace);

/* One step of the main thread's command, if there is one; true if it wants another. */
bool writer_obey(struct writer *writer);
/* writer_farm.c. All but create and destroy are called only where there is a farm.
 * NULL if out of memory. */
struct writer_farm *writer_farm_create(uint32_t capacity);
/* The farm begins while sessions are stored: those in slots below `end` are this cache's own, and
 * go out. */
void writer_farm_own_all(struct writer_farm *farm, uint32_t end);
void writer_farm_join(struct writer_farm *farm, struct farm *to);
void writer_farm_destroy(struct writer_farm *farm);
void writer_farm_stats(const struct writer_farm *farm, stats_emit emit, void *ctx);
/* A client stored a session, or an earlier daemon left it. */
void writer_farm_new(struct writer_farm *farm, const struct session *session, uint64_t hash,
	uint16_t timeout, const void *value);
void writer_farm_adopted(struct writer_farm *farm, uint32_t slot);
/* A client or an operator ended one: FARM_REMOVE or FARM_TAKEN, whether it was here or not. */
void writer_farm_ended(struct writer *writer, const uint8_t key[SESSD_KEY_SIZE], int type);
/* An operator asked here for a flush; a flush begins. */
void writer_farm_flush_here(struct writer_farm *farm);
void writer_farm_flush_begins(struct writer_farm *farm);
/* Takes in a slice of what peers changed, and wakes the farm if there is something for it. Returns
 * how long the writer may rest, at most `rest` ms. */
int writer_farm_step(struct writer *writer, int rest);
/* Whether the farm was joined and its warm-up is over. */
bool writer_farm_warm(const struct writer_farm *farm);

/* A step of a flush, if one is under way or wanted; true if there is more to do. */
bool writer_flush_step(struct writer *writer);

#endif
