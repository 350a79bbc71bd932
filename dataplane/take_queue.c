/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/take_queue.h"

#include "common/locked_memory.h"
#include "common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A reader's rings and places. */
struct rings {
	struct take_question questions[TAKE_PLACES];
	struct take_answer answers[TAKE_PLACES];
	uint32_t free[TAKE_PLACES];
};

static uint32_t load(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void count(uint64_t *counter)
{
	__atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static void wake(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0)
		return; /* EAGAIN: the counter is full, so it is readable */
}

struct take_queues *take_queues_open(unsigned count)
{
	struct take_queues *queues = calloc(1, sizeof(*queues));
	struct rings *rings = memory_reserve(count * sizeof(*rings), true);

	if (queues) {
		queues->arbiter_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		queues->queues = aligned_alloc(64, count * sizeof(*queues->queues));
		queues->memory = rings;
		queues->count = count;
	}
	if (!queues || !rings || !queues->queues || queues->arbiter_fd < 0) {
		take_queues_close(queues);
		if (!queues)
			memory_release(rings, count * sizeof(*rings));
		(void)error_set(ENOMEM, "no memory or descriptor for the TAKEs of a farm");
		return NULL;
	}
	memset(queues->queues, 0, count * sizeof(*queues->queues));
	for (unsigned i = 0; i < count; i++) {
		struct take_queue *queue = &queues->queues[i];

		queue->all = queues;
		queue->questions = rings[i].questions;
		queue->answers = rings[i].answers;
		queue->free = rings[i].free;
		queue->reader_fd = -1;
		for (uint32_t place = 0; place < TAKE_PLACES; place++)
			queue->free[queue->free_count++] = place;
	}
	return queues;
}

void take_queues_close(struct take_queues *queues)
{
	if (!queues)
		return;
	if (queues->arbiter_fd >= 0)
		close(queues->arbiter_fd);
	memory_release(queues->memory, queues->count * sizeof(struct rings));
	free(queues->queues);
	free(queues);
}

int take_queue_ask(struct take_queue *queue, const uint8_t key[SESSD_KEY_SIZE], uint32_t seconds)
{
	struct take_question *question = &queue->questions[queue->asked % TAKE_PLACES];
	struct timespec now;

	if (!atomic_load_explicit(&queue->all->open, memory_order_relaxed)) {
		count(&queue->alone);
		return -1;
	}
	if (queue->free_count == 0) {
		count(&queue->full);
		return -1;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	memcpy(question->key, key, SESSD_KEY_SIZE);
	question->seconds = seconds;
	question->place = queue->free[--queue->free_count];
	question->asked = (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
	store(&queue->asked, queue->asked + 1);
	return (int)question->place;
}

void take_queue_send(struct take_queue *queue)
{
	struct take_queues *all = queue->all;

	/* The questions were stored before; the fence orders that against the load. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&all->asleep, memory_order_relaxed) &&
		atomic_exchange(&all->asleep, false))
		wake(all->arbiter_fd);
}

bool take_queue_hear(struct take_queue *queue, struct take_answer *answer)
{
	if (queue->heard == load(&queue->decided))
		return false;
	*answer = queue->answers[queue->heard % TAKE_PLACES];
	store(&queue->heard, queue->heard + 1);
	queue->free[queue->free_count++] = answer->place;
	return true;
}

bool take_queue_next(struct take_queue *queue, struct take_question *question)
{
	if (queue->read == load(&queue->asked))
		return false;
	*question = queue->questions[queue->read % TAKE_PLACES];
	store(&queue->read, queue->read + 1);
	return true;
}

/* There is room: an answer waits for each place at most. */
void take_queue_decide(struct take_queue *queue, uint32_t place, enum take_decision decision)
{
	queue->answers[queue->decided % TAKE_PLACES] = (struct take_answer){place, decision};
	store(&queue->decided, queue->decided + 1);
	queue->told = true;
}

void take_queues_tell(struct take_queues *queues)
{
	for (unsigned i = 0; i < queues->count; i++) {
		struct take_queue *queue = &queues->queues[i];

		if (!queue->told)
			continue;
		queue->told = false;
		wake(queue->reader_fd);
	}
}

bool take_queues_waiting(const struct take_queues *queues)
{
	for (unsigned i = 0; i < queues->count; i++)
		if (queues->queues[i].read != load(&queues->queues[i].asked))
			return true;
	return false;
}

static void decide_none(struct take_queues *queues)
{
	struct take_question question;

	for (unsigned i = 0; i < queues->count; i++)
		while (take_queue_next(&queues->queues[i], &question))
			take_queue_decide(&queues->queues[i], question.place, TAKE_UNDECIDED);
	take_queues_tell(queues);
}

void take_queues_begin(struct take_queues *queues)
{
	atomic_store(&queues->open, true);
}

void take_queues_end(struct take_queues *queues)
{
	atomic_store(&queues->open, false);
	decide_none(queues);
}

static uint64_t sum(const struct take_queues *queues, bool full)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < queues->count; i++)
		total += __atomic_load_n(full ? &queues->queues[i].full : &queues->queues[i].alone,
			__ATOMIC_RELAXED);
	return total;
}

uint64_t take_queues_full(const struct take_queues *queues)
{
	return sum(queues, true);
}

uint64_t take_queues_alone(const struct take_queues *queues)
{
	return sum(queues, false);
}
