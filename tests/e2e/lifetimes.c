/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * lifetimes HOST PORT COUNT: stores COUNT sessions of 1 to 5 seconds and asks for each of them
 * around its end. A session must be there until 100 ms before its end and never be served later
 * than 10 ms after.
 *
 * The client cannot see when the daemon stores a session, only that it was after the NEW was sent
 * and before the first OK came back; nor when a GET is answered, only that it was between its own
 * sending and the reply. Both checks take the bound that is on the daemon's side, so that a slow
 * machine makes the test weaker, never wrong. It prints how close to the end it has looked.
 */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MS		1000000LL
#define SEED		99
#define STORE_RATE	10000
#define EARLY_TOLERANCE (100 * MS)
#define LATE_TOLERANCE	(10 * MS)

struct life {
	int64_t stored_after, stored_before; /* ns */
};

struct probe {
	int64_t due;
	uint32_t index;
};

/* When a session is asked for, relative to its end: once well before, once just before, and after
 * from as soon as it must be gone to well after. */
static const int64_t offsets[] = {-500 * MS, -110 * MS, -20 * MS, 11 * MS, 60 * MS, 900 * MS};
#define OFFSETS (sizeof(offsets) / sizeof(offsets[0]))

static uint64_t seen[REPLY_WRONG + 1], early, late;
static int64_t latest_hit = INT64_MIN, first_miss = INT64_MAX;

static uint16_t timeout_of(uint32_t index)
{
	return 1 + index % 5;
}

static int by_due(const void *a, const void *b)
{
	const struct probe *x = a, *y = b;

	return x->due < y->due ? -1 : x->due > y->due;
}

static int store(int fd, struct life *lives, uint32_t count)
{
	uint8_t out[SAMPLE_DATAGRAM];
	int64_t start = now_ns();

	for (uint32_t i = 0; i < count; i++) {
		size_t len = sample_new(out, SEED, i, timeout_of(i));

		sleep_until_ns(start + i * (1000 * MS / STORE_RATE));
		lives[i].stored_after = now_ns();
		if (send(fd, out, len, 0) < 0)
			return -1;
		do {
			lives[i].stored_before = now_ns();
			if (lives[i].stored_before - lives[i].stored_after > 500 * MS)
				return -1;
		} while (sample_ask(fd, SEED, i, 200000) != REPLY_HIT);
		lives[i].stored_before = now_ns();
	}
	return 0;
}

static void check(const struct life *life, uint32_t index, int64_t asked, int64_t answered,
	enum sample_reply reply)
{
	int64_t lifetime = timeout_of(index) * 1000 * MS;
	int64_t over = asked - (life->stored_before + lifetime);
	int64_t left = life->stored_after + lifetime - answered;

	seen[reply]++;
	if (reply == REPLY_HIT) {
		latest_hit = over > latest_hit ? over : latest_hit;
		late += over > LATE_TOLERANCE;
	}
	if (reply == REPLY_MISS) {
		first_miss = -left < first_miss ? -left : first_miss;
		early += left > EARLY_TOLERANCE;
	}
}

int main(int argc, char **argv)
{
	struct probe *probes;
	struct life *lives;
	uint32_t count;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: lifetimes HOST PORT COUNT\n");
		return 2;
	}
	count = parse_number("COUNT", argv[3], 1, 100000);
	fd = udp_connect(argv[1], argv[2]);
	lives = calloc(count, sizeof(*lives));
	probes = calloc(count * OFFSETS, sizeof(*probes));
	if (!lives || !probes)
		return 1;
	if (store(fd, lives, count) < 0) {
		fprintf(stderr, "a session did not come within 500 ms\n");
		return 1;
	}
	for (uint32_t i = 0; i < count; i++)
		for (size_t j = 0; j < OFFSETS; j++)
			probes[i * OFFSETS + j] = (struct probe){
				.due = lives[i].stored_before + timeout_of(i) * 1000 * MS +
				       offsets[j],
				.index = i,
			};
	qsort(probes, count * OFFSETS, sizeof(*probes), by_due);
	for (size_t i = 0; i < count * OFFSETS; i++) {
		struct probe *probe = &probes[i];
		int64_t asked = now_ns();
		enum sample_reply reply;

		if (probe->due > asked) {
			sleep_until_ns(probe->due);
			asked = now_ns();
		}
		reply = sample_ask(fd, SEED, probe->index, 200000);
		check(&lives[probe->index], probe->index, asked, now_ns(), reply);
	}
	printf("%u sessions, %zu GETs: hit %llu miss %llu wrong %llu lost %llu; early %llu late "
	       "%llu; last hit %+.1f ms, first miss %+.1f ms from the end\n",
		count, count * OFFSETS, (unsigned long long)seen[REPLY_HIT],
		(unsigned long long)seen[REPLY_MISS], (unsigned long long)seen[REPLY_WRONG],
		(unsigned long long)seen[REPLY_NONE], (unsigned long long)early,
		(unsigned long long)late, latest_hit / 1e6, first_miss / 1e6);
	free(probes);
	free(lives);
	return early || late || seen[REPLY_WRONG] || seen[REPLY_NONE] || !seen[REPLY_HIT] ||
	       seen[REPLY_MISS] < 2ULL * count;
}
