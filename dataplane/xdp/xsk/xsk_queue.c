/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/xsk/xsk_queue.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* From this size on, ask for transparent hugepages. */
#define HUGE_PAGE (2UL << 20)

/* Microseconds and packets of one busy poll in the kernel: short, because the writer has other
 * work. */
#define BUSY_POLL_USECS	 20
#define BUSY_POLL_BUDGET 64

/* The library always makes a completion ring, even unused, and wants a power of two. */
#define COMPLETION_SIZE 64

static int map_frames(struct xsk_queue *queue, unsigned frames)
{
	void *memory;

	queue->bytes = (size_t)frames * XSK_FRAME_SIZE;
	memory = mmap(
		NULL, queue->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -errno;
	queue->frames = memory;
	if (queue->bytes >= HUGE_PAGE)
		madvise(memory, queue->bytes, MADV_HUGEPAGE);
	madvise(memory, queue->bytes, MADV_DONTDUMP);
	return 0;
}

/* Puts every frame into the fill ring. */
static void fill_all(struct xsk_queue *queue, unsigned frames)
{
	uint32_t at;

	if (xsk_ring_prod__reserve(&queue->fill, frames, &at) != frames)
		return;
	for (unsigned i = 0; i < frames; i++)
		*xsk_ring_prod__fill_addr(&queue->fill, at + i) = (uint64_t)i * XSK_FRAME_SIZE;
	xsk_ring_prod__submit(&queue->fill, frames);
}

bool xsk_queue_busy_poll(struct xsk_queue *queue, bool on)
{
	const int prefer = on, usecs = on ? BUSY_POLL_USECS : 0, budget = BUSY_POLL_BUDGET;

	if (setsockopt(queue->fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefer, sizeof(prefer)) < 0 ||
		setsockopt(queue->fd, SOL_SOCKET, SO_BUSY_POLL, &usecs, sizeof(usecs)) < 0)
		return false;
	if (on)
		setsockopt(queue->fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget));
	return true;
}

static bool is_zero_copy(int fd)
{
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);

	return getsockopt(fd, SOL_XDP, XDP_OPTIONS, &options, &size) == 0 &&
	       (options.flags & XDP_OPTIONS_ZEROCOPY);
}

int xsk_queue_open(struct xsk_queue *queue, const char *interface, uint32_t number, unsigned frames,
	bool copy, bool busy_poll)
{
	const struct xsk_umem_config umem_config = {
		.fill_size = frames,
		.comp_size = COMPLETION_SIZE,
		.frame_size = XSK_FRAME_SIZE,
	};
	const struct xsk_socket_config config = {
		.rx_size = frames,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = (uint16_t)(XDP_USE_NEED_WAKEUP | (copy ? XDP_COPY : 0)),
	};
	int err;

	memset(queue, 0, sizeof(*queue));
	queue->fd = -1;
	err = map_frames(queue, frames);
	if (!err)
		err = xsk_umem__create(&queue->umem, queue->frames, queue->bytes, &queue->fill,
			&queue->completion, &umem_config);
	if (err)
		goto fail;
	/* Before the socket is bound: a zero-copy driver may take frames at once. */
	fill_all(queue, frames);
	err = xsk_socket__create(
		&queue->socket, interface, number, queue->umem, &queue->rx, NULL, &config);
	if (err)
		goto fail;
	queue->fd = xsk_socket__fd(queue->socket);
	queue->zero_copy = is_zero_copy(queue->fd);
	if (busy_poll)
		xsk_queue_busy_poll(queue, true);
	return 0;
fail:
	xsk_queue_close(queue);
	return err < 0 ? err : -err;
}

void xsk_queue_close(struct xsk_queue *queue)
{
	if (queue->socket)
		xsk_socket__delete(queue->socket);
	if (queue->umem)
		xsk_umem__delete(queue->umem);
	if (queue->frames) {
		explicit_bzero(queue->frames, queue->bytes);
		munmap(queue->frames, queue->bytes);
	}
	memset(queue, 0, sizeof(*queue));
	queue->fd = -1;
}
