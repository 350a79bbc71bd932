/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The short way from the wire: an AF_XDP socket at each receive queue of each interface, into which
 * the program puts NEWs and REMOVEs. A queue without one is no error: its NEWs take the plain
 * sockets.
 *
 * xsk_open and xsk_close are for the main thread while there is no writer, xsk_stats for any;
 * the rest is the writer's.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_SET_H
#define SESSIOND_DATAPLANE_XDP_XSK_SET_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/engine.h"

/* Messages of one call of xsk_serve: what waits in the other sockets must not wait for long. */
#define XSK_BUDGET 256

/* Memory of the frames of all sockets together. */
#define XSK_BYTES_MAX (64U << 20)

struct xsk_set;

struct xsk_interface {
	const char *name;
	bool native; /* the program is in the driver */
};

/* Bytes that the frames of all sockets of these interfaces take. Any thread. */
uint64_t xsk_bytes(const char (*interfaces)[IF_NAMESIZE], size_t count);

/* Opens what can be opened and puts it into `map_fd`, an XSKMAP in which `map_queues` elements are
 * each interface's; logs what cannot. NULL, logged, if there is not one socket. `table` is for
 * prefetching, and may be NULL. */
struct xsk_set *xsk_open(const struct xsk_interface *interfaces, size_t count, int map_fd,
	uint32_t map_queues, bool busy_poll, const struct table *table);
/* From here on, messages take the plain sockets. NULL is allowed. */
void xsk_close(struct xsk_set *set);

size_t xsk_count(const struct xsk_set *set); /* sockets; 0 for NULL */
size_t xsk_zero_copy(const struct xsk_set *set);

/* Fills in xsk_count elements to wait for. */
void xsk_pollfds(const struct xsk_set *set, struct pollfd *fds);

/* Takes what waits, in turn from each socket that is readable by `fds`, at most XSK_BUDGET
 * messages. Returns the number of those; `*more` is set if some were left. */
int xsk_serve(struct xsk_set *set, struct pollfd *fds, const struct update_sink *sink, bool *more);

void xsk_stats(const struct xsk_set *set, stats_emit emit, void *ctx);

#endif
