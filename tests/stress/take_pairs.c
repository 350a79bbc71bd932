/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * take_pairs HOST PORT PAIRS RATE: stores PAIRS sessions, at most RATE a second, and TAKEs each
 * shortly after. A TAKE is sent again until it gets OK, and now and then its NEW too: that or the
 * reply to an earlier TAKE may have been lost. Such a NEW may leave a session behind. Prints how
 * long it took, and how many NEWs were sent again; exits 1 if a reply was wrong, or a pair took too
 * many tries.
 */
#include "tests/e2e/sample.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WINDOW	  64
#define WAIT_MS	  20
#define TRIES_MAX 2000
#define NEW_TRIES 100 /* TAKEs before its NEW is sent again */

static uint64_t seed;
static unsigned takes_again, news_again, wrong;

static void offer(int fd, const void *request, size_t len)
{
	if (send(fd, request, len, 0) < 0)
		usleep(1000); /* the reply of a closed port, or no room */
}

/* Reads replies until each of the window was answered, or none comes. */
static void collect(int fd, uint64_t first, unsigned asked, bool *done)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	uint8_t reply[2048];

	while (asked > 0 && poll(&pfd, 1, WAIT_MS) > 0) {
		ssize_t len = recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
		enum sample_reply what = REPLY_OTHER_KEY;
		unsigned i = 0;

		if (len < 0)
			continue;
		for (; i < WINDOW && what == REPLY_OTHER_KEY; i++)
			what = sample_check(seed, first + i, reply, (size_t)len);
		if (what == REPLY_OTHER_KEY)
			continue;
		asked--;
		done[i - 1] |= what == REPLY_HIT;
		wrong += what == REPLY_WRONG;
	}
}

static int run_window(int fd, uint64_t first)
{
	uint8_t request[SAMPLE_DATAGRAM];
	bool done[WINDOW] = {false};

	for (unsigned try = 0; try < TRIES_MAX; try++) {
		unsigned asked = 0;

		for (unsigned i = 0; i < WINDOW && try % NEW_TRIES == 0; i++) {
			if (done[i])
				continue;
			offer(fd, request, sample_new(request, seed, first + i, 600));
			news_again += try > 0;
		}
		for (unsigned i = 0; i < WINDOW; i++) {
			size_t len = sample_get(request, seed, first + i);

			if (done[i])
				continue;
			request[1] = SESSD_TAKE;
			offer(fd, request, len);
			takes_again += try > 0;
			asked++;
		}
		if (asked == 0)
			return 0;
		collect(fd, first, asked, done);
		if (try > 0)
			usleep(try < 20 ? 100 : 1000);
	}
	return -1;
}

int main(int argc, char **argv)
{
	uint64_t pairs, rate, start;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: take_pairs HOST PORT PAIRS RATE\n");
		return 2;
	}
	fd = udp_connect(argv[1], argv[2]);
	pairs = parse_number("PAIRS", argv[3], 1, 1000000000) / WINDOW * WINDOW;
	rate = parse_number("RATE", argv[4], 1, 10000000);
	seed = start = now_ns();
	for (uint64_t first = 0; first < pairs; first += WINDOW) {
		sleep_until_ns(start + first * 1000000000 / rate);
		if (run_window(fd, first) < 0) {
			printf("no OK for a TAKE in %u tries\n", TRIES_MAX);
			return 1;
		}
	}
	printf("%llu pairs in %.1f s, again: %u TAKEs, %u NEWs; %u wrong\n",
		(unsigned long long)pairs, (double)(now_ns() - start) / 1e9, takes_again,
		news_again, wrong);
	return wrong > 0;
}
