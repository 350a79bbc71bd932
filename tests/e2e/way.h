/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Ways for a datagram to reach the cache, for tests that compare them. A way is written KIND:HOST:
 *
 *   udp      as any client sends it: the fast path answers
 *   options  with IPv4 options or an IPv6 destination-options header: the fast path passes it up,
 *            the daemon's own socket answers
 */
#ifndef E2E_WAY_H
#define E2E_WAY_H

#include <stddef.h>
#include <sys/types.h>

struct way {
	const char *name;
	int fd;
};

/* On failure prints the error and exits (2 for usage, 1 otherwise). */
void way_open(struct way *way, const char *spec, const char *port);
/* Discards unread datagrams, then sends. */
void way_send(struct way *way, const void *payload, size_t len);
/* Waits at most `wait_ms` for a datagram; returns its length, or -1 if none came. */
ssize_t way_receive(struct way *way, void *reply, size_t room, int wait_ms);

#endif
