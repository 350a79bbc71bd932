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
	bool take;
	uint64_t hash;
};

/* A sorted batch. */
struct sorted {
	unsigned get_count, update_count; /* TAKEs are among the GETs */
	unsigned take_count;
	struct pending_get gets[UDP_BATCH];
	struct update_request updates[UDP_BATCH]; /* changes; once pushed, what was taken */
	struct address sources[UDP_BATCH];	  /* of the changes */
};

static void collect_get(struct sorted *sorted, const struct table *table, unsigned index,
	const struct udp_datagram *datagram, bool take)
{
	struct pending_get *get = &sorted->gets[sorted->get_count++];

	get->index = index;
	get->take = take;
	get->hash = table_hash(table, ((const struct sessd_header *)datagram->data)->key);
	table_prefetch_bucket(table, get->hash);
	sorted->take_count += take;
}

/* Admits a batch: collects the changes, and the GETs, whose buckets it prefetches. */
static void sort_batch(struct worker *worker, struct udp_batch *batch, unsigned n,
	const struct allow_list *allow, uint64_t now, struct sorted *sorted)
{
	struct table *table = worker->shared->table;
	struct udp_datagram datagram;

	sorted->get_count = sorted->update_count = sorted->take_count = 0;

	for (unsigned i = 0; i < n; i++) {
		enum request_kind kind;

		udp_datagram(batch, i, &datagram);
		kind = reader_admit(&worker->reader, allow, &datagram, now);
		switch (kind) {
		case REQUEST_GET:
		case REQUEST_TAKE:
			collect_get(sorted, table, i, &datagram, kind == REQUEST_TAKE);
			break;
		case REQUEST_NEW:
		case REQUEST_REMOVE:
			sorted->sources[sorted->update_count] = datagram.source;
			sorted->updates[sorted->update_count] = (struct update_request){
				.request = (struct sessd_header *)datagram.data,
				.length = (uint32_t)datagram.length,
				.source = sorted->sources[sorted->update_count].bytes,
				.source_len = sizeof(datagram.source.bytes)};
			sorted->update_count++;
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

/* Hands `n` of them on. */
static void queue_updates(struct worker *worker, const struct update_request *updates, unsigned n)
{
	if (n == 0)
		return;
	update_ring_push_seq_cst(&worker->ring, updates, n);
	wake_writer(worker->shared);
}

/* Returns true if a session was taken: `*taken` then says it to the writer. */
static bool answer(struct worker *worker, struct udp_batch *batch, const struct pending_get *get,
	uint64_t now, struct update_request *taken)
{
	struct udp_datagram datagram;
	struct sessd_header *header;
	size_t length;

	udp_datagram(batch, get->index, &datagram);
	header = (struct sessd_header *)datagram.data;
	length = (get->take ? request_take : request_get)(worker->shared->table, get->hash, header,
		now, header, NULL, &worker->reader.counters);
	udp_reply(batch, get->index, length);
	reader_answered(&worker->reader, get->take ? REQUEST_TAKE : REQUEST_GET, &datagram.source,
		header, header->type == SESSD_OK);
	if (!get->take || header->type != SESSD_OK)
		return false;
	*taken = (struct update_request){.request = header, .length = SESSD_HEADER_SIZE};
	return true;
}

/* A TAKE that the farm decides. True: it waits, and take_desk_answer replies. Else it is answered
 * as a miss: what is not there now stays for a later TAKE. */
static bool ask(struct worker *worker, struct udp_batch *batch, int fd,
	const struct pending_get *get, uint64_t now)
{
	struct udp_datagram datagram;
	struct sessd_header *header;

	udp_datagram(batch, get->index, &datagram);
	header = (struct sessd_header *)datagram.data;
	if (take_desk_ask(&worker->desk, batch, get->index, fd, &datagram,
		    table_left(worker->shared->table, get->hash, header->key, now)))
		return true;
	request_count_take(&worker->reader.counters, TABLE_MISS);
	header->type = SESSD_ERR;
	udp_reply(batch, get->index, SESSD_HEADER_SIZE);
	reader_answered(&worker->reader, REQUEST_TAKE, &datagram.source, header, false);
	return false;
}

/* Asks about all TAKEs of a batch, and leaves its GETs. Returns how many wait. */
static unsigned ask_all(
	struct worker *worker, struct udp_batch *batch, int fd, struct sorted *sorted, uint64_t now)
{
	unsigned kept = 0, waiting = 0;

	for (unsigned i = 0; i < sorted->get_count; i++) {
		if (sorted->gets[i].take)
			waiting += ask(worker, batch, fd, &sorted->gets[i], now);
		else
			sorted->gets[kept++] = sorted->gets[i];
	}
	sorted->get_count = kept;
	sorted->take_count = 0;
	if (waiting > 0)
		take_queue_send(worker->desk.queue);
	return waiting;
}

/* The session of a TAKE that has won. Where there is no room on the way to the writer, nobody gets
 * it: the arbiter would not give it to another. */
static size_t claim(void *ctx, struct sessd_header *header)
{
	struct worker *worker = ctx;
	struct table *table = worker->shared->table;
	struct update_request taken = {.request = header, .length = SESSD_HEADER_SIZE};
	size_t length;

	if (update_ring_reserve(&worker->ring, 1) == 0) {
		counter_add(&worker->drop_queue_full, 1);
		request_count_take(&worker->reader.counters, TABLE_MISS);
		header->type = SESSD_ERR;
		return SESSD_HEADER_SIZE;
	}
	length = request_take(table, table_hash(table, header->key), header, clock_tick(), header,
		NULL, &worker->reader.counters);
	if (header->type == SESSD_OK)
		queue_updates(worker, &taken, 1);
	return length;
}

/* Returns true if there may be more. */
static bool answer_decided(struct worker *worker, const struct udp_set *set)
{
	bool more = false;
	unsigned failed =
		take_desk_answer(&worker->desk, &worker->reader, claim, worker, set, &more);

	if (failed > 0)
		counter_add(&worker->send_failed, failed);
	return more;
}

/* Answers GETs and TAKEs. The writer must hear of each session that was taken: where there is no
 * room for that on the way to it, a TAKE is dropped, as a NEW would be. Returns how many were. */
static unsigned answer_all(struct worker *worker, struct udp_batch *batch, struct sorted *sorted,
	unsigned room, uint64_t now)
{
	struct update_request *taken = sorted->updates;
	struct udp_datagram datagram;
	unsigned count = 0, dropped = 0;

	for (unsigned i = 0; i < sorted->get_count; i++) {
		const struct pending_get *get = &sorted->gets[i];

		if (get->take && count == room) {
			udp_datagram(batch, get->index, &datagram);
			reader_lost(&worker->reader, &datagram.source);
			dropped++;
		} else {
			count += answer(worker, batch, get, now, &taken[count]);
		}
	}
	queue_updates(worker, taken, count);
	return dropped;
}

/* Returns true if the socket may hold more. */
static bool serve(
	struct worker *worker, struct udp_batch *batch, int fd, const struct allow_list *allow)
{
	struct sorted sorted;
	uint64_t now, began = 0;
	unsigned n, room = 0, dropped = 0, pushed, answers;

	n = udp_receive(batch, fd);
	if (n == 0)
		return false;
	if (atomic_load_explicit(&worker->shared->measure, memory_order_relaxed))
		began = latency_now();
	now = clock_tick();
	sort_batch(worker, batch, n, allow, now, &sorted);
	answers = sorted.get_count;
	if (worker->desk.queue && sorted.take_count > 0)
		answers -= ask_all(worker, batch, fd, &sorted, now);
	if (sorted.update_count + sorted.take_count > 0)
		room = update_ring_reserve(&worker->ring, sorted.update_count + sorted.take_count);
	for (unsigned i = 0; i < sorted.get_count; i++)
		table_prefetch_slot(worker->shared->table, sorted.gets[i].hash);
	pushed = room < sorted.update_count ? room : sorted.update_count;
	queue_updates(worker, sorted.updates, pushed);
	for (unsigned i = pushed; i < sorted.update_count; i++)
		reader_lost(&worker->reader, &sorted.sources[i]);
	dropped = answer_all(worker, batch, &sorted, room - pushed, now) + sorted.update_count -
		  pushed;
	if (dropped > 0)
		counter_add(&worker->drop_queue_full, dropped);
	n = n == UDP_BATCH;
	if (answers > 0) {
		unsigned failed = udp_send(batch, fd);

		if (failed)
			counter_add(&worker->send_failed, failed);
		if (began)
			latency_add(&worker->latency, latency_now() - began, answers);
	}
	udp_wipe(batch);
	return n;
}

static bool stopped(struct worker_shared *shared)
{
	return atomic_load_explicit(&shared->stop, memory_order_acquire);
}

/* Whether to go on in run_busy, or in run_asleep. */
static bool goes_on(struct worker_shared *shared, bool busy)
{
	return !stopped(shared) &&
	       atomic_load_explicit(&shared->busy_poll, memory_order_relaxed) == busy;
}

/* Receives without poll, repeatedly, so that no wake-up delays an answer. */
static void run_busy(struct worker *worker)
{
	struct worker_shared *shared = worker->shared;

	while (goes_on(shared, true)) {
		const struct allow_list *allow = atomic_load(&shared->allow);
		const struct udp_set *set = atomic_load(&worker->served);

		for (unsigned i = 0; i < set->count; i++)
			serve(worker, worker->batch, set->fds[i], allow);
		answer_decided(worker, set);
		atomic_fetch_add(&worker->passes, 1);
		/* The writer may share this CPU: yield, but only if it has work. Yielding each time
		 * would give the CPU to any other task for a whole time slice. */
		if (!update_ring_empty(&worker->ring))
			sched_yield();
	}
}

/* Returns how many sockets there are; the eventfd comes last. */
static unsigned set_pollfds(
	const struct worker *worker, const struct udp_set *set, struct pollfd *fds)
{
	for (unsigned i = 0; i < set->count; i++)
		fds[i] = (struct pollfd){.fd = set->fds[i], .events = POLLIN};
	fds[set->count] = (struct pollfd){.fd = worker->wake_fd, .events = POLLIN};
	return set->count;
}

static void run_asleep(struct worker *worker)
{
	struct worker_shared *shared = worker->shared;
	const struct udp_set *set = NULL;
	struct pollfd fds[UDP_SET_MAX + 1];
	unsigned count = 0;
	bool more = false;
	uint64_t wakes;

	while (goes_on(shared, false)) {
		const struct udp_set *now = atomic_load(&worker->served);
		const struct allow_list *allow;

		if (now != set) {
			set = now;
			count = set_pollfds(worker, set, fds);
		}

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
		more |= answer_decided(worker, set);
		atomic_fetch_add(&worker->passes, 1);
	}
}

void *worker_run(void *arg)
{
	struct worker *worker = arg;

	if (worker->shared->on_thread)
		worker->shared->on_thread();
	while (!stopped(worker->shared)) {
		run_asleep(worker);
		run_busy(worker);
	}
	return NULL;
}
