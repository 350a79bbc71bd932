/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Takes the table's memory as it fills: a thread keeps some MiB of slots populated, with huge
 * pages, beyond those in use, so that no NEW waits until the kernel has cleared a page. What an
 * idle daemon holds is that and no more. The index is taken with the first session.
 */
#ifndef SESSIOND_CONTROL_SESSIONS_MEMORY_AHEAD_H
#define SESSIOND_CONTROL_SESSIONS_MEMORY_AHEAD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/table/table.h"

struct memory_ahead {
	struct table *table;
	uint32_t ahead;		 /* slots to keep populated beyond those in use */
	_Atomic uint32_t ready;	 /* slots below it are populated */
	_Atomic uint32_t wanted; /* in use, when the thread was asked */
	_Atomic uint32_t next;	 /* the thread is asked once so many are in use */
	bool index;		 /* of the thread, once it runs: the index is populated */
	int wake_fd;
	atomic_bool stop;
	bool started;
	pthread_t thread;
	void (*on_thread)(void);
};

/* Populates the first slots. 0, or -ENOMEM. `on_thread` is called first on the thread; or NULL. */
int memory_ahead_open(struct memory_ahead *memory, struct table *table, void (*on_thread)(void));
/* Before the start: a session is about to be stored in this slot. */
void memory_ahead_at_start(struct memory_ahead *memory, uint32_t slot);
/* Starts the thread, if there is anything to do for it. 0, or a negative errno with error_message()
 * set. */
int memory_ahead_start(struct memory_ahead *memory);
/* Ends it; a zeroed struct is allowed. */
void memory_ahead_close(struct memory_ahead *memory);

/* Asks the thread. Call memory_ahead_look instead. */
void memory_ahead_ask(struct memory_ahead *memory, uint32_t used);

/* [writer] Once in each round. */
static inline void memory_ahead_look(struct memory_ahead *memory)
{
	uint32_t used = table_used_end(memory->table);

	if (__builtin_expect(used >= atomic_load_explicit(&memory->next, memory_order_relaxed), 0))
		memory_ahead_ask(memory, used);
}

#endif
