/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/flow.h"

#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Tags are 16 bits; a tag is not reused while its GET is outstanding. */
#define RING_OPEN_LOOP 65536U
/* In a closed loop a lost GET must not block the ones after it. */
#define RING_CLOSED_MIN 1024U

#define SOCKET_BUFFER (8 << 20)

/* Time between two checks whether a burst took effect. */
#define FENCE_RETRY_NS 20000

uint64_t bench_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int flow_socket(const struct endpoint *target)
{
	struct sockaddr_storage addr;
	socklen_t len = endpoint_to_sockaddr(target, &addr);
	int fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = SOCKET_BUFFER, error;
	char text[ADDRESS_TEXT];

	if (fd < 0)
		return error_set(errno, "a UDP socket: %s", strerror(errno));
	/* SO_RCVBUFFORCE needs CAP_NET_ADMIN; SO_RCVBUF may set less, which is acceptable. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, (struct sockaddr *)&addr, len) < 0) {
		error = errno;
		close(fd);
		return error_set(error, "connecting to %s: %s", endpoint_format(target, text),
			strerror(error));
	}
	return fd;
}

struct flow *flow_create(
	const struct bench_options *options, struct bench_result *result, struct held *held)
{
	struct flow *flow = calloc(1, sizeof(*flow));
	unsigned size = RING_CLOSED_MIN;

	if (!flow) {
		error_set(ENOMEM, "no memory for a source port");
		return NULL;
	}
	while (size < 4 * options->window)
		size *= 2;
	if (options->rate > 0)
		size = RING_OPEN_LOOP;
	flow->options = options;
	flow->result = result;
	flow->held = held;
	flow->ring_mask = size - 1;
	flow->ring = calloc(size, sizeof(*flow->ring));
	flow->fd = flow_socket(&options->target);
	if (!flow->ring || flow->fd < 0) {
		flow_destroy(flow);
		return NULL;
	}
	for (unsigned i = 0; i < FLOW_BATCH; i++) {
		flow->send_vectors[i].iov_base = flow->send_buffers[i];
		flow->send_headers[i].msg_hdr.msg_iov = &flow->send_vectors[i];
		flow->send_headers[i].msg_hdr.msg_iovlen = 1;
		flow->receive_vectors[i].iov_base = flow->receive_buffers[i];
		flow->receive_vectors[i].iov_len = sizeof(flow->receive_buffers[i]);
		flow->receive_headers[i].msg_hdr.msg_iov = &flow->receive_vectors[i];
		flow->receive_headers[i].msg_hdr.msg_iovlen = 1;
	}
	return flow;
}

void flow_destroy(struct flow *flow)
{
	if (!flow)
		return;
	if (flow->fd >= 0)
		close(flow->fd);
	free(flow->ring);
	free(flow);
}

static void lose(struct flow *flow, struct awaited *awaited)
{
	awaited->state = AWAITED_LOST;
	flow->under_way--;
	bench_count(&flow->result->counters.lost, 1);
	if (awaited->fence)
		flow->fence.asked = false;
}

bool flow_has_room(const struct flow *flow)
{
	return flow->queued < FLOW_BATCH &&
	       (flow->options->rate > 0 || flow->head - flow->tail <= flow->ring_mask);
}

void flow_queue(struct flow *flow, const struct operation *operation, uint64_t due, uint64_t now,
	bool fence)
{
	struct bench_counters *counters = &flow->result->counters;
	uint16_t timeout = flow->options->timeout;
	unsigned i = flow->queued++;

	if (operation->type == SESSD_GET || operation->type == SESSD_TAKE) {
		struct awaited *awaited = &flow->ring[flow->head & flow->ring_mask];

		/* Open loop: all other tags were used since. */
		if (awaited->state == AWAITED_OPEN)
			lose(flow, awaited);
		timeout = (uint16_t)flow->head;
		*awaited = (struct awaited){due, flow_awake(flow, now), operation->number, timeout,
			AWAITED_OPEN, fence};
		flow->head++;
		if (flow->head - flow->tail > flow->ring_mask + 1)
			flow->tail++;
		flow->under_way++;
		bench_count(&counters->get_sent, 1);
	} else if (operation->type == SESSD_NEW) {
		bench_count(&counters->new_sent, 1);
	} else {
		bench_count(&counters->remove_sent, 1);
	}
	flow->send_vectors[i].iov_len = message_build(&flow->options->population, operation->type,
		operation->number, timeout, flow->send_buffers[i]);
}

int flow_send(struct flow *flow)
{
	struct bench_counters *counters = &flow->result->counters;
	unsigned sent = 0;
	int n;

	while (sent < flow->queued) {
		n = sendmmsg(flow->fd, flow->send_headers + sent, flow->queued - sent, 0);
		if (n > 0) {
			sent += (unsigned)n;
		} else if (errno == ECONNREFUSED) {
			bench_count(&counters->refused, 1);
		} else if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR) {
			break;
		} else {
			return error_set(errno, "sending: %s", strerror(errno));
		}
	}
	/* Move unsent messages to the front. Buffers are fixed, so this copies the bytes; it is
	 * rare. */
	for (unsigned i = sent; sent > 0 && i < flow->queued; i++) {
		memcpy(flow->send_buffers[i - sent], flow->send_buffers[i],
			flow->send_vectors[i].iov_len);
		flow->send_vectors[i - sent].iov_len = flow->send_vectors[i].iov_len;
	}
	flow->queued -= sent;
	return 0;
}

