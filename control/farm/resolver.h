/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Resolves a name on a thread of its own, because getaddrinfo may wait for minutes.
 */
#ifndef SESSIOND_CONTROL_FARM_RESOLVER_H
#define SESSIOND_CONTROL_FARM_RESOLVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define RESOLVER_ADDRESSES_MAX 4

struct resolver;

/* NULL with errno set. on_thread is called first on the thread, or NULL. */
struct resolver *resolver_start(const char *host, uint16_t port, void (*on_thread)(void));
/* 0: not yet. Else the number of addresses written; or -1, and `why` says why. Never waits for the
 * thread. */
int resolver_result(struct resolver *resolver,
	struct sockaddr_storage addresses[RESOLVER_ADDRESSES_MAX], char *why, size_t why_size);
/* The thread may go on until getaddrinfo returns. NULL is allowed. */
void resolver_drop(struct resolver *resolver);

/* An address needs no thread: parses it. The length, or 0 if it is none. */
socklen_t resolver_address(const char *text, uint16_t port, struct sockaddr_storage *address);

#endif
