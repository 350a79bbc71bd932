/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Selects which reader of a port receives a datagram. By default the kernel decides by addresses
 * and ports. A terminator sends each message from another port, so a session's NEW and its REMOVE
 * could be read by different threads, and the REMOVE could reach the writer first. Steered by key,
 * all messages about a session pass through one queue, in order.
 */
#ifndef SESSIOND_DATAPLANE_SOCKET_STEER_H
#define SESSIOND_DATAPLANE_SOCKET_STEER_H

/* `fd` is any of `readers` sockets that share one address, port and family; they are readers 0, 1,
 * 2 ... in the order in which they were bound. Messages too short for a key are spread by the
 * kernel's hash. 0 or a negative errno. */
int steer_by_key(int fd, unsigned readers);

#endif
