/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "dataplane/socket/worker.h"

#include "common/clock.h"

#include <poll.h>
#include <sched.h>
#include <unistd.h>

struct pending_get {
	unsigned index;
	uint64_t hash;
};

/* A sorted batch. */
struct sorted {
	unsigned get_count, update_count;
	struct pending_get gets[UDP_BATCH];
	struct update_request updates[UDP_BATCH];
};

/* Admits a batch: collects the changes, and the GETs, whose buckets it prefetches. */
static void sort_batch(struct worker *worker, struct udp_batch *batch, unsigned n,
	const struct allow_list *allow, uint64_t now, struct sorted *sorted)
{
	struct table *table = worker->shared->table;
	struct udp_datagram datagram;

	sorted->get_count = sorted->update_count = 0;

	for (unsigned i = 0; i < n; i++) {
		struct pending_get *get;

		udp_datagram(batch, i, &datagram);
		switch (reader_admit(&worker->reader, allow, &datagram, now)) {
		case REQUEST_GET:
			get = &sorted->gets[sorted->get_count++];
			get->index = i;
			get->hash = table_hash(table, ((struct sessd_header *)datagram.data)->key);
			table_prefetch_bucket(table, get->hash);
			break;
		case REQUEST_NEW:
		case REQUEST_REMOVE:
			sorted->updates[sorted->update_count++] = (struct update_request){
				.request = (struct sessd_header *)datagram.data,
				.length = (uint32_t)datagram.length};
			break;
		case REQUEST_SHORT:
		case REQUEST_VERSION:
		case REQUEST_TYPE:
		case REQUEST_REFUSED:
			break;
		}
	}
}

static void wake_writer(struct worker_shared *shared)
{
	uint64_t one = 1;

	if (!atomic_exchange(&shared->writer_sleeps, 0))
		return;
	/* Fails only if the counter is full; then the writer is awake. */
	if (write(shared->writer_fd, &one, sizeof(one)) < 0)
		return;
}

static void queue_updates(struct worker *worker, const struct sorted *sorted, unsigned room)
{
	if (room > 0) {
		update_ring_push_seq_cst(&worker->ring, sorted->updates, room);
		wake_writer(worker->shared);
	}
	if (room < sorted->update_count)
		counter_add(&worker->drop_queue_full, sorted->update_count - room);
}

static void answer(
	struct worker *worker, struct udp_batch *batch, const struct pending_get *get, uint64_t now)
{
	struct udp_datagram datagram;
	size_t length;

	udp_datagram(batch, get->index, &datagram);
	length = request_get(worker->shared->table, get->hash, (struct sessd_header *)datagram.data,
		now, datagram.data, NULL, &worker->reader.counters);
	udp_reply(batch, get->index, length);
}

/* Returns true if the socket may hold more. */
static bool serve(
	struct worker *worker, struct udp_batch *batch, int fd, const struct allow_list *allow)
{
	struct sorted sorted;
	uint64_t now, began = 0;
	unsigned n, room = 0;

	n = udp_receive(batch, fd);
	if (n == 0)
		return false;
	if (worker->shared->measure)
		began = latency_now();
	now = clock_tick();
	sort_batch(worker, batch, n, allow, now, &sorted);
	if (sorted.update_count > 0)
		room = update_ring_reserve(&worker->ring, sorted.update_count);
	for (unsigned i = 0; i < sorted.get_count; i++)
		table_prefetch_slot(worker->shared->table, sorted.gets[i].hash);
	if (sorted.update_count > 0)
		queue_updates(worker, &sorted, room);
	for (unsigned i = 0; i < sorted.get_count; i++)
		answer(worker, batch, &sorted.gets[i], now);
	n = n == UDP_BATCH;
	if (sorted.get_count > 0) {
		unsigned failed = udp_send(batch, fd);

		if (failed)
			counter_add(&worker->send_failed, failed);
		if (began)
			latency_add(&worker->latency, latency_now() - began, sorted.get_count);
	}
	udp_wipe(batch);
	return n;
}

static bool stopped(struct worker_shared *shared)
{
	return atomic_load_explicit(&shared->stop, memory_order_acquire);
}

/* Receives without poll, repeatedly, so that no wake-up delays an answer. */
static void run_busy(struct worker *worker)
{
	struct worker_shared *shared = worker->shared;

	while (!stopped(shared)) {
		const struct allow_list *allow = atomic_load(&shared->allow);

		for (unsigned i = 0; i < worker->socket_count; i++)
			serve(worker, worker->batch, worker->sockets[i], allow);
		atomic_fetch_add(&worker->passes, 1);
		/* The writer may share this CPU: yield, but only if it has work. Yielding each time
		 * would give the CPU to any other task for a whole time slice. */
		if (!update_ring_empty(&worker->ring))
			sched_yield();
	}
}

static void run_asleep(struct worker *worker)
{
	struct worker_shared *shared = worker->shared;
	struct pollfd fds[WORKER_SOCKETS_MAX + 1];
	unsigned count = worker->socket_count;
	bool more = false;
	uint64_t wakes;

	for (unsigned i = 0; i < count; i++)
		fds[i] = (struct pollfd){.fd = worker->sockets[i], .events = POLLIN};
	fds[count] = (struct pollfd){.fd = worker->wake_fd, .events = POLLIN};
	while (!stopped(shared)) {
		const struct allow_list *allow;

		/* After a full batch, poll without waiting: a socket that is always busy must not
		 * starve the others. */
		if (poll(fds, count + 1, more ? 0 : -1) < 0)
			continue;
		allow = atomic_load(&shared->allow);
		more = false;
		for (unsigned i = 0; i < count; i++) {
			if (fds[i].revents && serve(worker, worker->batch, fds[i].fd, allow))
				more = true;
		}
		if (fds[count].revents && read(worker->wake_fd, &wakes, sizeof(wakes)) < 0)
			fds[count].revents = 0;
		atomic_fetch_add(&worker->passes, 1);
	}
}

void *worker_run(void *arg)
{
	struct worker *worker = arg;

	if (worker->shared->on_thread)
		worker->shared->on_thread();
	(worker->shared->busy_poll ? run_busy : run_asleep)(worker);
	return NULL;
}
