/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * One AF_XDP socket that only receives, with the memory that its frames are in.
 */
#ifndef SESSIOND_DATAPLANE_XDP_XSK_QUEUE_H
#define SESSIOND_DATAPLANE_XDP_XSK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xdp/xsk.h>

/* Room for the longest message behind the kernel's headroom, which takes 256 bytes. A driver that
 * copies nothing may want its MTU in one frame, and refuses this if it has not. */
#define XSK_FRAME_SIZE 2048

struct xsk_queue {
	struct xsk_ring_cons rx;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons completion; /* never used: nothing is sent */
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	uint8_t *frames;
	size_t bytes;
	int fd;
	bool zero_copy;
	/* Written by the writer. */
	uint64_t received, malformed, checksum;
};

/* Opens the socket with room for `frames` frames, a power of two. 0 or a negative errno. */
int xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number, unsigned frames,
	bool copy, bool busy_poll);
/* Wipes the frames: they held values. Works on what xsk_queue_open left, however far it came. */
void xsk_queue_close(struct xsk_queue *queue);

#endif
