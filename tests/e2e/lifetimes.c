/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * lifetimes HOST PORT COUNT: stores COUNT sessions of 1 to 5 seconds and sends GETs for each around
 * its end. A session must be served until 100 ms before its end and never later than 10 ms after.
 *
 * The client cannot see when the daemon stores a session, only that it was after the NEW was sent
 * and before the first OK came back; nor when a GET is answered, only that it was between its own
 * sending and the reply. Both checks use the bound that favours the daemon, so that a slow machine
 * makes the test weaker, never wrong. It prints how close to the end it has checked.
 *
 * Each of a few threads waits for one reply at a time: a single thread could not keep up if a reply
 * took a tenth of a millisecond.
 */
#include "tests/e2e/sample.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS		1000000LL
#define SEED		99
#define STORE_RATE	10000 /* of all threads together */
#define WORKERS		4
#define EARLY_TOLERANCE (100 * MS)
#define LATE_TOLERANCE	(10 * MS)

struct life {
	int64_t stored_after, stored_before; /* ns */
};

struct probe {
	int64_t due;
	uint32_t number; /* of the thread's sessions */
};

/* Times of the GETs for a session, relative to its end: once well before, once just before, and
 * afterwards from the time when it must be gone to well after. */
static const int64_t offsets[] = {-500 * MS, -110 * MS, -20 * MS, 11 * MS, 60 * MS, 900 * MS};
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

/* A thread, its sessions (from `first` on in steps of WORKERS), and its results. */
struct worker {
	pthread_t thread;
	int fd;
	uint32_t first, count;
	bool failed;
	uint64_t seen[REPLY_WRONG + 1], early, late;
	int64_t latest_hit, first_miss;
};

static uint16_t timeout_of(uint32_t index)
{
	return 1 + index % 5;
}

static int by_due(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;

	return x->due < y->due ? -1 : x->due > y->due;
}

/* The seed that all threads use for the keys. */
static uint32_t index_of(const struct worker *worker, uint32_t number)
{
	return worker->first + number * WORKERS;
}

static int store(struct worker *worker, struct life *lives)
{
	uint8_t out[SAMPLE_DATAGRAM];
	int64_t start = now_ns();

	for (uint32_t i = 0; i < worker->count; i++) {
		uint32_t index = index_of(worker, i);
		size_t len = sample_new(out, SEED, index, timeout_of(index));

		sleep_until_ns(start + i * (1000 * MS * WORKERS / STORE_RATE));
		lives[i].stored_after = now_ns();
		if (send(worker->fd, out, len, 0) < 0)
			return -1;
		do {
			lives[i].stored_before = now_ns();
			if (lives[i].stored_before - lives[i].stored_after > 500 * MS)
				return -1;
		} while (sample_ask(worker->fd, SEED, index, 200000) != REPLY_HIT);
		lives[i].stored_before = now_ns();
	}
	return 0;
}

static void check(struct worker *worker, const struct life *life, uint32_t index, int64_t asked,
	int64_t answered, enum sample_reply reply)
{
	int64_t lifetime = timeout_of(index) * 1000 * MS;
	int64_t over = asked - (life->stored_before + lifetime);
	int64_t left = life->stored_after + lifetime - answered;

	worker->seen[reply]++;
	if (reply == REPLY_HIT) {
		worker->latest_hit = over > worker->latest_hit ? over : worker->latest_hit;
		worker->late += over > LATE_TOLERANCE;
	}
	if (reply == REPLY_MISS) {
		worker->first_miss = -left < worker->first_miss ? -left : worker->first_miss;
		worker->early += left > EARLY_TOLERANCE;
	}
}

/* Sorted by the time of each session's next GET. */
static void ask_all(struct worker *worker, const struct life *lives, struct probe *probes)
{
	size_t count = worker->count * OFFSETS;

	for (size_t i = 0; i < count; i++) {
		uint32_t number = (uint32_t)(i / OFFSETS);

		probes[i] = (struct probe){
			.due = lives[number].stored_before +
			       timeout_of(index_of(worker, number)) * 1000 * MS +
			       offsets[i % OFFSETS],
			.number = number,
		};
	}
	qsort(probes, count, sizeof(*probes), by_due);
	for (size_t i = 0; i < count; i++) {
		uint32_t index = index_of(worker, probes[i].number);
		int64_t asked = now_ns();
		enum sample_reply reply;

		if (probes[i].due > asked) {
			sleep_until_ns(probes[i].due);
			asked = now_ns();
		}
		reply = sample_ask(worker->fd, SEED, index, 200000);
		check(worker, &lives[probes[i].number], index, asked, now_ns(), reply);
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct life *lives = calloc(worker->count, sizeof(*lives));
	struct probe *probes = calloc(worker->count * OFFSETS, sizeof(*probes));

	worker->failed = !lives || !probes || store(worker, lives) < 0;
	if (worker->failed)
		fprintf(stderr, "no memory, or a session did not come within 500 ms\n");
	else
		ask_all(worker, lives, probes);
	free(probes);
	free(lives);
	return NULL;
}

static void add(struct worker *sum, const struct worker *worker)
{
	sum->failed |= worker->failed;
	for (size_t i = 0; i <= REPLY_WRONG; i++)
		sum->seen[i] += worker->seen[i];
	sum->early += worker->early;
	sum->late += worker->late;
	if (worker->latest_hit > sum->latest_hit)
		sum->latest_hit = worker->latest_hit;
	if (worker->first_miss < sum->first_miss)
		sum->first_miss = worker->first_miss;
}

int main(int argc, char **argv)
{
	struct worker workers[WORKERS], sum = {.latest_hit = INT64_MIN, .first_miss = INT64_MAX};
	uint32_t count;

	if (argc != 4) {
		fprintf(stderr, "usage: lifetimes HOST PORT COUNT\n");
		return 2;
	}
	count = parse_number("COUNT", argv[3], WORKERS, 100000);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker){
			.fd = udp_connect(argv[1], argv[2]),
			.first = i,
			.count = (count - i + WORKERS - 1) / WORKERS,
			.latest_hit = INT64_MIN,
			.first_miss = INT64_MAX,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
			fprintf(stderr, "cannot start a thread\n");
			return 1;
		}
	}
	for (uint32_t i = 0; i < WORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		add(&sum, &workers[i]);
	}
	printf("%u sessions, %zu GETs: hit %llu miss %llu wrong %llu lost %llu; early %llu late "
	       "%llu; last hit %+.1f ms, first miss %+.1f ms from the end\n",
		count, count * OFFSETS, (unsigned long long)sum.seen[REPLY_HIT],
		(unsigned long long)sum.seen[REPLY_MISS], (unsigned long long)sum.seen[REPLY_WRONG],
		(unsigned long long)sum.seen[REPLY_NONE], (unsigned long long)sum.early,
		(unsigned long long)sum.late, (double)sum.latest_hit / 1e6,
		(double)sum.first_miss / 1e6);
	return sum.failed || sum.early || sum.late || sum.seen[REPLY_WRONG] ||
	       sum.seen[REPLY_NONE] || !sum.seen[REPLY_HIT] || sum.seen[REPLY_MISS] < 2ULL * count;
}
