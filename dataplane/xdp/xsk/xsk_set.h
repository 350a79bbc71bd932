/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * AF_XDP sockets, one at each receive queue of each interface, to which the program redirects NEWs
 * and REMOVEs. A queue without one is no error: its NEWs reach the UDP sockets.
 *
 * Threads: xsk_open and xsk_close: main thread while the writer does not run; xsk_stats xsk_bytes
 * and xsk_set_busy_poll: any; the rest: writer thread.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_XSK_SET_H
#define SESSIOND_DATAPLANE_XDP_XSK_XSK_SET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/engine.h"
#include "dataplane/reader.h"

/* Messages per call of xsk_serve, so that the other sockets do not wait for long. */
#define XSK_BUDGET 256

/* Bytes of the frames of all sockets together, at most. */
#define XSK_BYTES_MAX (64U << 20)

struct xsk_set;

struct xsk_interface {
	const char *name;
	bool native;	 /* the program runs in the driver */
	uint32_t slot;	 /* its elements of the map: slot * map_queues + queue */
	uint32_t queues; /* receive queues */
};

/* Bytes that the frames of all sockets of these interfaces take. */
uint64_t xsk_bytes(const char (*interfaces)[IF_NAMESIZE], size_t count);

/* Opens the sockets and puts them into `map_fd`, an XSKMAP with `map_queues` elements per slot;
 * logs those that cannot be opened. NULL, logged, if none can. `table` is for prefetching,
 * `reader` of the writer thread counts drops by source; both may be NULL, and must outlive the
 * set. */
struct xsk_set *xsk_open(const struct xsk_interface *interfaces, size_t count, int map_fd,
	uint32_t map_queues, bool busy_poll, const struct table *table, struct reader *reader);
/* Messages reach the UDP sockets from then on. NULL is allowed. */
void xsk_close(struct xsk_set *set);

/* What the kernel refuses is logged. NULL is allowed. */
void xsk_set_busy_poll(struct xsk_set *set, bool busy_poll);

size_t xsk_count(const struct xsk_set *set); /* sockets; 0 for NULL */
size_t xsk_zero_copy(const struct xsk_set *set);

/* Fills in xsk_count(set) elements to poll. */
void xsk_pollfds(const struct xsk_set *set, struct pollfd *fds);

/* Handles waiting messages, at most XSK_BUDGET, queue after queue of those readable by `fds`.
 * Returns their number; sets `*more` if some were left. */
int xsk_serve(struct xsk_set *set, struct pollfd *fds, const struct update_sink *sink, bool *more);

void xsk_stats(const struct xsk_set *set, stats_emit emit, void *ctx);

#endif
