/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include "bench/preload.h"

#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/flow.h"

/* Sessions per round: few enough for the default receive buffer of a server. */
#define CHUNK 128

/* Rounds of GETs before a NEW is repeated. */
#define ROUNDS_A_NEW 16

/* Gives up after this time without progress. A time, not a number of rounds, because a writer that
 * shares its CPU with many threads of this process may be delayed for many rounds. */
#define GIVE_UP_NS 2500000000U

/* How long a round waits for one more reply. */
#define REPLY_WAIT_NS 5000000

enum answer {
	ANSWER_NONE,
	ANSWER_HIT,
	ANSWER_MISS,
};

/* A tag is the index in the chunk and, above it, the round, so that a reply to an earlier round is
 * recognised. */
struct chunk {
	const struct bench_options *options;
	struct bench_counters *counters;
	int fd;
	unsigned count, round;
	uint64_t numbers[CHUNK];
	uint8_t answers[CHUNK]; /* enum answer */
	struct mmsghdr headers[CHUNK];
	struct iovec vectors[CHUNK];
	uint8_t buffers[CHUNK][MESSAGE_MAX + 1]; /* so that a reply that is too long is noticed */
};

static struct chunk *chunk_create(
	const struct bench_options *options, struct bench_counters *counters)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk) {
		error_set(ENOMEM, "no memory to store sessions");
		return NULL;
	}
	chunk->options = options;
	chunk->counters = counters;
	chunk->fd = flow_socket(&options->target);
	if (chunk->fd < 0) {
		free(chunk);
		return NULL;
	}
	for (unsigned i = 0; i < CHUNK; i++) {
		chunk->vectors[i].iov_base = chunk->buffers[i];
		chunk->headers[i].msg_hdr.msg_iov = &chunk->vectors[i];
		chunk->headers[i].msg_hdr.msg_iovlen = 1;
	}
	return chunk;
}

static void chunk_destroy(struct chunk *chunk)
{
	if (chunk)
		close(chunk->fd);
	free(chunk);
}

/* Sends a message for each session not yet known to be stored. Returns how many. */
static int chunk_send(struct chunk *chunk, enum sessd_type type)
{
	const struct population *p = &chunk->options->population;
	unsigned count = 0, sent = 0;

	for (unsigned i = 0; i < chunk->count; i++) {
		uint16_t timeout = chunk->options->timeout;

		if (chunk->answers[i] == ANSWER_HIT)
			continue;
		if (type == SESSD_GET)
			timeout = (uint16_t)(chunk->round * CHUNK + i);
		chunk->vectors[count].iov_len =
			message_build(p, type, chunk->numbers[i], timeout, chunk->buffers[count]);
		count++;
	}
	while (sent < count) {
		int n = sendmmsg(chunk->fd, chunk->headers + sent, count - sent, 0);
		struct pollfd writable = {.fd = chunk->fd, .events = POLLOUT};

		if (n > 0)
			sent += (unsigned)n;
		else if (errno == EAGAIN || errno == ENOBUFS)
			poll(&writable, 1, 1);
		else if (errno != ECONNREFUSED && errno != EINTR)
			return error_set(errno, "sending: %s", strerror(errno));
	}
	return (int)count;
}

static int chunk_take(struct chunk *chunk, const uint8_t *reply, size_t len)
{
	const struct sessd_header *header = (const struct sessd_header *)reply;
	uint16_t tag = (uint16_t)(__builtin_bswap16(header->timeout));
	unsigned i = tag % CHUNK;
	enum verdict verdict;

	if (len < SESSD_HEADER_SIZE) {
		chunk->counters->wrong_length++;
		return error_set(EBADMSG, "a reply of %zu bytes", len);
	}
	if (i >= chunk->count || tag != (uint16_t)(chunk->round * CHUNK + i))
		return 0; /* for an earlier round */
	verdict = message_verify(&chunk->options->population, chunk->numbers[i], tag, reply, len);
	if (verdict > VERDICT_MISS) {
		++*message_counter(chunk->counters, verdict);
		return error_set(EBADMSG, "a wrong reply while sessions were stored or read back: "
					  "were they stored with another --value?");
	}
	if (chunk->answers[i] == ANSWER_HIT)
		return 0;
	chunk->answers[i] = verdict == VERDICT_HIT ? ANSWER_HIT : ANSWER_MISS;
	return 1;
}

/* Receives until `expected` replies arrived, or none arrives for a while. */
static int chunk_receive(struct chunk *chunk, int expected)
{
	struct pollfd readable = {.fd = chunk->fd, .events = POLLIN};
	struct timespec timeout = {0, REPLY_WAIT_NS};

	while (expected > 0) {
		int n, got;

		for (unsigned i = 0; i < CHUNK; i++)
			chunk->vectors[i].iov_len = sizeof(chunk->buffers[i]);
		n = recvmmsg(chunk->fd, chunk->headers, CHUNK, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ECONNREFUSED) {
			chunk->counters->refused++;
			usleep(1000);
			return 0;
		}
		if (n <= 0 && ppoll(&readable, 1, &timeout, NULL) == 0)
			return 0;
		for (int i = 0; i < n; i++) {
			got = chunk_take(chunk, chunk->buffers[i], chunk->headers[i].msg_len);
			if (got < 0)
				return got;
			expected -= got;
		}
	}
	return 0;
}

