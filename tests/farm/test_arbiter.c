/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The arbiter of TAKEs: nodes of a farm, without daemons, over real redis-servers. The test is the
 * reader of each node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/farm_seal.h"
#include "dataplane/take_queue.h"
#include "tests/client/key_files.h"
#include "tests/farm/farm_node.h"
#include "tests/farm/redis.h"

#include <hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEYS	 10000
#define TOGETHER 250 /* questions of one node at once */
#define WINDOW	 3   /* seconds */
#define NODES	 2
#define SLOW_US	 2000000 /* what a busy machine adds */

static struct key_folder keys;
static struct redis one, two;
static struct node *nodes[NODES];
static struct take_queues *takes[NODES];
static unsigned won[KEYS], asked;
static uint64_t slowest;

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000U + (uint64_t)now.tv_nsec / 1000U;
}

static struct node_config both(unsigned i)
{
	/* In another order: all must choose the same one. */
	return (struct node_config){
		.engines = {i % 2 ? two.url : one.url, i % 2 ? one.url : two.url},
		.engine_count = 2,
		.key_file = keys.path,
		.takes = takes[i],
		.take_window = WINDOW};
}

static int begin(void **state)
{
	static const char *const names[] = {"a", "b"};

	(void)state;
	memset(won, 0, sizeof(won));
	slowest = 0;
	key_folder_make(&keys);
	key_folder_write(&keys, "1:" KEY_A "\n", 0600);
	redis_open(&one, 0);
	redis_open(&two, 0);
	for (unsigned i = 0; i < NODES; i++) {
		struct node_config config;

		takes[i] = take_queues_open(1);
		assert_non_null(takes[i]);
		config = both(i);
		nodes[i] = node_open(&config, names[i]);
	}
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (unsigned i = 0; i < NODES; i++) {
		node_close(nodes[i]);
		take_queues_close(takes[i]);
	}
	redis_close(&one);
	redis_close(&two);
	key_folder_remove(&keys);
	return 0;
}

static void await(unsigned node, enum farm_take_state first, enum farm_take_state second)
{
	node_until(
		nodes[node], status.engines[0].take == first && status.engines[1].take == second);
}

static void await_ready(void)
{
	for (unsigned i = 0; i < NODES; i++)
		await(i, FARM_TAKE_READY, FARM_TAKE_READY);
}

/* Reads the answers to `count` questions of a node. Returns how many won. */
static unsigned hear(unsigned node, unsigned count, const unsigned *of)
{
	uint64_t began = now_us();
	struct take_answer answer;
	unsigned wins = 0;

	while (count > 0) {
		if (!take_queue_hear(takes[node]->queues, &answer)) {
			assert_true(now_us() - began < 20 * 1000000ULL);
			usleep(100);
			continue;
		}
		count--;
		if (answer.decision == TAKE_WON) {
			won[of[answer.place]]++;
			wins++;
		}
	}
	if (now_us() - began > slowest)
		slowest = now_us() - began;
	return wins;
}

/* All nodes ask about the same keys at once. Returns how many won. */
static unsigned ask(unsigned first, unsigned count)
{
	static unsigned of[NODES][TAKE_PLACES];
	uint8_t key[SESSD_KEY_SIZE];
	unsigned wins = 0;

	for (unsigned at = first; at < first + count; at += TOGETHER) {
		unsigned n = first + count - at < TOGETHER ? first + count - at : TOGETHER;

		for (unsigned i = 0; i < n; i++) {
			node_key(at + i, key);
			for (unsigned k = 0; k < NODES; k++) {
				int place = take_queue_ask(takes[k]->queues, key, 300);

				assert_true(place >= 0);
				of[k][place] = at + i;
			}
			if (i % 16 == 0)
				for (unsigned k = 0; k < NODES; k++)
					take_queue_send(takes[k]->queues);
		}
		for (unsigned k = 0; k < NODES; k++)
			take_queue_send(takes[k]->queues);
		asked += n;
		for (unsigned k = 0; k < NODES; k++)
			wins += hear(k, n, of[k]);
	}
	return wins;
}

static unsigned count_won(unsigned first, unsigned count)
{
	unsigned times[3] = {0};

	for (unsigned i = first; i < first + count; i++)
		times[won[i] < 2 ? won[i] : 2]++;
	print_message("%u keys: one winner %u, none %u, several %u\n", count, times[1], times[0],
		times[2]);
	assert_int_equal(times[2], 0);
	return times[1];
}

static uint64_t missed(const struct farm_takes *counts)
{
	return counts->late + counts->refused + counts->down + counts->disagreed + counts->full +
	       counts->failed;
}

