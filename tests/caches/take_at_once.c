/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * take_at_once FILE COUNT SEED EXPECT HOST PORT [HOST PORT]...: TAKEs each of udpclient's sessions
 * at all caches at once, some 10,000 a second. Prints how many were given once, several times, not
 * at all, and the slowest reply. FILE has what earlier runs were given, and then what this one was
 * too: given again is given several times. -: no file. EXPECT: one, exactly one cache gives each
 * session; none, no cache gives any; any, never more than one. Exits 3 and prints TWICE if several
 * gave the same session, 1 for anything else.
 */
#include "tests/e2e/sample.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CACHES_MAX 4
#define WINDOW	   16
#define PAUSE_NS   1000000
#define WAIT_NS	   1000000000ULL /* for replies; the daemon has a fraction of it */
#define SHORT_NS   50000000ULL	 /* once a cache was silent */

static uint64_t seed;
static unsigned caches;
static struct cache {
	int fd;
	unsigned given, silent;
} cache[CACHES_MAX];
static unsigned one, several, none, wrong, silent;
static uint64_t slowest;
static uint8_t *before; /* by session: given in an earlier run */

static void send_window(uint64_t first, unsigned count)
{
	uint8_t request[SAMPLE_DATAGRAM];

	for (unsigned i = 0; i < count; i++) {
		size_t len = sample_get(request, seed, first + i);

		request[1] = SESSD_TAKE;
		/* Each of them is the first to be asked as often. */
		for (unsigned k = 0; k < caches; k++)
			(void)!send(cache[(i + k) % caches].fd, request, len, 0);
	}
}

/* Reads what came from one cache. Returns how many of the window it answered. */
static unsigned receive(
	unsigned from, uint64_t first, unsigned count, bool *answered, unsigned *gave)
{
	uint8_t reply[2048];
	unsigned replies = 0;
	ssize_t len;

	while ((len = recv(cache[from].fd, reply, sizeof(reply), MSG_DONTWAIT)) >= 0) {
		enum sample_reply what = REPLY_OTHER_KEY;
		unsigned i = 0;

		for (; i < count && what == REPLY_OTHER_KEY; i++)
			what = sample_check(seed, first + i, reply, (size_t)len);
		if (what == REPLY_OTHER_KEY)
			continue;
		wrong += what == REPLY_WRONG || answered[i - 1];
		answered[i - 1] = true;
		gave[i - 1] += what == REPLY_HIT;
		cache[from].given += what == REPLY_HIT;
		replies++;
	}
	return replies;
}

static void run_window(uint64_t first, unsigned count)
{
	bool answered[CACHES_MAX][WINDOW] = {0};
	unsigned gave[WINDOW] = {0}, left = count * caches;
	struct pollfd fds[CACHES_MAX];
	uint64_t began = now_ns();

	send_window(first, count);
	for (unsigned i = 0; i < caches; i++)
		fds[i] = (struct pollfd){.fd = cache[i].fd, .events = POLLIN};
	while (left > 0 && now_ns() - began < (silent ? SHORT_NS : WAIT_NS)) {
		unsigned replies = 0;

		if (poll(fds, caches, 50) < 0 && errno != EINTR)
			return;
		for (unsigned i = 0; i < caches; i++)
			replies += receive(i, first, count, answered[i], gave);
		left -= replies;
		if (replies > 0 && now_ns() - began > slowest)
			slowest = now_ns() - began;
	}
	silent = left;
	for (unsigned i = 0; i < count; i++) {
		one += gave[i] == 1;
		several += gave[i] > 1 || (gave[i] > 0 && before[first + i]);
		before[first + i] |= gave[i] > 0;
		none += gave[i] == 0;
		for (unsigned k = 0; k < caches; k++)
			cache[k].silent += !answered[k][i];
	}
}

int main(int argc, char **argv)
{
	const char *expect;
	uint64_t count;
	FILE *file;

	if (argc < 7 || argc % 2 == 0 || (argc - 5) / 2 > CACHES_MAX) {
		fprintf(stderr, "usage: take_at_once FILE COUNT SEED one|none|any HOST PORT [HOST "
				"PORT]...\n");
		return 2;
	}
	count = parse_number("COUNT", argv[2], 1, 1000000);
	seed = parse_number("SEED", argv[3], 0, UINT32_MAX);
	expect = argv[4];
	for (int i = 5; i < argc; i += 2)
		cache[caches++].fd = udp_connect(argv[i], argv[i + 1]);
	before = calloc(count, 1);
	file = fopen(argv[1], "r");
	if (!before || (file && fread(before, 1, count, file) != count))
		return 2;
	if (file)
		fclose(file);
	for (uint64_t first = 0; first < count; first += WINDOW) {
		sleep_until_ns(now_ns() + PAUSE_NS);
		run_window(first, (unsigned)(count - first < WINDOW ? count - first : WINDOW));
	}
	printf("%llu sessions: one %u, several %u, none %u; slowest %llu ms",
		(unsigned long long)count, one, several, none,
		(unsigned long long)slowest / 1000000);
	for (unsigned i = 0; i < caches; i++)
		printf("; cache %u gave %u, silent %u", i, cache[i].given, cache[i].silent);
	printf("; wrong %u\n", wrong);
	if (strcmp(argv[1], "-") != 0) {
		file = fopen(argv[1], "w");
		if (!file || fwrite(before, 1, count, file) != count || fclose(file) != 0)
			return 2;
	}
	free(before);
	if (several > 0) {
		puts("TWICE");
		return 3;
	}
	return wrong > 0 || (strcmp(expect, "one") == 0 && one != count) ||
	       (strcmp(expect, "none") == 0 && none != count);
}
