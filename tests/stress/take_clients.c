/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * take_clients PORT KEYS ROUNDS PATIENCE WAY...: stores KEYS sessions, then TAKEs all of them by
 * all ways (tests/e2e/way.h) at once, each from a thread of its own on the next CPU: exactly one
 * gets OK of each key, with the right bytes, and no GET finds it afterwards. A session whose OK was
 * lost on the way is nobody's: PATIENCE is how many requests in a thousand may get no reply. Exits
 * 0 if so, 3 and prints TWICE if two got the same session, 1 for anything else.
 */
#include "tests/e2e/sample.h"
#include "tests/e2e/way.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAYS_MAX 8
#define WINDOW	 16
#define WAIT_MS	 40

struct taker {
	struct way way;
	unsigned number;
	pthread_t thread;
	unsigned hits, misses, lost, wrong;
};

static const char *port;
static unsigned keys, rounds, ways;
static uint64_t seed;
static uint8_t *got;	  /* by key; atomic */
static uint8_t *lost_any; /* by key; atomic */
static pthread_barrier_t barrier;
static struct taker takers[WAYS_MAX];

static size_t make_take(uint8_t *out, uint64_t index)
{
	size_t len = sample_get(out, seed, index);

	out[1] = SESSD_TAKE;
	return len;
}

/* One window. In one half of them all begin with the same key, so that they meet at each; in the
 * other each begins with a key of its own, so that each has its share of firsts. */
static void take_window(struct taker *taker, unsigned first, unsigned count)
{
	bool answered[WINDOW] = {false};
	uint8_t request[SAMPLE_DATAGRAM], reply[2048];
	unsigned left = count, start = first / WINDOW;

	if (start % 2)
		start += taker->number * 5;

	for (unsigned i = 0; i < count; i++) {
		size_t len = make_take(request, first + (start + i) % count);

		if (send(taker->way.fd, request, len, 0) < 0)
			continue; /* the port is closed: a reply to one before it says so */
	}
	while (left > 0) {
		ssize_t len = way_receive(&taker->way, reply, sizeof(reply), WAIT_MS);
		unsigned i = 0;
		enum sample_reply what = REPLY_OTHER_KEY;

		if (len < 0)
			break;
		for (; i < count && what == REPLY_OTHER_KEY; i++)
			if (!answered[i])
				what = sample_check(seed, first + i, reply, (size_t)len);
		i--;
		if (what == REPLY_OTHER_KEY)
			continue; /* of an earlier window: it was given up */
		if (what == REPLY_WRONG) {
			taker->wrong++;
			break;
		}
		answered[i] = true;
		left--;
		taker->hits += what == REPLY_HIT;
		taker->misses += what == REPLY_MISS;
		if (what == REPLY_HIT)
			__atomic_fetch_add(&got[first + i], 1, __ATOMIC_RELAXED);
	}
	for (unsigned i = 0; i < count; i++) {
		if (answered[i])
			continue;
		taker->lost++;
		__atomic_store_n(&lost_any[first + i], 1, __ATOMIC_RELAXED);
	}
}

static void *take_all(void *arg)
{
	struct taker *taker = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(taker->number % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (unsigned first = 0; first < keys; first += WINDOW) {
		pthread_barrier_wait(&barrier);
		take_window(taker, first, keys - first < WINDOW ? keys - first : WINDOW);
	}
	return NULL;
}

/* A NEW that is lost is sent again: nobody takes yet. */
static void store_all(void)
{
	int fd = takers[0].way.fd;
	uint8_t request[SAMPLE_DATAGRAM];

	for (unsigned first = 0; first < keys; first += WINDOW) {
		unsigned count = keys - first < WINDOW ? keys - first : WINDOW;

		for (unsigned i = 0; i < count; i++)
			if (send(fd, request, sample_new(request, seed, first + i, 600), 0) < 0)
				continue;
		for (unsigned i = 0; i < count; i++) {
			unsigned tries = 0;

			while (sample_ask(fd, seed, first + i, 20000) != REPLY_HIT) {
				if (++tries == 500) {
					printf("a NEW was not stored\n");
					exit(1);
				}
				usleep(tries < 50 ? 100 : 10000);
				if (tries % 50 == 0 &&
					send(fd, request, sample_new(request, seed, first + i, 600),
						0) < 0)
					continue;
			}
		}
	}
}

/* How many a GET still finds. */
static unsigned found(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < keys; i++) {
		enum sample_reply what = sample_ask(takers[0].way.fd, seed, i, 20000);

		/* What a thread gave up waiting for may have taken nothing. */
		count += what == REPLY_HIT && got[i];
		takers[0].wrong += what == REPLY_WRONG;
	}
	return count;
}

int main(int argc, char **argv)
{
	unsigned twice = 0, nobody = 0, after = 0, lost = 0, wrong = 0, patience;

	if (argc < 6 || argc > 5 + WAYS_MAX) {
		fprintf(stderr, "usage: take_clients PORT KEYS ROUNDS PATIENCE WAY...\n");
		return 2;
	}
	port = argv[1];
	keys = (unsigned)parse_number("KEYS", argv[2], 1, 10000000);
	rounds = (unsigned)parse_number("ROUNDS", argv[3], 1, 1000);
	patience = (unsigned)parse_number("PATIENCE", argv[4], 0, 1000);
	ways = (unsigned)argc - 5;
	got = calloc(keys, 1);
	lost_any = calloc(keys, 1);
	if (!got || !lost_any)
		return 1;
	for (unsigned i = 0; i < ways; i++) {
		way_open(&takers[i].way, argv[5 + i], port);
		takers[i].number = i;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned round = 0; round < rounds && !twice; round++) {
		seed = now_ns();
		memset(got, 0, keys);
		memset(lost_any, 0, keys);
		store_all();
		printf("stored\n");
		pthread_barrier_init(&barrier, NULL, ways);
		for (unsigned i = 0; i < ways; i++)
			if (pthread_create(&takers[i].thread, NULL, take_all, &takers[i]) != 0)
				return 1;
		for (unsigned i = 0; i < ways; i++)
			pthread_join(takers[i].thread, NULL);
		pthread_barrier_destroy(&barrier);
		for (unsigned i = 0; i < keys; i++) {
			twice += got[i] > 1;
			nobody += !got[i] && !lost_any[i];
		}
		if (!twice)
			after += found();
	}
	for (unsigned i = 0; i < ways; i++) {
		printf("%s: %u got, %u misses, %u without a reply\n", takers[i].way.name,
			takers[i].hits, takers[i].misses, takers[i].lost);
		lost += takers[i].lost;
		wrong += takers[i].wrong;
	}
	printf("%u of %u keys in %u rounds went to nobody, %u were found after, %u wrong replies\n",
		nobody, keys, rounds, after, wrong);
	if (twice) {
		printf("TWICE: %u sessions\n", twice);
		return 3;
	}
	if ((uint64_t)lost * 1000 > (uint64_t)patience * keys * rounds * ways) {
		printf("too many requests without a reply\n");
		return 1;
	}
	return nobody || after || wrong;
}
