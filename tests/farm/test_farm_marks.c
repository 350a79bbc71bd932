/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * A node that has its sessions still reads what it missed, and no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/farm_private.h"
#include "tests/client/key_files.h"
#include "tests/farm/farm_node.h"
#include "tests/farm/redis.h"

#include <hiredis.h>
#include <string.h>
#include <unistd.h>

static struct key_folder keys;
static struct redis one, two;
static struct node_config single, both;

static int begin(void **state)
{
	(void)state;
	node_resends = 0;
	key_folder_make(&keys);
	key_folder_write(&keys, "1:" KEY_A "\n", 0600);
	redis_open(&one, 0);
	redis_open(&two, 0);
	single = (struct node_config){
		.engines = {one.url}, .engine_count = 1, .key_file = keys.path};
	both = (struct node_config){
		.engines = {one.url, two.url}, .engine_count = 2, .key_file = keys.path};
	return 0;
}

static int end(void **state)
{
	(void)state;
	redis_close(&one);
	redis_close(&two);
	key_folder_remove(&keys);
	return 0;
}

static void warm(struct node *node)
{
	node_until(node, status.warm_up == FARM_WARM_UP_DONE);
}

/* The last entry of a's stream. */
static void last_entry(const struct redis *redis, char id[ENTRY_ID_TEXT])
{
	redisContext *context = redis_connect(redis);
	redisReply *reply = redisCommand(context, "XREVRANGE sd:test:a:0 + - COUNT 1");

	assert_non_null(reply);
	assert_int_equal(reply->type, REDIS_REPLY_ARRAY);
	assert_int_equal(reply->elements, 1);
	strncpy(id, reply->element[0]->element[0]->str, ENTRY_ID_TEXT - 1);
	freeReplyObject(reply);
	redisFree(context);
}

/* Whether the node has noted that it has all of a's stream on this engine. */
static bool is_marked(struct node *node, const struct redis *redis, unsigned engine)
{
	char last[ENTRY_ID_TEXT] = "", id[ENTRY_ID_TEXT];
	struct farm_marks marks = {0};
	bool found = false;

	last_entry(redis, last);
	pthread_mutex_lock(&node->lock);
	memcpy(&marks, node->kept, node->kept_size);
	pthread_mutex_unlock(&node->lock);
	for (uint32_t i = 0; i < marks.count; i++)
		found |= marks.marks[i].engine == engine && strcmp(marks.marks[i].node, "a") == 0 &&
			 strcmp(entry_id_format(marks.marks[i].id, id), last) == 0;
	return found;
}

/* Ends a node once it has noted everything. What it kept is in `config`, for the next one. */
static void end_node(struct node *node, struct node_config *config)
{
	static uint8_t kept[FARM_NOTES_MAX];

	node_until(node, is_marked(node, &one, 0));
	if (config->engine_count == 2)
		node_until(node, is_marked(node, &two, 1));
	memcpy(kept, node->kept, sizeof(kept));
	config->kept = kept;
	config->kept_size = node->kept_size;
	node_close(node);
}

/* Fails if it has read more. Where the machine is held up for a second, nodes publish all again. */
static void received(struct node *node, uint64_t records)
{
	usleep(3 * FARM_TICK_US);
	node_until(node, status.received >= records);
	node_until(node, status.received == records || node_resends > 0);
	if (node_resends > 0)
		print_message("%u resends on this busy machine\n", atomic_load(&node_resends));
}

static void restart(struct node_config *config)
{
	struct node *a = node_open(config, "a"), *b = node_open(config, "b");

	warm(a);
	warm(b);
	node_new(a, 0, 5000);
	node_wait(b, 0, 5000);
	end_node(b, config);
	node_new(a, 5000, 300);
	node_record(a, FARM_REMOVE, 7);
	b = node_open(config, "b");
	node_wait(b, 5000, 300);
	warm(b);
	node_until(b, NODE_READ(b, removed[7]));
	received(b, 301);
	/* And it goes on from there. */
	node_new(a, 6000, 500);
	node_wait(b, 6000, 500);
	node_once(b);
	/* Nothing was missed. */
	end_node(b, config);
	b = node_open(config, "b");
	warm(b);
	received(b, 0);
	node_close(a);
	node_close(b);
}

static void only_what_was_missed_is_read(void **state)
{
	(void)state;
	restart(&single);
}

static void only_what_was_missed_is_read_from_two_engines(void **state)
{
	(void)state;
	restart(&both);
}

