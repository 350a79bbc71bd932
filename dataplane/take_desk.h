/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * TAKEs of one reader that came by the kernel's UDP sockets and wait for the arbiter: what answers
 * each of them later. One thread, the reader's, unless stated otherwise.
 */
#ifndef SESSIOND_DATAPLANE_TAKE_DESK_H
#define SESSIOND_DATAPLANE_TAKE_DESK_H

#include "dataplane/reader.h"
#include "dataplane/take_queue.h"
#include "dataplane/udp_set.h"

struct take_waiting {
	struct sessd_header header;
	struct address source;
	struct udp_way way;
};

struct take_desk {
	struct take_queue *queue;     /* NULL: TAKEs ask nobody */
	struct take_waiting *waiting; /* by place */
};

/* Main thread, before the reader starts. `reader_fd`: eventfd that wakes it. 0, or -ENOMEM. */
int take_desk_open(struct take_desk *desk, struct take_queue *queue, int reader_fd);
/* When the reader has ended. A zeroed struct is allowed. */
void take_desk_close(struct take_desk *desk);

/* Asks about the TAKE in datagram `i` of `batch`, whose session has `left` ticks. True: it waits.
 * False: it is a miss. */
bool take_desk_ask(struct take_desk *desk, struct udp_batch *batch, unsigned i, int fd,
	const struct udp_datagram *datagram, uint64_t left);

/* Claims the session of a TAKE that has won: turns the header into the reply, with room for a value
 * behind it, counts it, and returns the reply's length. */
typedef size_t take_claim(void *ctx, struct sessd_header *header);
/* Answers TAKEs that were decided, a bounded number; `*more` is set if that is not all. Returns how
 * many replies could not be sent, because the kernel refused it or `set` lacks the socket. */
unsigned take_desk_answer(struct take_desk *desk, struct reader *reader, take_claim *claim,
	void *ctx, const struct udp_set *set, bool *more);

#endif
