/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/sockets.h"

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "bench/flow.h"
#include "bench/held.h"

/* Longest sleep: bounds how late the end of a run, or a lost reply, is noticed. */
#define WAIT_NS 1000000

struct sender {
	const struct bench_options *options;
	struct bench_result *result;
	const volatile int *stop;
	pthread_t thread;
	unsigned number;
	struct workload workload;
	struct held held;
	struct flow *flows[BENCH_PORTS_MAX];
	uint64_t start, end;
	uint64_t quota;	 /* requests to send; UINT64_MAX: limited by the duration */
	uint64_t made;	 /* requests made, fences not counted */
	double interval; /* open loop: ns between two requests */
	unsigned turn;	 /* open loop: the next flow */
	bool exhausted;	 /* the workload has no more requests */
	int error;
	char message[256]; /* copy of error_message(), which is per thread */
};

static bool make_one(struct sender *s, struct flow *flow, uint64_t due, uint64_t now)
{
	struct operation operation;

	if (s->made >= s->quota || s->exhausted)
		return false;
	if (!workload_next(&s->workload, &operation)) {
		s->exhausted = true;
		return false;
	}
	flow_queue(flow, &operation, due, now, false);
	flow->fence.number = operation.number;
	s->made++;
	return true;
}

/* Open loop: queues the requests due by now, a batch per source port. Returns when the next one is
 * due. */
static uint64_t make_due(struct sender *s, uint64_t now)
{
	uint64_t due = s->start + (uint64_t)((double)s->made * s->interval);
	unsigned full = 0;

	while (due <= now && due < s->end && full < s->options->ports) {
		struct flow *flow = s->flows[s->turn];

		full = flow_has_room(flow) ? 0 : full + 1;
		while (due <= now && due < s->end && flow_has_room(flow)) {
			if (!make_one(s, flow, due, now))
				return UINT64_MAX;
			due = s->start + (uint64_t)((double)s->made * s->interval);
		}
		s->turn = (s->turn + 1) % s->options->ports;
	}
	return due;
}

/* Closed loop of messages without a reply: sends a burst, then a GET for its last session. */
static void make_burst(struct sender *s, struct flow *flow, uint64_t now)
{
	struct operation ask = {SESSD_GET, 0};

	if (!flow->fence.waiting) {
		if (flow->queued > 0) /* of the last burst */
			return;
		flow->fence.size = 0;
		while (flow->fence.size < s->options->window && flow->fence.size < FLOW_BATCH - 1 &&
			make_one(s, flow, now, now))
			flow->fence.size++;
		if (flow->fence.size == 0)
			return;
		flow->fence.waiting = true;
		flow->fence.began = flow->fence.retry = now;
		flow->fence.sent = flow_awake(flow, now);
	}
	if (!flow->fence.asked && now >= flow->fence.retry && flow_has_room(flow)) {
		ask.number = flow->fence.number;
		flow_queue(flow, &ask, now, now, true);
		flow->fence.asked = true;
	}
}

static void make_closed(struct sender *s, uint64_t now)
{
	bool fenced =
		s->options->workload == WORKLOAD_NEW || s->options->workload == WORKLOAD_REMOVE;

	for (unsigned i = 0; i < s->options->ports; i++) {
		struct flow *flow = s->flows[i];

		if (fenced) {
			make_burst(s, flow, now);
			continue;
		}
		while (flow->under_way < s->options->window && flow_has_room(flow) &&
			make_one(s, flow, now, now))
			;
	}
}

/* How far the load is behind its rate: then the result measures the load, not the server. */
static uint64_t behind(const struct sender *s, uint64_t now)
{
	uint64_t due = s->start + (uint64_t)((double)s->made * s->interval);

	return s->interval > 0 && s->made < s->quota && due < now ? now - due : 0;
}

static bool all_idle(const struct sender *s)
{
	for (unsigned i = 0; i < s->options->ports; i++) {
		const struct flow *flow = s->flows[i];

		if (flow->queued > 0 || flow->under_way > 0 || flow->fence.waiting)
			return false;
	}
	return true;
}

static int exchange(struct sender *s, unsigned *replies)
{
	int ret = 0;

	*replies = 0;
	for (unsigned i = 0; i < s->options->ports && ret == 0; i++) {
		if (s->flows[i]->queued > 0)
			ret = flow_send(s->flows[i]);
		*replies += flow_receive(s->flows[i]);
	}
	return ret;
}

