/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * AF_XDP sockets, one at each receive queue of each interface. The program hands over NEWs and
 * REMOVEs, in its rings (frame_rings.h) or, with --busy-poll, to these sockets, as long as they are
 * open. A queue without one is no error: its NEWs reach the UDP sockets.
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
#include "dataplane/xdp/xsk/frame_rings.h"

/* Messages of AF_XDP and rings in one poll, so that the other sockets do not wait for long. */
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
uint64_t xsk_bytes(const char (*interfaces)[IF_NAMESIZE], size_t count, bool busy_poll);

/* Opens the sockets and puts them into `map_fd`, an XSKMAP with `map_queues` elements per slot;
 * logs those that cannot be opened. NULL, logged, if none can. Without `busy_poll` they have few
 * frames, and none that a driver fills itself (zero copy). */
struct xsk_set *xsk_open(const struct xsk_interface *interfaces, size_t count, int map_fd,
	uint32_t map_queues, bool busy_poll, const struct frame_intake *intake);
/* Messages reach the UDP sockets from then on. NULL is allowed. */
void xsk_close(struct xsk_set *set);

/* What the kernel refuses is logged. NULL is allowed. */
void xsk_set_busy_poll(struct xsk_set *set, bool busy_poll);

size_t xsk_count(const struct xsk_set *set); /* sockets; 0 for NULL */
size_t xsk_zero_copy(const struct xsk_set *set);

/* Fills in xsk_count(set) elements to poll. */
void xsk_pollfds(const struct xsk_set *set, struct pollfd *fds);

/* Handles waiting messages, at most `budget`, queue after queue of those readable by `fds`.
 * Returns their number; sets `*more` if that was the budget. */
unsigned xsk_serve(struct xsk_set *set, struct pollfd *fds, unsigned budget,
	const struct update_sink *sink, bool *more);

/* Emits the figures of both ways together. */
void xsk_stats(
	const struct xsk_set *set, const struct frame_rings *rings, stats_emit emit, void *ctx);

#endif
