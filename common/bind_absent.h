/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#ifndef SESSIOND_COMMON_BIND_ABSENT_H
#define SESSIOND_COMMON_BIND_ABSENT_H

#include <stdbool.h>
#include <sys/socket.h>

/* bind() that also accepts an IPv4 or IPv6 address that this host does not have yet (IP_FREEBIND),
 * and then sets `*absent`. A failover daemon adds a virtual address when this host takes over, and
 * may wait for sessiond before that. An IPv6 address that is local by a route alone (AnyIP) is
 * bound this way, too. 0, or a negative errno. */
int bind_absent(int fd, const struct sockaddr *addr, socklen_t size, bool *absent);

#endif
