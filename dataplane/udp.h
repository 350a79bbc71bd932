/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * UDP sockets that answer from the address they were asked at, in batches.
 */
#ifndef SESSIOND_DATAPLANE_UDP_H
#define SESSIOND_DATAPLANE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/address.h"

/* Datagrams of one batch: enough to make system calls cheap, few enough to stay in L2. */
#define UDP_BATCH 64

/* Bytes kept of a datagram; a longer one is cut, its true length still told. */
#define UDP_BUFFER 2048

/* Opens the sockets of `listen`: one an address, two (IPv4 and IPv6) for "any", IPv6 only where the
 * host has it. `shared`: allow more of them on the same port in this process (SO_REUSEPORT); the
 * very first set of a process must be opened before any shared one, so that a second daemon on the
 * port is refused. Returns how many were written to `fds`, or a negative errno with
 * error_message() set and nothing left open. */
int udp_open_all(const struct endpoint *listen, size_t count, bool shared, int *fds, size_t room);

/* Lets later sockets of this process share the port of a socket that was opened alone. */
int udp_share(int fd);

/* Datagrams that the kernel dropped because the socket's buffer was full. */
uint64_t udp_drops(int fd);

struct udp_batch;

/* NULL on failure. Used by one thread. */
struct udp_batch *udp_batch_create(void);
/* Wipes the buffers: they held values. */
void udp_batch_destroy(struct udp_batch *batch);

/* Receives what waits, at most UDP_BATCH, without blocking. Returns the number, 0 if none. What was
 * sent to a broadcast or multicast address is dropped and counted. */
unsigned udp_receive(struct udp_batch *batch, int fd);

/* Datagrams that were sent to a group, since the start. Any thread; 0 for NULL. */
uint64_t udp_group_drops(const struct udp_batch *batch);

struct udp_datagram {
	uint8_t *data; /* UDP_BUFFER bytes; a reply may be written over the request */
	size_t length; /* as sent; of data, at most UDP_BUFFER bytes are there */
	struct address source;
	uint16_t port; /* host order */
};

/* Datagram `i` of the last udp_receive. */
void udp_datagram(struct udp_batch *batch, unsigned i, struct udp_datagram *datagram);

/* Queues the first `length` bytes of datagram `i` as its reply. */
void udp_reply(struct udp_batch *batch, unsigned i, size_t length);

/* Sends the queued replies. Returns how many could not be sent: a full device queue, no route. */
unsigned udp_send(struct udp_batch *batch, int fd);

/* Wipes the values of the last batch, received and sent: they are secrets, and the next datagrams
 * may be long in coming. Last of all that is done with a batch. */
void udp_wipe(struct udp_batch *batch);

#endif