static void fence_answered(struct flow *flow, bool hit, uint64_t now)
{
	struct bench_counters *counters = &flow->result->counters;
	bool wanted = flow->options->workload == WORKLOAD_NEW;

	flow->fence.asked = false;
	if (hit == wanted) {
		flow->fence.waiting = false;
		bench_count(&counters->landed, flow->fence.size);
		histogram_record(&flow->result->latency, now - flow->fence.began);
		histogram_record(&flow->result->served, flow_awake(flow, now) - flow->fence.sent);
	} else if (now - flow->fence.began > flow->options->patience_ns) {
		flow->fence.waiting = false;
		bench_count(&counters->unlanded, flow->fence.size);
	} else {
		flow->fence.retry = now + FENCE_RETRY_NS;
	}
}

/* Finds the outstanding GET by key, for a reply with an unknown tag: it may be a corrupted reply.
 * Slow, but used only for suspect replies. */
static struct awaited *find_by_key(struct flow *flow, const struct sessd_header *header)
{
	const struct population *p = &flow->options->population;
	__u64 key[POPULATION_KEY_WORDS];

	for (unsigned at = flow->tail; at != flow->head; at++) {
		struct awaited *awaited = &flow->ring[at & flow->ring_mask];

		population_key(p, awaited->number, key);
		if (awaited->state == AWAITED_OPEN && memcmp(key, header->key, sizeof(key)) == 0)
			return awaited;
	}
	return NULL;
}

/* Whether a reply is so late that its tag was reused: it is valid in itself, and a GET was lost
 * that it may answer. */
static bool is_stale(struct flow *flow, const uint8_t *reply, size_t len, uint16_t tag)
{
	const struct population *p = &flow->options->population;
	const struct bench_counters *counters = &flow->result->counters;
	__u64 key0;

	if (flow->head <= flow->ring_mask || counters->lost <= counters->after_lost)
		return false;
	memcpy(&key0, ((const struct sessd_header *)reply)->key, sizeof(key0));
	return message_verify(p, population_number(p, key0), tag, reply, len) <= VERDICT_MISS;
}

static void take_reply(struct flow *flow, const uint8_t *reply, size_t len, uint64_t now)
{
	const struct sessd_header *header = (const struct sessd_header *)reply;
	struct bench_counters *counters = &flow->result->counters;
	struct awaited *awaited;
	enum verdict verdict;
	uint64_t latency, served;
	uint16_t tag;

	if (len < SESSD_HEADER_SIZE) {
		bench_count(&counters->wrong_length, 1);
		return;
	}
	tag = ntohs(header->timeout);
	awaited = &flow->ring[tag & flow->ring_mask];
	if (awaited->tag != tag || awaited->state == AWAITED_DONE) {
		struct awaited *other = find_by_key(flow, header);

		if (!other) {
			/* If the tag was used, the reply is a duplicate, or came after its ring
			 * entry was reused. */
			bench_count((uint16_t)(flow->head - 1 - tag) < flow->head
					    ? &counters->duplicates
					    : &counters->unasked,
				1);
			return;
		}
		awaited = other;
	}
	verdict = message_verify(
		&flow->options->population, awaited->number, awaited->tag, reply, len);
	if (verdict == VERDICT_KEY && is_stale(flow, reply, len, tag)) {
		bench_count(&counters->after_lost, 1);
		return;
	}
	bench_count(message_counter(counters, verdict), 1);
	if (awaited->state == AWAITED_LOST) {
		awaited->state = AWAITED_DONE;
		bench_count(&counters->after_lost, 1);
		return;
	}
	awaited->state = AWAITED_DONE;
	flow->under_way--;
	if (awaited->fence) {
		fence_answered(flow, verdict == VERDICT_HIT, now);
		return;
	}
	latency = now > awaited->due ? now - awaited->due : 0;
	served = flow_awake(flow, now) - awaited->sent;
	if (latency > flow->options->deadline_ns) {
		bench_count(&counters->late, 1);
		bench_count(&counters->late_served, served > flow->options->deadline_ns);
	}
	histogram_record(&flow->result->latency, latency);
	histogram_record(&flow->result->served, served);
}

unsigned flow_receive(struct flow *flow)
{
	unsigned replies = 0;
	uint64_t now;
	int n;

	do {
		n = recvmmsg(flow->fd, flow->receive_headers, FLOW_BATCH, MSG_DONTWAIT, NULL);
		if (n < 0) {
			if (errno == ECONNREFUSED)
				bench_count(&flow->result->counters.refused, 1);
			break;
		}
		now = bench_now();
		held_look(flow->held, now, 0);
		for (int i = 0; i < n; i++)
			take_reply(flow, flow->receive_buffers[i], flow->receive_headers[i].msg_len,
				now);
		replies += (unsigned)n;
	} while (n == FLOW_BATCH);
	return replies;
}

void flow_settle(struct flow *flow, uint64_t now)
{
	while (flow->tail != flow->head) {
		struct awaited *awaited = &flow->ring[flow->tail & flow->ring_mask];

		if (awaited->state == AWAITED_OPEN) {
			if (now < awaited->due + flow->options->patience_ns)
				break;
			lose(flow, awaited);
		}
		flow->tail++;
	}
}
