/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * dead_cache DEADLINE-US ROUNDS KEY: what libsessiond's look-ups take if the cache is silent: until
 * the breaker opens, and then. Each round has a new client, whose breaker is closed. Prints, as
 * JSON, times in µs: median, p99 and longest of the look-ups that waited, the longest without what
 * the thread waited for its CPU, and the longest plain wait for as long, which shows what the
 * machine did meanwhile; median, p99 and longest of 1000 a round once the breaker was open.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <sessiond/client.h>

#include "tests/client/cpu_wait.h"

#define OPEN_A_ROUND 1000
#define WAITING_MAX  100 /* a round */

struct times {
	double *us;
	size_t count;
};

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static double own_max; /* us */

static enum sessiond_result look_up(sessiond_client *client, struct times *times)
{
	static unsigned char value[SESSIOND_VALUE_LIMIT];
	struct sessiond_id id = {.bytes = "a session that nobody has", .len = 25};
	size_t len = sizeof(value);
	double from = now_us();
	enum sessiond_result result = sessiond_get(client, &id, value, &len);

	times->us[times->count] = now_us() - from;
	return result;
}

static double plain_wait(unsigned us)
{
	struct timespec wait = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L};
	double from = now_us();

	ppoll(NULL, 0, &wait, NULL);
	return now_us() - from;
}

static int run(unsigned deadline_us, const char *key, const char *cache, struct times *waited,
	struct times *plain, struct times *open)
{
	struct sessiond_options options = {.size = sizeof(options),
		.caches = cache,
		.deadline_us = deadline_us,
		.key_file = key,
		.scope = "bench"};
	struct sessiond_stats stats = {0};
	char error[SESSIOND_ERROR_SIZE];
	sessiond_client *client;

	if (sessiond_open(&client, &options, error, sizeof(error)) < 0) {
		fprintf(stderr, "dead_cache: %s\n", error);
		return -1;
	}
	for (int i = 0; i < WAITING_MAX && stats.unavailable == 0; i++) {
		uint64_t before = cpu_wait_ns();

		if (look_up(client, waited) == SESSIOND_TIMEOUT) {
			double own = waited->us[waited->count++] -
				     (double)(cpu_wait_ns() - before) / 1e3;

			if (own > own_max)
				own_max = own;
		}
		plain->us[plain->count++] = plain_wait(deadline_us);
		sessiond_read_stats(client, &stats, sizeof(stats));
	}
	for (int i = 0; i < OPEN_A_ROUND; i++)
		if (look_up(client, open) == SESSIOND_OFF)
			open->count++;
	sessiond_close(client);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double at(struct times *times, double share)
{
	size_t i = (size_t)((double)times->count * share);

	return times->us[i < times->count ? i : times->count - 1];
}

int main(int argc, char **argv)
{
	struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);
	int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t rounds = argc == 4 ? (size_t)atoi(argv[2]) : 0;
	struct times waited = {0}, plain = {0}, open = {0};
	char cache[32];

	if (rounds < 1) {
		fprintf(stderr, "usage: dead_cache DEADLINE-US ROUNDS KEY\n");
		return 2;
	}
	if (bind(silent, (struct sockaddr *)&name, len) < 0 ||
		getsockname(silent, (struct sockaddr *)&name, &len) < 0) {
		perror("dead_cache");
		return 1;
	}
	snprintf(cache, sizeof(cache), "127.0.0.1:%u", ntohs(name.sin_port));
	waited.us = calloc(rounds * WAITING_MAX + 1, sizeof(double));
	plain.us = calloc(rounds * WAITING_MAX + 1, sizeof(double));
	open.us = calloc(rounds * OPEN_A_ROUND + 1, sizeof(double));
	for (size_t i = 0; i < rounds; i++)
		if (run((unsigned)atoi(argv[1]), argv[3], cache, &waited, &plain, &open) < 0)
			return 1;
	if (!waited.count || !open.count) {
		fprintf(stderr, "dead_cache: the breaker did not open\n");
		return 1;
	}
	qsort(waited.us, waited.count, sizeof(double), by_size);
	qsort(plain.us, plain.count, sizeof(double), by_size);
	qsort(open.us, open.count, sizeof(double), by_size);
	printf("{\"waited\": %zu, \"waited_p50\": %.3f, \"waited_p99\": %.3f, \"waited_max\": "
	       "%.3f, \"waited_own_max\": %.3f, \"plain_p99\": %.3f, \"plain_max\": %.3f, "
	       "\"open\": %zu, "
	       "\"open_p50\": %.3f, \"open_p99\": %.3f, \"open_max\": %.3f}\n",
		waited.count, at(&waited, 0.5), at(&waited, 0.99), at(&waited, 1), own_max,
		at(&plain, 0.99), at(&plain, 1), open.count, at(&open, 0.5), at(&open, 0.99),
		at(&open, 1));
	return 0;
}