/* On a busy machine one may be late: then nobody has it, and it is counted. */
static void each_key_has_one_winner(void **state)
{
	unsigned winners;

	(void)state;
	await_ready();
	(void)ask(0, KEYS);
	winners = count_won(0, KEYS);
	/* All that was asked is counted: asked so often, won once or missed. */
	for (unsigned i = 0; i < NODES; i++)
		node_until(nodes[i],
			status.takes.won + status.takes.lost + missed(&status.takes) == KEYS);
	if (winners < KEYS) {
		uint64_t all = 0;

		for (unsigned i = 0; i < NODES; i++) {
			struct farm_status status;

			farm_status(nodes[i]->farm, &status);
			all += missed(&status.takes);
		}
		assert_true(KEYS - winners <= all);
	}
	assert_true(winners > KEYS / 2);
	/* Nobody gets one again. */
	(void)ask(0, KEYS);
	(void)count_won(0, KEYS);
}

/* Asks again for what was given before, as long as the engine that began after `began` is younger
 * than the window. Later it may give it again: here no node tells the other what it took. */
static void ask_within_window(uint64_t began)
{
	unsigned before[KEYS / 10];

	for (;;) {
		memcpy(before, won, sizeof(before));
		if (now_us() - began > (WINDOW * 1000000ULL) / 2)
			return;
		(void)ask(0, KEYS / 10);
		if (now_us() - began > WINDOW * 1000000ULL) {
			memcpy(won, before, sizeof(before));
			return;
		}
		usleep(20000);
	}
}

/* kill -9 and a new start in the middle of TAKEs. */
static void restarts_of_an_arbiter(void **state)
{
	uint64_t began;

	(void)state;
	await_ready();
	(void)ask(0, KEYS / 10);
	(void)count_won(0, KEYS / 10);
	for (unsigned i = 0; i < 2; i++) {
		redis_kill(&one);
		(void)ask(0, KEYS / 10);
		began = now_us();
		redis_start(&one);
		/* It has forgotten all. */
		ask_within_window(began);
		(void)count_won(0, KEYS / 10);
		await_ready();
		(void)ask(5000 + i * 1000, 1000);
		assert_true(count_won(5000 + i * 1000, 1000) > 500);
	}
	node_until(nodes[0], status.takes.refused > 0);
}

/* SIGSTOP: a miss after 20 ms, for the keys of this engine alone. */
static void an_arbiter_that_is_stopped(void **state)
{
	unsigned winners;

	(void)state;
	await_ready();
	redis_signal(&one, SIGSTOP);
	slowest = 0;
	winners = ask(0, 200);
	print_message("slowest %llu us\n", (unsigned long long)slowest);
	assert_in_range(winners, 40, 160);
	assert_in_range(slowest, 15000, SLOW_US);
	node_until(nodes[0], status.takes.late > 0);
	redis_signal(&one, SIGCONT);
	await_ready();
	/* What it did when it went on is nobody's: won too late. */
	(void)ask(0, 200);
	(void)count_won(0, 200);
}

/* A key of the arbiter of another type, and one that cannot be stored. */
static void errors_of_an_arbiter(void **state)
{
	struct redisContext *contexts[] = {redis_connect(&one), redis_connect(&two)};
	uint8_t key[SESSD_KEY_SIZE], name[FARM_TAKE_NAME];
	struct farm_seal_tools tools;
	struct key_file file;
	struct farm_ring ring;
	char text[64] = "sd:test:t:";

	(void)state;
	assert_int_equal(key_file_read(keys.path, &file), 0);
	assert_int_equal(farm_ring_make(&ring, &file, "test"), 0);
	assert_int_equal(farm_seal_tools_open(&tools), 0);
	node_key(7, key);
	assert_true(farm_take_name(&tools, &ring.keys[0], 'k', key, sizeof(key), name));
	for (unsigned i = 0; i < FARM_TAKE_NAME; i++)
		snprintf(text + 10 + 2 * i, 3, "%02x", name[i]);
	await_ready();
	for (unsigned i = 0; i < 2; i++)
		freeReplyObject(redisCommand(contexts[i], "XADD %s * b x", text));
	(void)ask(7, 1);
	assert_int_equal(won[7], 0);
	for (unsigned i = 0; i < NODES; i++)
		node_until(nodes[i], status.takes.failed == 1);
	(void)ask(8, 100);
	assert_true(count_won(8, 100) > 50);
	for (unsigned i = 0; i < 2; i++)
		freeReplyObject(redisCommand(contexts[i], "CONFIG SET maxmemory 1"));
	(void)ask(200, 100);
	assert_int_equal(count_won(200, 100), 0);
	node_until(nodes[0], status.takes.failed > 50);
	for (unsigned i = 0; i < 2; i++) {
		freeReplyObject(redisCommand(contexts[i], "CONFIG SET maxmemory 0"));
		/* What the caches agree on, of another type. */
		freeReplyObject(redisCommand(contexts[i], "DEL sd:test:take"));
		freeReplyObject(redisCommand(contexts[i], "XADD sd:test:take * b x"));
		redisFree(contexts[i]);
	}
	await(0, FARM_TAKE_DOWN, FARM_TAKE_DOWN);
	farm_seal_tools_close(&tools);
}

