/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TAKEs that wait for the arbiter of a farm of caches (--take farm). A reader whose table has the
 * session asks, and goes on; the farm's thread decides each question within TAKE_WAIT_US, exactly
 * once; the reader then claims the session, or answers a miss. Both ways are rings of a fixed size,
 * with one producer and one consumer, and without locks. [reader]: the thread of this queue's
 * reader. [arbiter]: the farm's thread.
 */
#ifndef SESSIOND_DATAPLANE_TAKE_QUEUE_H
#define SESSIOND_DATAPLANE_TAKE_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sessiond/protocol.h>

/* TAKEs of one reader that may wait at once, a power of 2: 20 ms of 50,000 a second. More are
 * answered as misses. */
#define TAKE_PLACES 1024
/* From the question to the decision, microseconds. A client of stunnel's kind has given up long
 * before. */
#define TAKE_WAIT_US 20000

enum take_decision {
	TAKE_WON,
	TAKE_LOST,	/* another TAKE has it */
	TAKE_UNDECIDED, /* nobody said who has it: a miss */
};

struct take_question {
	uint8_t key[SESSD_KEY_SIZE];
	uint32_t seconds; /* that the session has left, rounded up */
	uint32_t place;
	uint64_t asked; /* microseconds of CLOCK_MONOTONIC */
};

struct take_answer {
	uint32_t place;
	uint32_t decision; /* enum take_decision */
};

struct take_queues;

/* Each side's fields have a cache line of their own. Indices count up and wrap. */
struct take_queue {
	/* Constant. */
	struct take_queues *all __attribute__((aligned(64)));
	struct take_question *questions;
	struct take_answer *answers;
	int reader_fd; /* eventfd that wakes the reader; -1: it never sleeps */

	/* Written by the reader. */
	uint32_t asked __attribute__((aligned(64))); /* atomic: questions before it are written */
	uint32_t heard;				     /* atomic: answers before it were read */
	uint32_t free_count;
	uint32_t *free; /* places without a question */
	uint64_t full;	/* atomic: TAKEs for which there was no place */
	uint64_t alone; /* atomic: TAKEs while there was no arbiter */

	/* Written by the arbiter. */
	uint32_t read __attribute__((aligned(64))); /* atomic: questions before it were read */
	uint32_t decided;			    /* atomic: answers before it are written */
	bool told; /* an answer was written since the reader was woken */
};

/* The queues of an engine. */
struct take_queues {
	int arbiter_fd;	    /* eventfd that wakes the arbiter */
	atomic_bool asleep; /* the arbiter sleeps, or is about to */
	atomic_bool open;   /* there is an arbiter */
	unsigned count;
	struct take_queue *queues;
	void *memory; /* of all rings */
};

/* Queues of `count` readers. NULL with error_message() set. The caller sets each reader_fd before
 * the readers start. */
struct take_queues *take_queues_open(unsigned count);
/* NULL is allowed. */
void take_queues_close(struct take_queues *queues);

/* Asks about a session that the table has. Returns the place, below TAKE_PLACES, by which the
 * answer comes; -1: there is no room, or no arbiter, which is counted. [reader] */
int take_queue_ask(struct take_queue *queue, const uint8_t key[SESSD_KEY_SIZE], uint32_t seconds);
/* Call it after the questions of a batch: wakes the arbiter if it sleeps. [reader] */
void take_queue_send(struct take_queue *queue);
/* The next answer; its place is free again. False: there is none. [reader] */
bool take_queue_hear(struct take_queue *queue, struct take_answer *answer);

/* From here on questions are answered, by the calling thread or one that it starts. */
void take_queues_begin(struct take_queues *queues);
/* No question comes any more; those that wait are undecided. Call it when the arbiter's thread has
 * ended. */
void take_queues_end(struct take_queues *queues);
/* The next question; false: there is none. [arbiter] */
bool take_queue_next(struct take_queue *queue, struct take_question *question);
/* Once for each question. [arbiter] */
void take_queue_decide(struct take_queue *queue, uint32_t place, enum take_decision decision);
/* Wakes the readers that have answers. [arbiter] */
void take_queues_tell(struct take_queues *queues);
/* Whether there is a question. [arbiter] */
bool take_queues_waiting(const struct take_queues *queues);

/* TAKEs that were not asked about. Any thread. */
uint64_t take_queues_full(const struct take_queues *queues);
uint64_t take_queues_alone(const struct take_queues *queues);

#endif