/* Returns the intended wake-up time. */
static uint64_t wait_until(struct sender *s, uint64_t now, uint64_t until)
{
	struct pollfd polls[BENCH_PORTS_MAX];
	uint64_t wanted = until > now ? until - now : 0, ns = wanted < WAIT_NS ? wanted : WAIT_NS;
	struct timespec timeout = {0, (long)ns};

	for (unsigned i = 0; i < s->options->ports; i++)
		polls[i] = (struct pollfd){.fd = s->flows[i]->fd, .events = POLLIN};
	ppoll(polls, s->options->ports, &timeout, NULL);
	return now + ns;
}

/* The time of the next action if no reply comes before. */
static uint64_t next_event(const struct sender *s, uint64_t next_due, bool open)
{
	uint64_t until = open ? next_due : UINT64_MAX;

	for (unsigned i = 0; i < s->options->ports; i++) {
		const struct flow *flow = s->flows[i];

		if (flow->fence.waiting && !flow->fence.asked && flow->fence.retry < until)
			until = flow->fence.retry;
	}
	return until;
}

static int run_loop(struct sender *s)
{
	bool open = s->options->rate > 0, ending = false;
	uint64_t now, next_due = 0, give_up = 0, asleep_until = 0;
	unsigned replies;
	int ret;

	for (;;) {
		now = bench_now();
		held_look(&s->held, now, asleep_until);
		asleep_until = 0;
		if (!ending && (now >= s->end || *s->stop || s->made >= s->quota || s->exhausted)) {
			ending = true;
			s->result->seconds = (double)(now - s->start) / 1e9;
			s->result->behind_ns = behind(s, now < s->end ? now : s->end);
			give_up = now + s->options->patience_ns + s->options->patience_ns / 4;
		}
		if (!ending && open)
			next_due = make_due(s, now);
		else if (!ending)
			make_closed(s, now);
		ret = exchange(s, &replies);
		if (ret < 0)
			return ret;
		now = bench_now();
		for (unsigned i = 0; i < s->options->ports; i++)
			flow_settle(s->flows[i], now);
		if (ending && (all_idle(s) || now >= give_up))
			return 0;
		if (replies == 0)
			asleep_until = wait_until(
				s, now, next_event(s, ending ? now + WAIT_NS : next_due, open));
	}
}

static void *sender_main(void *arg)
{
	struct sender *s = arg;

	/* The default slack makes every sleep up to 50 us longer. */
	prctl(PR_SET_TIMERSLACK, 1UL);
	held_begin(&s->held, &s->result->held, bench_now());
	s->error = run_loop(s);
	held_end(&s->held);
	if (s->error < 0)
		strncpy(s->message, error_message(), sizeof(s->message) - 1);
	return NULL;
}

static int sender_open(struct sender *s, const struct bench_options *options, unsigned number,
	struct bench_result *result)
{
	uint64_t share = options->count / options->threads;

	s->options = options;
	s->number = number;
	s->result = result;
	s->interval = options->rate > 0 ? 1e9 * options->threads / options->rate : 0;
	s->quota = options->count == 0 ? UINT64_MAX
				       : share + (number < options->count % options->threads);
	workload_init(&s->workload, options, number);
	for (unsigned i = 0; i < options->ports; i++) {
		s->flows[i] = flow_create(options, result, &s->held);
		if (!s->flows[i])
			return -ENOMEM;
	}
	return 0;
}

static void senders_close(struct sender *senders, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++) {
		for (unsigned j = 0; j < BENCH_PORTS_MAX; j++)
			flow_destroy(senders[i].flows[j]);
	}
	free(senders);
}

int sockets_run(const struct bench_options *options, struct bench_result *results, uint64_t *news,
	const volatile int *stop)
{
	struct sender *senders = calloc(options->threads, sizeof(*senders));
	unsigned started = 0;
	int ret = 0;

	if (!senders)
		return error_set(ENOMEM, "no memory for %u threads", options->threads);
	for (unsigned i = 0; i < options->threads && ret == 0; i++)
		ret = sender_open(&senders[i], options, i, &results[i]);
	for (; started < options->threads && ret == 0; started++) {
		struct sender *s = &senders[started];
		/* Spread the threads over an interval. */
		double offset = s->interval * started / options->threads;

		s->stop = stop;
		s->start = bench_now() + (uint64_t)offset;
		s->end = s->start + (uint64_t)(options->duration * 1e9);
		ret = -pthread_create(&s->thread, NULL, sender_main, s);
		if (ret < 0) {
			error_set(-ret, "starting a thread: %s", strerror(-ret));
			break;
		}
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(senders[i].thread, NULL);
		news[i] = senders[i].workload.news;
		if (senders[i].error < 0 && ret == 0)
			ret = error_set(-senders[i].error, "%s", senders[i].message);
	}
	senders_close(senders, options->threads);
	return ret;
}