static void own_sessions_are_not_read_again(void **state)
{
	struct node *a = node_open(&both, "a");

	(void)state;
	warm(a);
	node_new(a, 0, 3000);
	node_until(a, status.sessions == 3000);
	end_node(a, &both);
	a = node_open(&both, "a");
	warm(a);
	received(a, 0);
	node_close(a);
	/* A node without its sessions needs all of them. */
	both.kept = NULL;
	a = node_open(&both, "a");
	node_wait(a, 0, 3000);
	node_close(a);
}

/* Waits until a has just said how far it is. */
static void after_hello(const struct redis *redis)
{
	redisContext *context = redis_connect(redis);
	char last[ENTRY_ID_TEXT] = "", id[ENTRY_ID_TEXT] = "";

	for (unsigned i = 0; i < 3000; i++) {
		redisReply *reply = redisCommand(context, "XREVRANGE sd:test:nodes + - COUNT 8");

		assert_non_null(reply);
		for (size_t k = reply->elements; k-- > 0;) {
			const redisReply *entry = reply->element[k];
			const char *blob = entry->element[1]->element[1]->str;

			/* The name in the header. */
			if (strcmp(blob + 48, "a") == 0)
				strncpy(id, entry->element[0]->str, ENTRY_ID_TEXT - 1);
		}
		freeReplyObject(reply);
		if (last[0] && strcmp(last, id) != 0)
			break;
		strcpy(last, id);
		usleep(10000);
	}
	redisFree(context);
}

static uint64_t gaps_of(struct node *node)
{
	static struct farm_status status;
	uint64_t gaps = 0;

	farm_status(node->farm, &status);
	for (unsigned i = 0; i < status.node_count; i++)
		gaps += status.nodes[i].gaps;
	return gaps;
}

/* What a former node has read is no gap: nobody publishes everything again for a restart. Where the
 * machine is held up for a second, there may be one. */
static void a_restart_finds_no_gap(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");
	unsigned tries = 0;
	uint64_t gaps;

	(void)state;
	warm(a);
	warm(b);
	do {
		unsigned first = 1000 * tries++;

		after_hello(&one);
		node_new(a, first, 300);
		node_wait(b, first, 300);
		end_node(b, &single);
		b = node_open(&single, "b");
		warm(b);
		node_new(a, first + 500, 300);
		node_wait(b, first + 500, 300);
		usleep(2500000);
		gaps = gaps_of(b);
	} while (gaps > 0 && tries < 3);
	assert_int_equal(gaps, 0);
	node_close(a);
	node_close(b);
}

static void a_flush_that_was_missed(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 100);
	node_wait(b, 0, 100);
	end_node(b, &single);
	node_record(a, FARM_FLUSH, 0);
	node_new(a, 200, 100);
	b = node_open(&single, "b");
	node_wait(b, 200, 100);
	assert_int_equal(NODE_READ(b, flushes), 1);
	received(b, 101);
	node_close(a);
	node_close(b);
}

/* Without notes it is read backwards, to a flush and no further, however much came after it. */
static void a_flush_in_the_history(void **state)
{
	struct node *a = node_open(&single, "a"), *b;

	(void)state;
	warm(a);
	node_new(a, 0, 100);
	node_record(a, FARM_FLUSH, 0);
	node_new(a, 200, 3000);
	node_until(a, status.sessions == 3100 && status.engines[0].queued == 0);
	single.capacity = 1000;
	b = node_open(&single, "b");
	warm(b);
	assert_int_equal(NODE_READ(b, flushes), 0);
	node_close(b);
	single.taken_over = true;
	b = node_open(&single, "b");
	warm(b);
	assert_int_equal(NODE_READ(b, flushes), 1);
	assert_int_equal(node_has(b, 200, 3000), 3000);
	assert_int_equal(node_has(b, 0, 100), 0);
	node_close(a);
	node_close(b);
}

/* Makes the notes forget a's stream. */
static void forget_a(struct node_config *config)
{
	static struct farm_marks marks;

	memcpy(&marks, config->kept, config->kept_size);
	for (uint32_t i = 0; i < marks.count; i++)
		if (strcmp(marks.marks[i].node, "a") == 0)
			strcpy(marks.marks[i].node, "z");
	config->kept = &marks;
}

