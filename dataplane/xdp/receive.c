/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Serves what the program leaves to the daemon. NEWs and REMOVEs arrive in its rings
 * (frame_rings.h), or by AF_XDP (xsk_set.h), where available; otherwise by UDP sockets, as do the
 * GETs that the program passes up (IP options, fragments, interfaces without the program). GETs are
 * answered from the same maps.
 */
#include "dataplane/xdp/xdp.h"

#include "common/log.h"

#include "common/clock.h"
#include "common/spin_wait.h"
#include "ebpf/sessiond.skel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* From so many NEWs in one poll on, more are expected: spin between two polls, for a thirtieth of
 * the time within which a NEW must become readable. */
#define POURING	     4
#define SPIN_WAIT_NS 30000

int receive_open(struct engine *engine)
{
	int err = udp_set_open(
		&engine->sockets, engine->config.listen, engine->config.listen_count, NULL, false);

	if (err)
		return err;
	atomic_store(&engine->served, engine->sockets);
	engine->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	engine->batch = udp_batch_create();
	engine->vrfs = vrf_ports_new();
	if (engine->wake_fd < 0 || !engine->batch || !engine->vrfs)
		return error_set(ENOMEM, "out of memory or descriptors for the sockets");
	udp_batch_use_vrfs(engine->batch, engine->vrfs);
	return 0;
}

int receive_set_vrf(struct engine *engine, uint32_t port, uint32_t vrf, bool present)
{
	int err = engine->vrfs->any
			  ? 0
			  : udp_tell_interfaces(engine->sockets->fds, engine->sockets->count);

	return err ? err : vrf_ports_set(engine->vrfs, port, present ? vrf : 0);
}

/* The rings' descriptor, behind the AF_XDP sockets. */
#define RING_FDS 1

/* The sockets that the writer polls: the UDP sockets stand before those of AF_XDP, which may have
 * been taken out one by one. */
static void set_pollfds(struct engine *engine, const struct udp_set *set)
{
	struct pollfd *fds = engine->fds;
	unsigned before = engine->polled ? engine->polled->count : 0;

	memmove(fds + 1 + set->count, fds + 1 + before,
		(xsk_count(engine->xsks) + RING_FDS) * sizeof(*fds));
	for (unsigned i = 0; i < set->count; i++)
		fds[1 + i] = (struct pollfd){.fd = set->fds[i], .events = POLLIN};
	engine->polled = set;
}

int receive_start(struct engine *engine)
{
	size_t xsks = xsk_count(engine->xsks);

	engine->fds = calloc(1 + UDP_SET_MAX + xsks + RING_FDS, sizeof(*engine->fds));
	if (!engine->fds)
		return error_set(ENOMEM, "out of memory at start");
	engine->fds[0] = (struct pollfd){.fd = engine->wake_fd, .events = POLLIN};
	xsk_pollfds(engine->xsks, engine->fds + 1);
	engine->fds[1 + xsks] =
		(struct pollfd){.fd = bpf_map__fd(engine->skel->maps.wakes), .events = POLLIN};
	set_pollfds(engine, engine->sockets);
	return 0;
}

