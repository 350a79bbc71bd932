/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions over many caches, as libsessiond places them, and what happens to them when a cache is
 * lost, comes back empty, or is added. For each number of caches it prints a line of names and
 * values; shares are of 1. The same on every machine. `scaling [SESSIONS]`.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/placement.h"
#include "common/text.h"

#define CACHES	 100
#define SESSIONS 1000000

/* What became of the sessions of one number of caches. */
struct tally {
	unsigned count;
	uint64_t sessions;
	uint64_t owned[CACHES + 1];	       /* by their owner */
	uint64_t second[CACHES + 1];	       /* by their second copy */
	uint32_t both[CACHES + 1][CACHES + 1]; /* by the two */
	uint64_t moved;			       /* copies that belong to an added cache */
	uint64_t taken_over;		       /* sessions whose owner is the added cache */
};

static uint64_t caches[CACHES + 1];

static void name_caches(void)
{
	for (unsigned i = 0; i <= CACHES; i++) {
		struct endpoint endpoint = {0};
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%u", i + 1);
		if (endpoint_parse(text, 54321, &endpoint) < 0)
			abort();
		caches[i] = placement_cache(&endpoint);
	}
}

/* Keys as they are on the wire: the HMAC of a session id, or a random session id. */
static void make_key(uint64_t number, uint8_t key[SESSD_KEY_SIZE])
{
	for (unsigned i = 0; i < SESSD_KEY_SIZE; i += 8) {
		uint64_t word = mix64((number * 4 + i / 8 + 1) * 0x9e3779b97f4a7c15ULL);

		for (unsigned k = 0; k < 8; k++)
			key[i + k] = (uint8_t)(word >> 8 * k);
	}
}

/* Up to SESSIOND_CACHES_MAX the library's own order must agree. */
static void check_order(unsigned count, const uint8_t *key, unsigned first, unsigned next)
{
	uint8_t order[SESSIOND_CACHES_MAX];

	if (count > SESSIOND_CACHES_MAX)
		return;
	placement_order(caches, count, key, order);
	if (order[0] != first || order[1] != next) {
		fprintf(stderr, "scaling: not as the library places a session\n");
		exit(1);
	}
}

static void place(struct tally *tally, uint64_t number)
{
	uint8_t key[SESSD_KEY_SIZE];
	uint64_t mixed, score, best = 0, good = 0;
	unsigned first = 0, next = 0;

	make_key(number, key);
	mixed = placement_key(key);
	for (unsigned i = 0; i < tally->count; i++) {
		score = placement_score(caches[i], mixed);
		if (i == 0 || score > best) {
			good = best;
			next = first;
			best = score;
			first = i;
		} else if (i == 1 || score > good) {
			good = score;
			next = i;
		}
	}
	check_order(tally->count, key, first, next);
	tally->owned[first]++;
	tally->second[next]++;
	tally->both[first][next]++;
	score = placement_score(caches[tally->count], mixed);
	tally->taken_over += score > best;
	tally->moved += score > good;
}

struct range {
	double least, most;
};

static void widen(struct range *range, bool begun, double value)
{
	if (!begun || value < range->least)
		range->least = value;
	if (!begun || value > range->most)
		range->most = value;
}

static void print(const struct tally *tally)
{
	struct range held = {0}, asked = {0}, after = {0}, two = {0};
	double all = (double)tally->sessions, mean = all / tally->count, both = 0;
	unsigned pairs = 0;

	for (unsigned i = 0; i < tally->count; i++) {
		widen(&held, i > 0, (double)(tally->owned[i] + tally->second[i]) / (2 * mean));
		widen(&asked, i > 0, (double)tally->owned[i] / mean);
		for (unsigned k = 0; k < tally->count; k++) {
			uint64_t common = (uint64_t)tally->both[i][k] + tally->both[k][i];

			if (k == i)
				continue;
			/* What k is asked once i is lost. */
			widen(&after, pairs > 0,
				(double)(tally->owned[k] + tally->both[i][k]) / mean);
			widen(&two, pairs > 0, (double)common / all);
			both += (double)common / all;
			pairs++;
		}
	}
	printf("caches %u held_least %.4f held_most %.4f asked_most %.4f one_copy_left %.4f "
	       "asked_after_most %.4f lost_by_two %.5f lost_by_two_most %.5f moved %.4f "
	       "added_misses %.4f\n",
		tally->count, held.least, held.most, asked.most, 2 * held.most / tally->count,
		after.most, both / pairs, two.most, (double)tally->moved / (2 * all),
		(double)tally->taken_over / all);
}

int main(int argc, char **argv)
{
	static const unsigned counts[] = {2, 3, 4, 8, 16, 32, 64, 100};
	static struct tally tally;
	uint64_t sessions = SESSIONS;

	if (argc > 2 || (argc == 2 && !text_number(argv[1], 1000, 100000000, &sessions))) {
		fprintf(stderr, "usage: scaling [SESSIONS]\n");
		return 2;
	}
	name_caches();
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		memset(&tally, 0, sizeof(tally));
		tally.count = counts[i];
		tally.sessions = sessions;
		for (uint64_t n = 0; n < sessions; n++)
			place(&tally, n);
		print(&tally);
	}
	return 0;
}
