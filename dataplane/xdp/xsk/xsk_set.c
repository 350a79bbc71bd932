/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/xsk/xsk_set.h"

#include "common/ethtool.h"
#include "common/log.h"

#include "dataplane/xdp/xsk/xsk_queue.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Frames per queue (8 MiB, the size of a UDP socket's buffer) and in total (64 MiB). With the most
 * queues, 64 of each of 16 interfaces, each has 64 KiB. */
#define FRAMES_MOST  4096
#define FRAMES_TOTAL (XSK_BYTES_MAX / XSK_FRAME_SIZE)

/* Without --busy-poll, no frame comes, unless a reload turns it on. Then the kernel is polled for
 * 64 packets at a time. */
#define FRAMES_IDLE 64

struct xsk_set {
	struct frame_intake intake;
	atomic_bool busy_poll;
	size_t count;
	size_t next; /* index of the queue to serve first */
	struct xsk_queue queues[];
};

static unsigned frames_of_each(uint32_t queues, bool busy_poll)
{
	unsigned frames = busy_poll ? FRAMES_MOST : FRAMES_IDLE;

	while (frames > 1 && (uint64_t)frames * queues > FRAMES_TOTAL)
		frames /= 2;
	return frames;
}

uint64_t xsk_bytes(const char (*interfaces)[IF_NAMESIZE], size_t count, bool busy_poll)
{
	uint32_t queues = 0;

	for (size_t i = 0; i < count; i++)
		queues += ethtool_receive_queues(interfaces[i]);
	return (uint64_t)frames_of_each(queues, busy_poll) * queues * XSK_FRAME_SIZE;
}

/* Opens the sockets of an interface; logs failures once. */
static void open_interface(struct xsk_set *set, const struct xsk_interface *interface,
	unsigned frames, int map_fd, uint32_t map_queues)
{
	uint32_t queues = interface->queues;
	unsigned opened = 0;
	int failure = 0;

	for (uint32_t i = 0; i < queues && i < map_queues; i++) {
		struct xsk_queue *queue = &set->queues[set->count];
		uint32_t key = interface->slot * map_queues + i;
		bool copy = !interface->native || !set->busy_poll;
		int err = xsk_queue_open(queue, interface->name, i, frames, copy, set->busy_poll);

		if (!err) {
			err = bpf_map_update_elem(map_fd, &key, &queue->fd, BPF_ANY);
			if (err)
				xsk_queue_close(queue);
		}
		if (err) {
			failure = err;
			continue;
		}
		set->count++;
		opened++;
	}
	if (opened < queues)
		log_warning("AF_XDP at %u of %u receive queues of %s; NEWs that come by the others "
			    "take the slower way through the kernel's stack%s%s",
			opened, queues, interface->name, failure ? ": " : "",
			failure ? strerror(-failure) : "");
}

struct xsk_set *xsk_open(const struct xsk_interface *interfaces, size_t count, int map_fd,
	uint32_t map_queues, bool busy_poll, const struct frame_intake *intake)
{
	uint32_t total = 0;
	struct xsk_set *set;

	for (size_t i = 0; i < count; i++)
		total += interfaces[i].queues < map_queues ? interfaces[i].queues : map_queues;
	set = aligned_alloc(64, (sizeof(*set) + total * sizeof(set->queues[0]) + 63) / 64 * 64);
	if (!set) {
		log_warning("no AF_XDP: out of memory; NEWs take the kernel's stack");
		return NULL;
	}
	memset(set, 0, sizeof(*set));
	set->intake = *intake;
	set->busy_poll = busy_poll;
	for (size_t i = 0; i < count; i++)
		open_interface(
			set, &interfaces[i], frames_of_each(total, busy_poll), map_fd, map_queues);
	if (set->count)
		return set;
	free(set);
	return NULL;
}

void xsk_set_busy_poll(struct xsk_set *set, bool busy_poll)
{
	bool preferred = true;

	for (size_t i = 0; i < xsk_count(set); i++)
		preferred &= xsk_queue_busy_poll(&set->queues[i], busy_poll);
	if (set)
		atomic_store(&set->busy_poll, busy_poll);
	if (busy_poll && !preferred)
		log_notice("busy-poll: interrupts still bring packets, because this kernel or the "
			   "daemon's user may not prefer polling; a start as root may");
}

void xsk_close(struct xsk_set *set)
{
	if (!set)
		return;
	while (set->count > 0)
		xsk_queue_close(&set->queues[--set->count]);
	free(set);
}

size_t xsk_count(const struct xsk_set *set)
{
	return set ? set->count : 0;
}

