/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "control/sessions/memory_ahead.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/log.h"

/* At a million NEWs a second the writer needs 32 ms for the second; populating it takes some. */
#define FIRST_BYTES (2U << 20)
#define AHEAD_BYTES (8U << 20)
/* A thread that waits for this CPU may have to wait for the end of a system call: a huge page. */
#define STEP_BYTES (2U << 20)

/* Never asks: all is populated, or an answer is due. */
#define NEVER UINT32_MAX

static void populate_index(struct memory_ahead *memory)
{
	if (!memory->index)
		table_populate_index(memory->table);
	memory->index = true;
}

static void populate_to(struct memory_ahead *memory, uint32_t end)
{
	uint32_t ready = atomic_load_explicit(&memory->ready, memory_order_relaxed);
	uint32_t capacity = table_capacity(memory->table);

	if (end > capacity)
		end = capacity;
	if (end <= ready)
		return;
	/* Where the kernel has no memory now, pages are taken when they are touched. */
	table_populate_slots(memory->table, ready, end);
	atomic_store_explicit(&memory->ready, end, memory_order_relaxed);
}

/* When half of what is ahead is used up. */
static void set_next(struct memory_ahead *memory)
{
	uint32_t ready = atomic_load_explicit(&memory->ready, memory_order_relaxed);
	uint32_t next = ready > memory->ahead / 2 ? ready - memory->ahead / 2 : 1;

	if (ready == table_capacity(memory->table))
		next = NEVER;
	if (!memory->index)
		next = 1;
	atomic_store_explicit(&memory->next, next, memory_order_relaxed);
}

int memory_ahead_open(struct memory_ahead *memory, struct table *table, void (*on_thread)(void))
{
	uint32_t slot = table_slot_size(table), first = FIRST_BYTES / slot;
	int err;

	memset(memory, 0, sizeof(*memory));
	memory->table = table;
	memory->on_thread = on_thread;
	memory->wake_fd = -1;
	memory->ahead = AHEAD_BYTES / slot;
	err = table_populate_slots(table, 0, first);
	if (err == -ENOMEM)
		return err;
	/* It is all populated, or its memory is an engine's. */
	if (err || first >= table_capacity(table)) {
		populate_index(memory);
		first = table_capacity(table);
	}
	atomic_store(&memory->ready, first);
	set_next(memory);
	memory->wake_fd = eventfd(0, EFD_CLOEXEC);
	return memory->wake_fd < 0 ? -ENOMEM : 0;
}

void memory_ahead_at_start(struct memory_ahead *memory, uint32_t slot)
{
	populate_index(memory);
	if (slot >= atomic_load_explicit(&memory->ready, memory_order_relaxed))
		populate_to(memory, slot + memory->ahead);
	set_next(memory);
}

void memory_ahead_ask(struct memory_ahead *memory, uint32_t used)
{
	uint64_t one = 1;

	atomic_store_explicit(&memory->next, NEVER, memory_order_relaxed);
	atomic_store_explicit(&memory->wanted, used, memory_order_relaxed);
	/* An eventfd of a small count takes a 1. */
	if (write(memory->wake_fd, &one, sizeof(one)) < 0)
		log_error("cannot wake the thread that takes memory: %s", strerror(errno));
}

static void populate_in_steps(struct memory_ahead *memory, uint32_t end)
{
	const uint32_t step = STEP_BYTES / table_slot_size(memory->table);
	uint32_t ready;

	while ((ready = atomic_load_explicit(&memory->ready, memory_order_relaxed)) < end &&
		ready < table_capacity(memory->table)) {
		populate_to(memory, end - ready < step ? end : ready + step);
		sched_yield();
	}
}

static void *run(void *ctx)
{
	struct memory_ahead *memory = ctx;
	uint64_t count;

	if (memory->on_thread)
		memory->on_thread();
	while (read(memory->wake_fd, &count, sizeof(count)) == (ssize_t)sizeof(count) &&
		!atomic_load_explicit(&memory->stop, memory_order_relaxed)) {
		populate_index(memory);
		populate_in_steps(
			memory, atomic_load_explicit(&memory->wanted, memory_order_relaxed) +
					memory->ahead);
		set_next(memory);
	}
	return NULL;
}

int memory_ahead_start(struct memory_ahead *memory)
{
	int err;

	if (atomic_load_explicit(&memory->next, memory_order_relaxed) == NEVER)
		return 0;
	err = pthread_create(&memory->thread, NULL, run, memory);
	if (err)
		return error_set(
			err, "cannot start the thread that takes memory: %s", strerror(err));
	memory->started = true;
	return 0;
}

void memory_ahead_close(struct memory_ahead *memory)
{
	uint64_t one = 1;

	if (!memory->table)
		return;
	atomic_store_explicit(&memory->stop, true, memory_order_relaxed);
	if (memory->started && write(memory->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
		pthread_join(memory->thread, NULL);
	if (memory->wake_fd >= 0)
		close(memory->wake_fd);
	memory->table = NULL;
}
