/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * freshness HOST PORT COUNT LIMIT_US: measures the time until a session is served. Sends a NEW per
 * millisecond, each followed by GETs until one is answered OK, and prints the percentiles of the
 * time from sending the NEW to that answer. Exits 1 if the 99th is over the limit, or if a session
 * was not served within a second.
 */
#include "tests/e2e/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	uint8_t out[SAMPLE_DATAGRAM];
	uint64_t *took, count, limit, asked = 0, p99;
	const uint64_t seed = 77;
	int fd;

	if (argc != 5) {
		fprintf(stderr, "usage: freshness HOST PORT COUNT LIMIT_US\n");
		return 2;
	}
	count = parse_number("COUNT", argv[3], 100, 100000);
	limit = parse_number("LIMIT_US", argv[4], 1, 1000000);
	fd = udp_connect(argv[1], argv[2]);
	took = calloc(count, sizeof(*took));
	if (!took)
		return 1;
	for (uint64_t i = 0; i < count; i++) {
		size_t len = sample_new(out, seed, i, 60);
		uint64_t sent = now_ns();

		if (send(fd, out, len, 0) < 0) {
			perror("send");
			return 1;
		}
		do {
			asked++;
			if (now_ns() - sent > 1000000000) {
				fprintf(stderr, "session %llu did not come within a second\n",
					(unsigned long long)i);
				return 1;
			}
		} while (sample_ask(fd, seed, i, 200000) != REPLY_HIT);
		took[i] = now_ns() - sent;
		sleep_until_ns(sent + 1000000);
	}
	qsort(took, count, sizeof(*took), compare);
	p99 = took[count * 99 / 100] / 1000;
	printf("NEW to OK in microseconds: min %llu p50 %llu p90 %llu p99 %llu max %llu (%llu "
	       "sessions, %.2f GETs each)\n",
		(unsigned long long)took[0] / 1000, (unsigned long long)took[count / 2] / 1000,
		(unsigned long long)took[count * 9 / 10] / 1000, (unsigned long long)p99,
		(unsigned long long)took[count - 1] / 1000, (unsigned long long)count,
		(double)asked / count);
	free(took);
	return p99 <= limit ? 0 : 1;
}