static unsigned chunk_there(const struct chunk *chunk)
{
	unsigned there = 0;

	for (unsigned i = 0; i < chunk->count; i++)
		there += chunk->answers[i] == ANSWER_HIT;
	return there;
}

/* One round of GETs. */
static int chunk_ask(struct chunk *chunk)
{
	int sent;

	chunk->round++;
	sent = chunk_send(chunk, SESSD_GET);
	return sent < 0 ? sent : chunk_receive(chunk, sent);
}

static int chunk_store(struct chunk *chunk, const volatile int *stop)
{
	uint64_t progress = bench_now();
	unsigned there = 0, answered = 0;
	int ret = 0;

	memset(chunk->answers, ANSWER_NONE, sizeof(chunk->answers));
	for (unsigned round = 0; there < chunk->count && !*stop; round++) {
		if (round % ROUNDS_A_NEW == 0)
			ret = chunk_send(chunk, SESSD_NEW);
		else if (round > 1) /* give the writer some time */
			usleep(100);
		if (ret >= 0)
			ret = chunk_ask(chunk);
		if (ret < 0)
			return ret;
		if (chunk_there(chunk) > there)
			progress = bench_now();
		else if (bench_now() - progress > GIVE_UP_NS)
			break;
		there = chunk_there(chunk);
	}
	if (there == chunk->count || *stop)
		return 0;
	for (unsigned i = 0; i < chunk->count; i++)
		answered += chunk->answers[i] != ANSWER_NONE;
	if (answered == 0)
		return error_set(ETIMEDOUT, chunk->counters->refused > 0
						    ? "nothing listens at the target"
						    : "the target does not answer");
	return error_set(ENOSPC,
		"%u of %u sessions could not be stored: is the cache too small "
		"for --sessions, or its --max-session for --value?",
		chunk->count - there, chunk->count);
}

struct loader {
	const struct bench_options *options;
	const volatile int *stop;
	uint64_t *done;
	pthread_t thread;
	unsigned number;
	struct bench_counters counters;
	int error;
	char message[256];
};

static int load(struct loader *l, struct chunk *chunk)
{
	const struct bench_options *options = l->options;
	uint64_t step = (uint64_t)options->threads * CHUNK, start = bench_now(), due, now,
		 stored = 0;
	int ret = 0;

	for (uint64_t first = options->first + (uint64_t)l->number * CHUNK;
		first < options->sessions && ret == 0; first += step) {
		chunk->count = (unsigned)(options->sessions - first);
		if (chunk->count > CHUNK)
			chunk->count = CHUNK;
		for (unsigned i = 0; i < chunk->count; i++)
			chunk->numbers[i] = first + i;
		ret = chunk_store(chunk, l->stop);
		stored += chunk->count;
		__atomic_add_fetch(l->done, chunk->count, __ATOMIC_RELAXED);
		if (*l->stop)
			return error_set(EINTR, "interrupted");
		if (options->preload_rate <= 0)
			continue;
		due = start +
		      (uint64_t)(1e9 * (double)stored * options->threads / options->preload_rate);
		now = bench_now();
		if (due > now)
			usleep((useconds_t)((due - now) / 1000));
	}
	return ret;
}

static void *loader_main(void *arg)
{
	struct loader *l = arg;
	struct chunk *chunk = chunk_create(l->options, &l->counters);

	l->error = chunk ? load(l, chunk) : -ENOMEM;
	if (l->error < 0)
		strncpy(l->message, error_message(), sizeof(l->message) - 1);
	chunk_destroy(chunk);
	return NULL;
}

int preload_store(const struct bench_options *options, struct bench_counters *counters,
	uint64_t *done, const volatile int *stop)
{
	struct loader *loaders = calloc(options->threads, sizeof(*loaders));
	unsigned started = 0;
	int ret = 0;

	if (!loaders)
		return error_set(ENOMEM, "no memory for %u threads", options->threads);
	for (; started < options->threads; started++) {
		struct loader *l = &loaders[started];

		l->options = options;
		l->stop = stop;
		l->done = done;
		l->number = started;
		ret = -pthread_create(&l->thread, NULL, loader_main, l);
		if (ret < 0) {
			error_set(-ret, "starting a thread: %s", strerror(-ret));
			break;
		}
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(loaders[i].thread, NULL);
		bench_counters_add(counters, &loaders[i].counters);
		if (loaders[i].error < 0 && ret == 0)
			ret = error_set(-loaders[i].error, "%s", loaders[i].message);
	}
	free(loaders);
	return ret;
}

int preload_ask(const struct bench_options *options, const uint64_t *numbers, unsigned count,
	struct bench_counters *counters, uint64_t *there)
{
	struct chunk *chunk = chunk_create(options, counters);
	int ret = chunk ? 0 : -ENOMEM;

	for (unsigned first = 0; first < count && ret == 0; first += CHUNK) {
		chunk->count = count - first < CHUNK ? count - first : CHUNK;
		memcpy(chunk->numbers, numbers + first, chunk->count * sizeof(*numbers));
		memset(chunk->answers, ANSWER_NONE, sizeof(chunk->answers));
		/* A second round for lost packets. */
		ret = chunk_ask(chunk);
		if (ret == 0)
			ret = chunk_ask(chunk);
		*there += chunk_there(chunk);
	}
	chunk_destroy(chunk);
	return ret;
}
