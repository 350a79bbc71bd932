/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Which of several readers of a port gets a datagram. Left alone, the kernel decides by addresses
 * and ports. A terminator sends each message from a port of its own, so that a session's NEW and
 * the REMOVE that follows it would be read by different threads, and the REMOVE might be first at
 * the writer. Steered by key, all that concerns a session goes through one queue, in the order in
 * which it came.
 */
#ifndef SESSIOND_DATAPLANE_SOCKET_STEER_H
#define SESSIOND_DATAPLANE_SOCKET_STEER_H

/* `fd` is any one of `readers` sockets that share one address, port and family; in the order in
 * which they were bound they are readers 0, 1, 2 ... Messages too short for a key are spread as
 * the kernel pleases. 0 or a negative errno. */
int steer_by_key(int fd, unsigned readers);

#endif
