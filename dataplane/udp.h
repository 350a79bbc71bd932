/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * UDP sockets that answer from the address to which the request was sent, in batches.
 */
#ifndef SESSIOND_DATAPLANE_UDP_H
#define SESSIOND_DATAPLANE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/address.h"
#include "dataplane/vrf_ports.h"

/* Datagrams per batch: enough to amortise the system calls, few enough to stay in L2. */
#define UDP_BATCH 64

/* Bytes kept of a datagram; a longer one is truncated, but its length is reported. */
#define UDP_BUFFER 2048

/* Opens the sockets of `listen`: one per address, two (IPv4 and IPv6) for "any", IPv6 only if the
 * host has it. `shared`: allow more of them on the same port in this process (SO_REUSEPORT); a
 * process must open its very first set unshared, so that a second daemon on the port is refused.
 * Returns how many were written to `fds`, which has room for `room`, or a negative errno with
 * error_message() set and nothing left open. */
int udp_open_all(const struct endpoint *listen, size_t count, bool shared, int *fds, size_t room);

/* Lets later sockets of this process share the port of a socket that was opened unshared. 0, or a
 * negative errno with error_message() set. */
int udp_share(int fd);

/* Makes the kernel report the interface of each datagram, which replies in a VRF need. Sockets
 * bound to an address are otherwise spared this. Any thread, at any time. 0, or a negative errno
 * with error_message() set. */
int udp_tell_interfaces(const int *fds, unsigned count);

/* Datagrams that the kernel dropped because the socket's buffer was full. */
uint64_t udp_drops(int fd);

struct udp_batch;

/* NULL on failure. Used by one thread. */
struct udp_batch *udp_batch_create(void);
/* Wipes the buffers, which held values. */
void udp_batch_destroy(struct udp_batch *batch);

/* Replies to requests that arrived by one of `ports` take the routing table of its VRF. Call before
 * the first udp_receive; `ports` must outlive the batch. */
void udp_batch_use_vrfs(struct udp_batch *batch, const struct vrf_ports *ports);

/* Receives waiting datagrams, at most UDP_BATCH, without blocking. Returns their number. Datagrams
 * sent to a broadcast or multicast address are dropped and counted. */
unsigned udp_receive(struct udp_batch *batch, int fd);

/* Datagrams dropped because they were sent to a broadcast or multicast address, since the start.
 * Any thread; 0 for NULL. */
uint64_t udp_group_drops(const struct udp_batch *batch);

struct udp_datagram {
	uint8_t *data; /* UDP_BUFFER bytes, owned by the batch; a reply may overwrite the request */
	size_t length; /* as sent; `data` holds at most UDP_BUFFER bytes of it */
	struct address source;
	uint16_t port; /* host byte order */
};

/* Fills in datagram `i` of the last udp_receive; valid until the next. */
void udp_datagram(struct udp_batch *batch, unsigned i, struct udp_datagram *datagram);

/* Queues the first `length` bytes of datagram `i` as its reply. */
void udp_reply(struct udp_batch *batch, unsigned i, size_t length);

/* Sends the queued replies. Returns how many could not be sent (device queue full, no route). */
unsigned udp_send(struct udp_batch *batch, int fd);

/* Where the reply to a datagram goes that is sent later, after other batches. */
struct udp_way {
	int fd;
	uint8_t name_length, control_length; /* bytes */
	uint8_t name[28], control[40] __attribute__((aligned(8)));
};

/* Fills in the way of the reply to datagram `i` of the last udp_receive, from socket `fd`; it is
 * not given to udp_reply then. */
void udp_keep_way(struct udp_batch *batch, unsigned i, int fd, struct udp_way *way);
/* Sends a reply. False if it could not be sent. */
bool udp_send_way(const struct udp_way *way, const void *reply, size_t length);

/* Wipes the values of the last batch, received and sent: they are secrets, and the next batch may
 * be long in coming. Call it last. */
void udp_wipe(struct udp_batch *batch);

#endif