/* A stream may be read again after a flush in it was carried out. */
static void a_flush_that_was_carried_out(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 100);
	node_record(a, FARM_FLUSH, 0);
	node_until(b, NODE_READ(b, flushes) == 1);
	node_new(b, 1000, 10);
	node_new(a, 200, 100);
	node_wait(b, 200, 100);
	end_node(b, &single);
	forget_a(&single);
	single.taken_over = true;
	b = node_open(&single, "b");
	node_wait(b, 200, 100);
	warm(b);
	assert_int_equal(NODE_READ(b, flushes), 0);
	end_node(b, &single);
	forget_a(&single);
	node_record(a, FARM_FLUSH, 0);
	node_new(a, 400, 100);
	node_until(a, status.sessions == 300 && status.engines[0].queued == 0);
	b = node_open(&single, "b");
	node_wait(b, 400, 100);
	warm(b);
	assert_int_equal(NODE_READ(b, flushes), 1);
	node_close(a);
	node_close(b);
}

/* Another process at an engine's address has other streams. */
static void an_engine_that_is_another(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 2000);
	node_wait(b, 0, 2000);
	end_node(b, &both);
	redis_kill(&one);
	redis_kill(&two);
	redis_start(&one);
	redis_start(&two);
	node_until(a, status.engines[0].restarts == 1 && status.engines[1].restarts == 1);
	b = node_open(&both, "b");
	node_wait(b, 0, 2000);
	c = node_open(&both, "c");
	node_wait(c, 0, 2000);
	node_close(a);
	node_close(b);
	node_close(c);
}

static void take_keys(struct node *node, const char *name, const char *path)
{
	const struct farm_config config = {.engines = {one.url},
		.engine_count = 1,
		.key_file = path,
		.name = "test",
		.node = name,
		.capacity = NODE_SESSIONS,
		.value_max = 512};

	assert_int_equal(farm_reload(node->farm, &config), 0);
}

/* What could not be opened is not noted as read: with the right key, it is. */
static void entries_that_were_refused(void **state)
{
	static uint8_t kept[FARM_NOTES_MAX];
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");
	struct key_folder others;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 1000);
	node_wait(b, 0, 1000);
	/* b lacks the key that seals from now on. */
	key_folder_make(&others);
	key_folder_write(&others, "1:" KEY_B "\n2:" KEY_A "\n", 0600);
	take_keys(a, "a", others.path);
	node_until(b, status.refused[FARM_REFUSED_KEY] > 0);
	node_new(a, 5000, 1000);
	node_until(a, status.sessions == 2000 && status.engines[0].queued == 0);
	node_until(b, status.refused[FARM_REFUSED_KEY] >= 16);
	usleep(3 * FARM_TICK_US);
	assert_false(is_marked(b, &one, 0));
	memcpy(kept, b->kept, sizeof(kept));
	single.kept = kept;
	single.kept_size = b->kept_size;
	node_close(b);
	single.key_file = others.path;
	b = node_open(&single, "b");
	node_wait(b, 5000, 1000);
	node_close(a);
	node_close(b);
	key_folder_remove(&others);
}

static void notes_that_are_damaged(void **state)
{
	static const size_t sizes[] = {0, 1, 16, 200, FARM_NOTES_MAX};
	struct node *a = node_open(&single, "a"), *b;
	struct farm_marks marks;
	uint8_t bytes[FARM_NOTES_MAX];

	(void)state;
	warm(a);
	node_new(a, 0, 500);
	node_until(a, status.sessions == 500);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(bytes, i % 2 ? 0xff : 1, sizeof(bytes));
		single.kept = bytes;
		single.kept_size = sizes[i];
		b = node_open(&single, "b");
		node_wait(b, 0, 500);
		node_close(b);
	}
	/* Of other limits. */
	b = node_open(&single, "b");
	node_wait(b, 0, 500);
	end_node(b, &single);
	memcpy(&marks, single.kept, single.kept_size);
	marks.value_max--;
	memcpy(bytes, &marks, single.kept_size);
	single.kept = bytes;
	b = node_open(&single, "b");
	node_wait(b, 0, 500);
	node_close(b);
	node_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
		TEST(only_what_was_missed_is_read),
		TEST(only_what_was_missed_is_read_from_two_engines),
		TEST(own_sessions_are_not_read_again),
		TEST(a_restart_finds_no_gap),
		TEST(a_flush_that_was_missed),
		TEST(a_flush_in_the_history),
		TEST(a_flush_that_was_carried_out),
		TEST(an_engine_that_is_another),
		TEST(entries_that_were_refused),
		TEST(notes_that_are_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
