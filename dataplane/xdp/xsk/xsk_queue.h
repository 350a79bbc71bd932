/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One AF_XDP socket that only receives, with its UMEM.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_XSK_QUEUE_H
#define SESSIOND_DATAPLANE_XDP_XSK_XSK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xdp/xsk.h>

#include "dataplane/xdp/xsk/frame_intake.h"

/* Bytes. Room for the longest message behind the kernel's headroom of 256 bytes. A zero-copy driver
 * may require its MTU to fit in one frame, and refuses the socket otherwise. */
#define XSK_FRAME_SIZE 2048

struct xsk_queue {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion; /* unused: nothing is sent */
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	uint8_t *frames;
	size_t bytes;
	int fd;
	bool zero_copy;
	struct frame_counters counters;
};

/* Opens the socket at queue `number` of `interface` with `frames` frames, a power of two. `copy`
 * forces copy mode. 0, or a negative errno with nothing left open. */
int xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number, unsigned frames,
	bool copy, bool busy_poll);
/* Whether the kernel polls the device in the calls of the socket's owner, rather than at
 * interrupts. False: this kernel or user may not. Any thread. */
bool xsk_queue_busy_poll(struct xsk_queue *queue, bool on);
/* Closes, and wipes the frames, which held values. Accepts a partly opened queue. */
void xsk_queue_close(struct xsk_queue *queue);

#endif