/* FLUSHALL, of which the engine says nothing. */
static void an_arbiter_that_lost_its_memory(void **state)
{
	struct redisContext *context = redis_connect(&one);
	uint64_t began;

	(void)state;
	await_ready();
	(void)ask(0, 500);
	began = now_us();
	freeReplyObject(redisCommand(context, "FLUSHALL"));
	redisFree(context);
	await(0, FARM_TAKE_WAITING, FARM_TAKE_READY);
	await(1, FARM_TAKE_READY, FARM_TAKE_WAITING);
	(void)ask(0, 500);
	/* Beyond the window it may give them again: no node tells the other here. */
	if (now_us() - began < WINDOW * 1000000ULL)
		(void)count_won(0, 500);
	await_ready();
}

/* A node that has one of the two engines would choose another arbiter. */
static void nodes_that_differ(void **state)
{
	struct take_queues *own = take_queues_open(1);
	const struct node_config config = {.engines = {two.url},
		.engine_count = 1,
		.key_file = keys.path,
		.takes = own,
		.take_window = WINDOW};
	uint8_t key[SESSD_KEY_SIZE];
	struct take_answer answer;
	struct node *c;

	(void)state;
	await_ready();
	c = node_open(&config, "c");
	node_until(c, status.engines[0].take == FARM_TAKE_DISAGREED);
	node_key(1, key);
	assert_true(take_queue_ask(own->queues, key, 300) >= 0);
	take_queue_send(own->queues);
	node_until(c, status.takes.disagreed == 1);
	assert_true(take_queue_hear(own->queues, &answer));
	assert_int_equal(answer.decision, TAKE_UNDECIDED);
	await_ready();
	node_close(c);
	take_queues_close(own);
}

/* Beside a cache that gives sessions without asking nobody is the only one. */
static void a_node_that_does_not_ask(void **state)
{
	struct node_config config = both(0);
	struct node *c;

	(void)state;
	config.takes = NULL;
	config.takes_local = true;
	await_ready();
	c = node_open(&config, "c");
	for (unsigned i = 0; i < NODES; i++)
		await(i, FARM_TAKE_DISAGREED, FARM_TAKE_DISAGREED);
	assert_int_equal(ask(0, 100), 0);
	node_close(c);
	await_ready();
	assert_true(ask(0, 100) > 0);
}

/* The names that the arbiter knows stay the same until the key that makes them is dropped. */
static void keys_rotate(void **state)
{
	static const char *const steps[] = {
		"1:" KEY_A "\n2:" KEY_B "\n", "2:" KEY_B "\n1:" KEY_A "\n"};

	(void)state;
	await_ready();
	(void)ask(0, 1000);
	for (unsigned step = 0; step < 2; step++) {
		key_folder_write(&keys, steps[step], 0600);
		for (unsigned i = 0; i < NODES; i++) {
			const struct node_config node = both(i);
			const struct farm_config config = {
				.engines = {node.engines[0], node.engines[1]},
				.engine_count = 2,
				.key_file = keys.path,
				.name = "test",
				.node = i ? "b" : "a"};

			assert_int_equal(farm_reload(nodes[i]->farm, &config), 0);
			usleep(300000);
			(void)ask(0, 1000);
			await_ready();
		}
	}
	(void)count_won(0, 1000);
	(void)ask(1000, 1000);
	assert_true(count_won(1000, 1000) > 500);
	/* Dropped at one: it is another farm to the other until that drops it too. */
	key_folder_write(&keys, "2:" KEY_B "\n", 0600);
	{
		const struct farm_config config = {.engines = {one.url, two.url},
			.engine_count = 2,
			.key_file = keys.path,
			.name = "test",
			.node = "a"};

		assert_int_equal(farm_reload(nodes[0]->farm, &config), 0);
	}
	await(0, FARM_TAKE_DISAGREED, FARM_TAKE_DISAGREED);
	(void)ask(0, 2000);
	(void)count_won(0, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_key_has_one_winner, begin, end),
		cmocka_unit_test_setup_teardown(restarts_of_an_arbiter, begin, end),
		cmocka_unit_test_setup_teardown(an_arbiter_that_is_stopped, begin, end),
		cmocka_unit_test_setup_teardown(errors_of_an_arbiter, begin, end),
		cmocka_unit_test_setup_teardown(an_arbiter_that_lost_its_memory, begin, end),
		cmocka_unit_test_setup_teardown(nodes_that_differ, begin, end),
		cmocka_unit_test_setup_teardown(a_node_that_does_not_ask, begin, end),
		cmocka_unit_test_setup_teardown(keys_rotate, begin, end),
	};

	if (getenv("FARM_TEST"))
		cmocka_set_test_filter(getenv("FARM_TEST"));
	return cmocka_run_group_tests_name("arbiter", tests, NULL, NULL);
}
