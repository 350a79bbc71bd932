/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A source port: a connected UDP socket, messages to send in one system call, and the outstanding
 * GETs. Not thread-safe: one thread uses it.
 */
#ifndef BENCH_FLOW_H
#define BENCH_FLOW_H

#include <stdbool.h>
#include <sys/socket.h>

#include "bench/message.h"
#include "bench/options.h"
#include "bench/workload.h"

#define FLOW_BATCH 64

enum awaited_state {
	AWAITED_DONE, /* answered, or unused */
	AWAITED_OPEN,
	AWAITED_LOST,
};

struct awaited {
	uint64_t due;  /* when it was due: latency counts from here */
	uint64_t sent; /* on the clock of flow_awake() */
	uint64_t number;
	uint16_t tag;
	uint8_t state; /* enum awaited_state */
	bool fence;    /* checks whether the burst before it took effect */
};

struct flow {
	const struct bench_options *options;
	struct bench_result *result; /* the thread's */
	struct held *held;	     /* the thread's */
	int fd;

	struct awaited *ring; /* by tag */
	unsigned ring_mask;
	unsigned head, tail; /* number of GETs made; of GETs settled, oldest first */
	unsigned under_way;

	/* Closed loop of NEWs and REMOVEs, which have no reply: after each burst, GETs for its last
	 * session check whether it took effect. */
	struct {
		bool waiting;	/* for the burst to take effect */
		bool asked;	/* a GET is outstanding */
		uint64_t began; /* when the burst was sent */
		uint64_t sent;	/* the same on the clock of flow_awake() */
		uint64_t retry; /* when to send the next GET */
		uint64_t number;
		unsigned size;
	} fence;

	unsigned queued;
	struct mmsghdr send_headers[FLOW_BATCH], receive_headers[FLOW_BATCH];
	struct iovec send_vectors[FLOW_BATCH], receive_vectors[FLOW_BATCH];
	uint8_t send_buffers[FLOW_BATCH][MESSAGE_MAX];
	uint8_t receive_buffers[FLOW_BATCH][2048];
};

/* CLOCK_MONOTONIC in ns. */
uint64_t bench_now(void);

/* Returns a connected, non-blocking socket to the target, or a negative errno with error_message()
 * set. */
int flow_socket(const struct endpoint *target);

/* NULL with error_message() set. Call held_begin on `held` before the flow is used. */
struct flow *flow_create(
	const struct bench_options *options, struct bench_result *result, struct held *held);
void flow_destroy(struct flow *flow);

/* Whether one more message fits the batch and, if it is a GET, the ring. */
bool flow_has_room(const struct flow *flow);
/* Converts `now` to a clock that stops while the thread is held up. */
static inline uint64_t flow_awake(const struct flow *flow, uint64_t now)
{
	return now - flow->result->held.total;
}

/* Queues a message at time `now`; its latency counts from `due`. */
void flow_queue(struct flow *flow, const struct operation *operation, uint64_t due, uint64_t now,
	bool fence);
/* Sends the queued messages; those that the kernel does not accept stay queued. A negative errno
 * with error_message() set for a permanent error. */
int flow_send(struct flow *flow);
/* Receives and verifies replies. Returns how many. */
unsigned flow_receive(struct flow *flow);
/* Counts overdue GETs as lost. */
void flow_settle(struct flow *flow, uint64_t now);

#endif