void receive_wait_for_writer(struct engine *engine)
{
	uint64_t passes = atomic_load(&engine->passes), one = 1;

	/* Two, because the first pass may have loaded a pointer before it changed. */
	while (engine->started && !atomic_load(&engine->poll_failed) &&
		atomic_load(&engine->passes) < passes + 2) {
		if (write(engine->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
			break;
		usleep(100);
	}
}

int receive_listen(struct engine *engine, const struct engine_config *next, struct udp_set **opened)
{
	struct udp_set *both;
	int err = udp_set_open(opened, next->listen, next->listen_count, engine->sockets, false);

	if (err)
		return err;
	both = udp_set_join(*opened, engine->sockets);
	err = both ? 0 : error_set(ENOMEM, "out of memory for sockets");
	if (!err && engine->vrfs->any)
		err = udp_tell_interfaces(both->fds, both->count);
	if (err) {
		free(both);
		udp_set_free(*opened, engine->sockets);
		return err;
	}
	engine->both = both;
	atomic_store(&engine->served, both);
	receive_wait_for_writer(engine);
	return 0;
}

void receive_settle(struct engine *engine, struct udp_set *kept, struct udp_set *closed)
{
	const struct udp_change change = {.now = closed, .next = kept};

	if (closed == engine->sockets)
		udp_change_settle(&change, 1);
	atomic_store(&engine->served, kept);
	receive_wait_for_writer(engine);
	engine->closed_drops += udp_set_free(closed, kept);
	free(engine->both);
	engine->both = NULL;
	engine->sockets = kept;
}

void receive_close(struct engine *engine)
{
	free(engine->fds);
	udp_set_free(engine->sockets, NULL);
	if (engine->wake_fd >= 0)
		close(engine->wake_fd);
	udp_batch_destroy(engine->batch);
	free(engine->vrfs);
}

/* Turns the GET in `datagram` into its reply; returns the reply's length. */
static size_t answer(struct engine *engine, struct udp_datagram *datagram, uint64_t now)
{
	struct sessd_header *header = (struct sessd_header *)datagram->data;
	uint32_t slot;
	int len = mirror_get(engine->mirror, header->key, now, header + 1, &slot);

	if (len < 0) {
		request_count_get(
			&engine->reader.counters, len == -ESTALE ? TABLE_EXPIRED : TABLE_MISS);
		header->type = SESSD_ERR;
		return SESSD_HEADER_SIZE;
	}
	request_count_get(&engine->reader.counters, TABLE_HIT);
	if (slot < engine->config.capacity)
		mark_set(engine->marks, slot);
	header->type = SESSD_OK;
	return SESSD_HEADER_SIZE + (size_t)len;
}

/* The same for a TAKE. */
static size_t answer_take(struct engine *engine, struct sessd_header *header, uint64_t now)
{
	int len = mirror_take(engine->mirror, engine->claims, header->key, now, header + 1);

	if (len < 0) {
		request_count_take(
			&engine->reader.counters, len == -EAGAIN ? TABLE_LOST : TABLE_MISS);
		header->type = SESSD_ERR;
		return SESSD_HEADER_SIZE;
	}
	request_count_take(&engine->reader.counters, TABLE_HIT);
	engine->sink.on_taken(engine->sink.ctx, header->key);
	header->type = SESSD_OK;
	return SESSD_HEADER_SIZE + (size_t)len;
}

static size_t claim(void *ctx, struct sessd_header *header)
{
	return answer_take(ctx, header, clock_tick());
}

/* Answers a TAKE that arrived by socket `fd`, or asks the farm first. */
static void take(
	struct engine *engine, unsigned i, int fd, struct udp_datagram *datagram, uint64_t now)
{
	struct sessd_header *header = (struct sessd_header *)datagram->data;
	size_t length = SESSD_HEADER_SIZE;

	if (!engine->desk.queue) {
		length = answer_take(engine, header, now);
	} else if (take_desk_ask(&engine->desk, engine->batch, i, fd, datagram,
			   mirror_left(engine->mirror, engine->claims, header->key, now))) {
		engine->asked = true;
		return;
	} else {
		request_count_take(&engine->reader.counters, TABLE_MISS);
		header->type = SESSD_ERR;
	}
	engine->answers++;
	udp_reply(engine->batch, i, length);
	reader_answered(
		&engine->reader, REQUEST_TAKE, &datagram->source, header, header->type == SESSD_OK);
}

/* Handles datagram `i`; returns 1 for a change, else 0. */
static int handle(
	struct engine *engine, unsigned i, int fd, const struct allow_list *allow, uint64_t now)
{
	struct udp_datagram datagram;
	struct sessd_header *header;

	udp_datagram(engine->batch, i, &datagram);
	header = (struct sessd_header *)datagram.data;
	switch (reader_admit(&engine->reader, allow, &datagram, now)) {
	case REQUEST_GET:
		engine->answers++;
		udp_reply(engine->batch, i, answer(engine, &datagram, now));
		reader_answered(&engine->reader, REQUEST_GET, &datagram.source, header,
			header->type == SESSD_OK);
		return 0;
	case REQUEST_NEW:
		engine->sink.on_new(engine->sink.ctx, header->key, ntohs(header->timeout),
			header + 1, datagram.length - SESSD_HEADER_SIZE, &datagram.source);
		return 1;
	case REQUEST_TAKE:
		take(engine, i, fd, &datagram, now);
		return 0;
	case REQUEST_REMOVE:
		engine->sink.on_remove(engine->sink.ctx, header->key);
		return 1;
	case REQUEST_SHORT:
	case REQUEST_VERSION:
	case REQUEST_TYPE:
	case REQUEST_REFUSED:
		break;
	}
	return 0;
}

static int serve(struct engine *engine, int fd, const struct allow_list *allow)
{
	unsigned n = udp_receive(engine->batch, fd);
	uint64_t now = clock_tick(), began = 0;
	unsigned failed;
	int changes = 0;

	if (atomic_load_explicit(&engine->measure, memory_order_relaxed) && n > 0)
		began = latency_now();
	engine->answers = 0;
	for (unsigned i = 0; i < n; i++)
		changes += handle(engine, i, fd, allow, now);
	if (engine->asked)
		take_queue_send(engine->desk.queue);
	engine->asked = false;
	failed = udp_send(engine->batch, fd);
	udp_wipe(engine->batch);
	if (failed)
		counter_add(&engine->slow_send_failed, failed);
	if (began && engine->answers > 0)
		latency_add(&engine->latency, latency_now() - began, engine->answers);
	if (n == UDP_BATCH)
		engine->more = true;
	counter_add(&engine->slow_changes, (uint64_t)changes);
	return changes;
}

/* Waits until something is readable. While NEWs pour in, rings and AF_XDP sockets are looked at, at
 * intervals, instead of waited for: waking the writer costs time on the CPU that answers GETs, and
 * each look takes the ring's cache line from it. */
static int wait(struct engine *engine, int timeout_ms)
{
	struct pollfd *fds = engine->fds;
	nfds_t count = 1 + engine->polled->count;
	size_t xsks = xsk_count(engine->xsks);
	bool busy = atomic_load_explicit(&engine->busy_poll, memory_order_relaxed);
	int n, err;

	if (engine->more || engine->pouring || busy)
		timeout_ms = 0;
	if (!engine->pouring || busy) {
		if (timeout_ms == 0)
			return poll(fds, count + xsks, 0);
		if (!frame_rings_sleep(engine->rings))
			timeout_ms = 0;
		n = poll(fds, count + xsks + RING_FDS, timeout_ms);
		err = errno;
		frame_rings_awake(engine->rings);
		errno = err;
		return n;
	}
	if (!engine->more)
		spin_wait(SPIN_WAIT_NS);
	for (size_t i = 0; i < xsks; i++)
		fds[count + i].revents = POLLIN;
	return poll(fds, count, timeout_ms);
}

/* Handles what the program has handed over, at most XSK_BUDGET. It uses one way at a time: the one
 * that a reload has left comes first, so that no REMOVE overtakes its NEW. */
static unsigned serve_program(struct engine *engine, struct pollfd *xsks)
{
	bool busy = atomic_load_explicit(&engine->busy_poll, memory_order_relaxed);
	unsigned done = 0;

	if (!busy)
		done = xsk_serve(engine->xsks, xsks, XSK_BUDGET, &engine->sink, &engine->more);
	done += frame_rings_serve(
		engine->rings, &engine->intake, XSK_BUDGET - done, &engine->sink, &engine->more);
	if (busy)
		done += xsk_serve(
			engine->xsks, xsks, XSK_BUDGET - done, &engine->sink, &engine->more);
	return done;
}

int xdp_poll(struct engine *engine, int timeout_ms)
{
	const struct udp_set *set = atomic_load(&engine->served);
	struct pollfd *fds = engine->fds;
	const struct allow_list *allow;
	unsigned count = set->count, failed;
	uint64_t wakes;
	int changes;

	if (set != engine->polled)
		set_pollfds(engine, set);
	if (wait(engine, timeout_ms) < 0 && errno != EINTR) {
		atomic_store(&engine->poll_failed, true);
		return error_set(errno, "cannot wait for packets: %s", strerror(errno));
	}
	engine->more = false;
	allow = atomic_load(&engine->slow_allow);
	changes = (int)serve_program(engine, fds + 1 + count);
	engine->pouring = changes >= POURING;
	for (unsigned i = 0; i < count; i++) {
		if (fds[1 + i].revents)
			changes += serve(engine, fds[1 + i].fd, allow);
	}
	/* Only this thread reads it, so a readable eventfd is not empty. */
	if (fds[0].revents && read(engine->wake_fd, &wakes, sizeof(wakes)) < 0)
		fds[0].revents = 0;
	/* After that: an answer that comes later wakes again. */
	failed =
		take_desk_answer(&engine->desk, &engine->reader, claim, engine, set, &engine->more);
	if (failed)
		counter_add(&engine->slow_send_failed, failed);
	atomic_fetch_add(&engine->passes, 1);
	return changes;
}
