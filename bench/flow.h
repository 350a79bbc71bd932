/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A source port: a connected UDP socket, messages to send in one system call, and the GETs whose
 * replies are awaited. One thread uses one.
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
	AWAITED_DONE, /* answered, or never used */
	AWAITED_OPEN,
	AWAITED_LOST,
};

struct awaited {
	uint64_t due;  /* when it was to be sent: latency counts from here */
	uint64_t sent; /* on the clock of flow_awake() */
	uint64_t number;
	uint16_t tag;
	uint8_t state; /* enum awaited_state */
	bool fence;    /* asks whether the burst before it took effect */
};

struct flow {
	const struct bench_options *options;
	struct bench_result *result; /* the thread's */
	struct held *held;	     /* the thread's */
	int fd;

	struct awaited *ring; /* by tag */
	unsigned ring_mask;
	unsigned head, tail; /* GETs made; GETs settled, from the oldest on */
	unsigned under_way;

	/* Closed loop of NEWs and REMOVEs, which have no reply: the last one of each burst is asked
	 * for until it has taken effect. */
	struct {
		bool waiting;	/* for the burst to take effect */
		bool asked;	/* a GET is under way */
		uint64_t began; /* when the burst was sent */
		uint64_t sent;	/* the same, as in struct awaited */
		uint64_t retry; /* when to ask again */
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

/* A connected, non-blocking socket to the target. A negative errno with error_message() set. */
int flow_socket(const struct endpoint *target);

/* NULL with error_message() set. `held` is begun before the flow is used. */
struct flow *flow_create(
	const struct bench_options *options, struct bench_result *result, struct held *held);
void flow_destroy(struct flow *flow);

/* Whether one more message fits the batch and, if it is a GET, the ring. */
bool flow_has_room(const struct flow *flow);
/* `now` on a clock that stands still while the thread is held up. */
static inline uint64_t flow_awake(const struct flow *flow, uint64_t now)
{
	return now - flow->result->held.total;
}

/* Makes a message, at `now`; `due` is the time its latency counts from. */
void flow_queue(struct flow *flow, const struct operation *operation, uint64_t due, uint64_t now,
	bool fence);
/* Sends what is queued; what the kernel does not take stays queued. A negative errno with
 * error_message() set for what will not get better. */
int flow_send(struct flow *flow);
/* Takes and verifies what has come. Returns how many replies. */
unsigned flow_receive(struct flow *flow);
/* Counts as lost what is overdue. */
void flow_settle(struct flow *flow, uint64_t now);

#endif