size_t xsk_zero_copy(const struct xsk_set *set)
{
	size_t n = 0;

	for (size_t i = 0; i < xsk_count(set); i++)
		n += set->queues[i].zero_copy;
	return n;
}

void xsk_pollfds(const struct xsk_set *set, struct pollfd *fds)
{
	for (size_t i = 0; i < xsk_count(set); i++)
		fds[i] = (struct pollfd){.fd = set->queues[i].fd, .events = POLLIN};
}

/* Handles `n` frames from position `at` of the ring, at most FRAME_STAGE. */
static void handle(struct xsk_set *set, struct xsk_queue *queue, uint32_t at, unsigned n,
	const struct update_sink *sink)
{
	struct frame frames[FRAME_STAGE];

	for (unsigned i = 0; i < n; i++) {
		const struct xdp_desc *desc = xsk_ring_cons__rx_desc(&queue->rx, at + i);

		frames[i] = (struct frame){.data = queue->frames + desc->addr, .size = desc->len};
	}
	frame_intake(&set->intake, &queue->counters, frames, n, sink);
}

/* Gives frames back to the kernel. */
static void refill(struct xsk_queue *queue, uint32_t rx_at, unsigned n)
{
	uint32_t at;

	/* Cannot fail: the ring has as many entries as there are frames. */
	if (xsk_ring_prod__reserve(&queue->fill, n, &at) != n)
		return;
	for (unsigned i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&queue->fill, at + i) =
			xsk_ring_cons__rx_desc(&queue->rx, rx_at + i)->addr;
	xsk_ring_prod__submit(&queue->fill, n);
}

static unsigned serve_queue(struct xsk_set *set, struct xsk_queue *queue, unsigned budget,
	const struct update_sink *sink)
{
	unsigned done = 0, n;
	uint32_t at;

	while (done < budget) {
		n = xsk_ring_cons__peek(
			&queue->rx, budget - done < FRAME_STAGE ? budget - done : FRAME_STAGE, &at);
		if (n == 0)
			break;
		handle(set, queue, at, n, sink);
		refill(queue, at, n);
		xsk_ring_cons__release(&queue->rx, n);
		done += n;
	}
	return done;
}

unsigned xsk_serve(struct xsk_set *set, struct pollfd *fds, unsigned budget,
	const struct update_sink *sink, bool *more)
{
	unsigned done = 0;
	size_t count = xsk_count(set);
	bool busy = set && atomic_load_explicit(&set->busy_poll, memory_order_relaxed);

	for (size_t i = 0; i < count && done < budget; i++) {
		size_t at = (set->next + i) % count;
		struct xsk_queue *queue = &set->queues[at];

		/* The system call makes the kernel poll the device. */
		if (busy)
			recvfrom(queue->fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
		else if (!fds[at].revents)
			continue;
		/* The interface is gone; stop polling this socket. */
		if (fds[at].revents & (POLLERR | POLLHUP | POLLNVAL))
			fds[at].fd = -1;
		done += serve_queue(set, queue, budget - done, sink);
		if (done == budget) {
			set->next = (at + 1) % count;
			*more = true;
		}
	}
	return done;
}

struct totals {
	struct frame_counters counters;
	uint64_t ring_full, no_frame, fill_empty;
};

static void add_queue(struct totals *totals, const struct xsk_queue *queue)
{
	struct xdp_statistics kernel = {0};
	socklen_t size = sizeof(kernel);

	frame_counters_add(&totals->counters, &queue->counters);
	if (getsockopt(queue->fd, SOL_XDP, XDP_STATISTICS, &kernel, &size) < 0)
		return;
	totals->ring_full += kernel.rx_ring_full;
	totals->no_frame += kernel.rx_dropped;
	totals->fill_empty += kernel.rx_fill_ring_empty_descs;
}

void xsk_stats(
	const struct xsk_set *set, const struct frame_rings *rings, stats_emit emit, void *ctx)
{
	struct totals totals = {0};

	for (size_t i = 0; i < xsk_count(set); i++)
		add_queue(&totals, &set->queues[i]);
	frame_rings_count(rings, &totals.counters, &totals.ring_full);
	emit(ctx, "xsk_sockets", xsk_count(set));
	emit(ctx, "xsk_sockets_zero_copy", xsk_zero_copy(set));
	emit(ctx, "xsk_received", totals.counters.received);
	emit(ctx, "xsk_drop_malformed", totals.counters.malformed);
	emit(ctx, "xsk_drop_checksum", totals.counters.checksum);
	emit(ctx, "xsk_drop_ring_full", totals.ring_full);
	emit(ctx, "xsk_drop_no_frame", totals.no_frame);
	emit(ctx, "xsk_fill_ring_empty", totals.fill_empty);
}
