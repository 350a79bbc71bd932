/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/xdp/xsk/frame_rings.h"

#include <sessiond/frame_ring.h>

#include <bpf/libbpf.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

/* Bytes of a ring: 4096 usual NEWs. With many CPUs less, but 64 of the longest. */
#define SIZE_MOST  (1U << 20)
#define SIZE_LEAST (128U << 10)

struct frame_rings {
	uint8_t *memory;
	size_t bytes;
	size_t stride; /* from one ring to the next */
	uint32_t size;
	unsigned count;
	unsigned next; /* ring to serve first */
	struct ring_buffer *wakes;
	struct frame_counters counters;
};

uint32_t frame_rings_size(unsigned cpus)
{
	uint32_t size = SIZE_MOST;

	while (size > SIZE_LEAST && (uint64_t)size * cpus > FRAME_RINGS_BYTES_MAX)
		size /= 2;
	return size;
}

uint64_t frame_rings_bytes(unsigned cpus)
{
	return (uint64_t)cpus * SESSD_FRAME_RING_VALUE(frame_rings_size(cpus));
}

static int on_wake(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

struct frame_rings *frame_rings_open(int frames_fd, int wakes_fd, unsigned cpus, uint32_t size)
{
	struct frame_rings *rings = calloc(1, sizeof(*rings));
	int err;

	if (!rings)
		return NULL;
	rings->size = size;
	rings->count = cpus;
	rings->stride = SESSD_FRAME_RING_VALUE(size);
	rings->bytes = rings->stride * cpus;
	rings->memory = mmap(NULL, rings->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, frames_fd, 0);
	if (rings->memory == MAP_FAILED) {
		err = errno;
		free(rings);
		errno = err;
		return NULL;
	}
	madvise(rings->memory, rings->bytes, MADV_DONTDUMP);
	rings->wakes = ring_buffer__new(wakes_fd, on_wake, NULL, NULL);
	if (!rings->wakes) {
		err = errno;
		frame_rings_close(rings);
		errno = err;
		return NULL;
	}
	/* The caller polls `wakes_fd` itself; each wake-up would call this epoll as well. */
	epoll_ctl(ring_buffer__epoll_fd(rings->wakes), EPOLL_CTL_DEL, wakes_fd, NULL);
	return rings;
}

static struct sessd_frame_ring *ring_at(const struct frame_rings *rings, unsigned i)
{
	return (struct sessd_frame_ring *)(rings->memory + i * rings->stride);
}

void frame_rings_close(struct frame_rings *rings)
{
	if (!rings)
		return;
	ring_buffer__free(rings->wakes);
	for (unsigned i = 0; i < rings->count; i++)
		explicit_bzero(ring_at(rings, i)->bytes,
			rings->stride - offsetof(struct sessd_frame_ring, bytes));
	munmap(rings->memory, rings->bytes);
	free(rings);
}

static uint64_t waiting(const struct sessd_frame_ring *ring)
{
	return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE) - ring->tail;
}

bool frame_rings_sleep(struct frame_rings *rings)
{
	if (!rings)
		return true;
	for (unsigned i = 0; i < rings->count; i++)
		__atomic_store_n(&ring_at(rings, i)->asleep, 1, __ATOMIC_RELAXED);
	/* The program writes the head, then reads `asleep`. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < rings->count; i++)
		if (waiting(ring_at(rings, i)))
			return false;
	return true;
}

void frame_rings_awake(struct frame_rings *rings)
{
	if (!rings)
		return;
	for (unsigned i = 0; i < rings->count; i++)
		__atomic_store_n(&ring_at(rings, i)->asleep, 0, __ATOMIC_RELAXED);
	ring_buffer__consume(rings->wakes);
}

/* Takes the record at `at`; returns its bytes, or 0: it is none. */
static uint64_t take(const struct frame_rings *rings, const struct sessd_frame_ring *ring,
	uint64_t at, uint64_t head, struct frame *frame)
{
	const uint8_t *record = ring->bytes + (at & (rings->size - 1));
	uint64_t length = ((const struct sessd_frame_record *)record)->length;

	frame->data = record + SESSD_FRAME_HEAD;
	frame->size = length;
	if (length == 0 || length > SESSD_FRAME_MAX || head - at > rings->size ||
		SESSD_FRAME_RECORD(length) > head - at)
		return 0;
	return SESSD_FRAME_RECORD(length);
}

static unsigned serve_ring(struct frame_rings *rings, struct sessd_frame_ring *ring,
	const struct frame_intake *intake, unsigned budget, const struct update_sink *sink)
{
	uint64_t tail = ring->tail, head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	struct frame frames[FRAME_STAGE];
	unsigned done = 0;

	while (tail != head && done < budget) {
		unsigned n = 0;

		while (n < FRAME_STAGE && done + n < budget && tail != head) {
			uint64_t size = take(rings, ring, tail, head, &frames[n]);

			/* Cannot be: only the program writes to it, and only on its CPU. Begin
			 * anew. */
			if (!size) {
				counter_add(&rings->counters.malformed, 1);
				tail = head;
				break;
			}
			tail += size;
			n++;
		}
		frame_intake(intake, &rings->counters, frames, n, sink);
		__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
		done += n;
	}
	return done;
}

unsigned frame_rings_serve(struct frame_rings *rings, const struct frame_intake *intake,
	unsigned budget, const struct update_sink *sink, bool *more)
{
	unsigned done = 0, count = rings ? rings->count : 0;

	for (unsigned i = 0; i < count && done < budget; i++) {
		unsigned at = (rings->next + i) % count;

		done += serve_ring(rings, ring_at(rings, at), intake, budget - done, sink);
		if (done == budget) {
			rings->next = (at + 1) % count;
			*more = true;
		}
	}
	return done;
}

void frame_rings_count(
	const struct frame_rings *rings, struct frame_counters *counters, uint64_t *full)
{
	if (!rings)
		return;
	frame_counters_add(counters, &rings->counters);
	for (unsigned i = 0; i < rings->count; i++)
		*full += __atomic_load_n(&ring_at(rings, i)->full, __ATOMIC_RELAXED);
}
