/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Nodes of a farm, without daemons, over one or two real redis-servers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/farm_seal.h"
#include "tests/client/key_files.h"
#include "tests/farm/fake_redis.h"
#include "tests/farm/farm_node.h"
#include "tests/farm/redis.h"

#include <arpa/inet.h>
#include <hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define TLS_PORT 16399

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
	assert_true(farm_ready(node->farm));
}

/* Runs a command and expects no error. */
static redisReply *run(struct redisContext *context, const char *format, ...)
{
	redisReply *reply;
	va_list args;

	va_start(args, format);
	reply = redisvCommand(context, format, args);
	va_end(args);
	if (!reply || reply->type == REDIS_REPLY_ERROR)
		fail_msg("%s: %s", format, reply ? reply->str : context->errstr);
	return reply;
}

static void exchange(const struct node_config *config)
{
	struct node *nodes[3];
	static const char *const names[] = {"a", "b", "c.example"};

	for (unsigned i = 0; i < 3; i++)
		nodes[i] = node_open(config, names[i]);
	for (unsigned i = 0; i < 3; i++)
		warm(nodes[i]);
	for (unsigned i = 0; i < 3; i++)
		node_new(nodes[i], i * 10000, 10000);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned from = 0; from < 3; from++)
			if (from != i)
				node_wait(nodes[i], from * 10000, 10000);
	for (unsigned i = 0; i < 3; i++) {
		/* Its own do not come back. */
		assert_int_equal(node_has(nodes[i], i * 10000, 10000), 0);
		node_once(nodes[i]);
		node_until(nodes[i], status.node_count == 2 && status.nodes[0].alive);
	}
	for (unsigned i = 0; i < 3; i++)
		node_close(nodes[i]);
}

static void everything_arrives_once(void **state)
{
	(void)state;
	exchange(&single);
}

static void everything_arrives_once_over_two_engines(void **state)
{
	(void)state;
	exchange(&both);
}

static void a_peer_without_room(void **state)
{
	struct node_config config = both;

	(void)state;
	config.pause_every = 1000;
	exchange(&config);
}

static void one_of_two_engines_is_killed(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 5000);
	node_until(a, status.sessions == 5000 && status.engines[0].queued == 0);
	redis_kill(&one);
	node_new(a, 5000, 5000);
	node_new(b, 50000, 1000);
	node_wait(b, 0, 10000);
	node_wait(a, 50000, 1000);
	node_once(b);
	node_until(a, !status.engines[0].up && status.engines[0].error[0] && status.engines[1].up);
	assert_true(farm_ready(a->farm));

	/* It comes back empty: what it had is published again, so the other one may die next. */
	redis_start(&one);
	node_until(a, status.engines[0].up && status.engines[0].restarts == 1);
	node_until(b, status.engines[0].up && status.engines[0].restarts == 1);
	node_until(a, NODE_READ(a, resends) > 0 && status.engines[0].queued == 0);
	/* b had nothing in it yet, and has kept all since. */
	node_until(b, status.engines[0].queued == 0);
	node_new(a, 10000, 1000);
	node_wait(b, 10000, 1000);
	redis_kill(&two);
	c = node_open(&both, "c");
	node_wait(c, 0, 11000);
	node_wait(c, 50000, 1000);
	warm(c);
	redis_start(&two);
	node_close(a);
	node_close(b);
	node_close(c);
}

static void the_only_engine_is_killed(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 3000);
	node_wait(b, 0, 3000);
	redis_kill(&one);
	/* More than fits into the farm's buffer and the queue: dropped, and published again. */
	for (unsigned i = 0; i < 90000; i++)
		node_offer(a, FARM_NEW, 3000 + i);
	assert_true(farm_ready(a->farm));
	redis_start(&one);
	node_until(a, status.engines[0].up);
	node_wait(b, 0, 93000);
	c = node_open(&single, "c");
	node_wait(c, 0, 93000);
	node_close(a);
	node_close(b);
	node_close(c);
}

/* And come back empty, one after the other. */
static void both_engines_are_killed(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 3000);
	node_wait(b, 0, 3000);
	redis_kill(&one);
	redis_kill(&two);
	node_until(a, !status.engines[0].up && !status.engines[1].up);
	for (unsigned i = 3000; i < 5000; i++)
		node_offer(a, FARM_NEW, i);
	assert_true(farm_ready(a->farm));
	redis_start(&two);
	node_wait(b, 0, 5000);
	redis_start(&one);
	node_until(
		a, status.engines[0].up && status.engines[1].up && status.engines[0].queued == 0);
	node_until(a, NODE_READ(a, resends) > 0);
	c = node_open(&both, "c");
	node_wait(c, 0, 5000);
	assert_int_equal(NODE_READ(b, wrong), 0);
	node_close(a);
	node_close(b);
	node_close(c);
}

static void an_engine_that_is_stopped(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b");

	(void)state;
	warm(a);
	warm(b);
	redis_signal(&one, SIGSTOP);
	/* More than its buffers hold. */
	node_new(a, 0, 100000);
	node_wait(b, 0, 100000);
	node_until(a, !status.engines[0].up && strstr(status.engines[0].error, "not answer"));
	redis_signal(&one, SIGCONT);
	node_until(a, status.engines[0].up && status.engines[0].queued == 0);
	node_until(b, status.engines[0].up);
	node_new(a, 100000, 1000);
	node_wait(b, 100000, 1000);
	assert_int_equal(NODE_READ(b, wrong), 0);
	node_close(a);
	node_close(b);
}

/* Both at once, under load: the daemon's queue overflows, and nothing waits. */
static void both_engines_are_stopped(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b");

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 1000);
	node_wait(b, 0, 1000);
	redis_signal(&one, SIGSTOP);
	redis_signal(&two, SIGSTOP);
	for (unsigned i = 1000; i < 100000; i++)
		node_offer(a, FARM_NEW, i);
	node_until(a, !status.engines[0].up && !status.engines[1].up);
	/* What was dropped meanwhile is published again. */
	assert_true(a->dropped > 0);
	redis_signal(&one, SIGCONT);
	redis_signal(&two, SIGCONT);
	node_wait(b, 0, 100000);
	assert_int_equal(NODE_READ(b, wrong), 0);
	node_close(a);
	node_close(b);
}

/* A session's life goes on while it waits for an engine. */
static void time_in_the_buffer_counts(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 1);
	node_wait(b, 0, 1);
	assert_in_range(NODE_READ(b, left[0]), 290, 300);
	redis_signal(&one, SIGSTOP);
	for (unsigned i = 1; i < 6; i++) {
		node_new(a, i, 1);
		sleep(1);
	}
	redis_signal(&one, SIGCONT);
	node_wait(b, 1, 5);
	for (unsigned i = 1; i < 6; i++)
		assert_in_range(NODE_READ(b, left[i]), 270, 294 + i);
	/* And in the engine. */
	c = node_open(&single, "c");
	node_wait(c, 0, 6);
	assert_in_range(NODE_READ(c, left[0]), 260, 295);
	assert_in_range(NODE_READ(c, left[1]), 260, 295);
	node_close(a);
	node_close(b);
	node_close(c);
}

/* Each has an engine of its own, and then both have both. */
static void a_partition_heals(void **state)
{
	struct node_config other = both;
	struct farm_config config = {.engines = {one.url, two.url},
		.engine_count = 2,
		.key_file = keys.path,
		.name = "test"};
	struct node *a, *b;

	(void)state;
	other.engines[0] = two.url;
	other.engine_count = 1;
	a = node_open(&single, "a");
	b = node_open(&other, "b");
	warm(a);
	warm(b);
	node_new(a, 0, 5000);
	node_new(b, 10000, 5000);
	node_until(b, status.engines[0].queued == 0 && status.sessions == 5000);
	assert_int_equal(NODE_READ(b, distinct), 0);
	config.node = "a";
	assert_int_equal(farm_reload(a->farm, &config), 0);
	config.node = "b";
	config.engines[0] = two.url;
	config.engines[1] = one.url;
	assert_int_equal(farm_reload(b->farm, &config), 0);
	node_wait(a, 10000, 5000);
	node_wait(b, 0, 5000);
	node_new(a, 5000, 1000);
	node_wait(b, 5000, 1000);
	/* And one engine less. */
	config.engine_count = 1;
	assert_int_equal(farm_reload(b->farm, &config), 0);
	node_until(b, status.engine_count == 1);
	node_new(a, 6000, 1000);
	node_wait(b, 6000, 1000);
	assert_int_equal(NODE_READ(b, wrong), 0);
	node_close(a);
	node_close(b);
}

/* SYNs that nobody answers: a listener whose queue is full. */
static void a_blackholed_engine(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	int listener = socket(AF_INET, SOCK_STREAM, 0), queue[4];
	struct node_config config = both;
	socklen_t size = sizeof(address);
	struct node *a, *b;
	char url[64];

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	for (unsigned i = 0; i < 4; i++) {
		queue[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(queue[i], (struct sockaddr *)&address, size);
	}
	snprintf(url, sizeof(url), "redis://127.0.0.1:%u", ntohs(address.sin_port));
	config.engines[0] = url;
	a = node_open(&config, "a");
	b = node_open(&config, "b");
	node_new(a, 0, 5000);
	node_wait(b, 0, 5000);
	node_until(a, strstr(status.engines[0].error, "no connection within") != NULL);
	warm(a);
	node_once(b);
	node_close(a);
	node_close(b);
	for (unsigned i = 0; i < 4; i++)
		close(queue[i]);
	close(listener);
}

/* Another process, which speaks for a node: its entries have records that nobody knows yet. */
static void publish_as(struct redisContext *context, const char *key_of_stream,
	struct entry_header *header, const struct batch *batch)
{
	struct farm_seal_tools tools;
	struct farm_subkey subkey = {0};
	static uint8_t entry[ENTRY_MAX];
	struct farm_ring ring;
	struct key_file file;
	size_t size;

	assert_int_equal(key_file_read(keys.path, &file), 0);
	assert_int_equal(farm_seal_tools_open(&tools), 0);
	assert_int_equal(farm_ring_make(&ring, &file, "test"), 0);
	size = farm_seal(&tools, &ring, &subkey, header, batch, entry);
	assert_true(size > 0);
	freeReplyObject(run(context, "XADD %s * b %b", key_of_stream, entry, size));
	farm_subkey_close(&subkey);
	farm_seal_tools_close(&tools);
}

static void a_newer_node(void **state)
{
	struct entry_header header = {.node = "newer", .sequence = 1, .boot = {7}};
	struct entry_header control = {
		.node = "newer", .sequence = 1, .boot = {7}, .shard = ENTRY_SHARD_CONTROL};
	struct farm_record removed = {.type = FARM_REMOVE};
	struct entry_hello hello = {.sequence = 1};
	struct redisContext *context = redis_connect(&one);
	struct node *a = node_open(&single, "a");
	static struct batch batch;

	(void)state;
	assert_non_null(context);
	warm(a);
	batch_clear(&batch);
	assert_int_equal(batch_add_bytes(&batch, 99, "from the future", 15), BATCH_ADDED);
	node_key(5, removed.key);
	assert_int_equal(batch_add(&batch, &removed), BATCH_ADDED);
	publish_as(context, "sd:test:newer:0", &header, &batch);
	batch_clear(&batch);
	assert_int_equal(batch_add_bytes(&batch, 98, "", 0), BATCH_ADDED);
	assert_true(entry_hello_add(&batch, &hello));
	publish_as(context, "sd:test:nodes", &control, &batch);
	node_until(
		a, status.unknown == 2 && status.node_count == 1 && status.nodes[0].removes == 1);
	node_until(a, status.nodes[0].alive && status.nodes[0].gaps == 0);
	redisFree(context);
	node_close(a);
}

/* Entries that no engine has any more. */
static void a_gap_is_repaired(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b");
	struct redis *const engines[] = {&one, &two};

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 1000);
	node_wait(b, 0, 1000);
	node_pause(b, true);
	node_new(a, 1000, 60000);
	node_until(a, status.engines[0].queued == 0 && status.engines[1].queued == 0 &&
			      status.sessions == 61000);
	for (unsigned i = 0; i < 2; i++) {
		struct redisContext *context = redis_connect(engines[i]);

		assert_non_null(context);
		freeReplyObject(run(context, "XTRIM sd:test:a:0 MAXLEN 10"));
		redisFree(context);
	}
	node_pause(b, false);
	node_wait(b, 0, 61000);
	node_until(b, status.nodes[0].gaps > 0 && status.nodes[0].resends > 0);
	node_until(a, status.resends == 1);
	node_close(a);
	node_close(b);
}

/* A record that nothing follows, and that an engine lost. */
static void a_gap_at_the_end_is_repaired(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");
	struct redisContext *context = redis_connect(&one);

	(void)state;
	assert_non_null(context);
	warm(a);
	warm(b);
	node_new(a, 0, 10);
	node_wait(b, 0, 10);
	node_pause(b, true);
	/* The first of these stays in b's hands, the others are deleted before b reads on. */
	node_new(a, 10, 1);
	node_until(b, status.held_up > 0);
	node_new(a, 11, 100);
	node_until(a, status.engines[0].queued == 0 && status.sessions == 111);
	freeReplyObject(run(context, "DEL sd:test:a:0"));
	node_pause(b, false);
	node_wait(b, 0, 111);
	node_close(a);
	node_close(b);
	redisFree(context);
}

static void a_wrong_key(void **state)
{
	struct node *a = node_open(&single, "a"), *b, *c;
	struct key_folder other;

	(void)state;
	key_folder_make(&other);
	key_folder_write(&other, "1:" KEY_B "\n", 0600);
	b = node_open(
		&(struct node_config){
			.engines = {one.url}, .engine_count = 1, .key_file = other.path},
		"b");
	warm(a);
	warm(b);
	node_new(a, 0, 100);
	node_until(b, status.refused[FARM_REFUSED_KEY] > 0);
	c = node_open(&single, "c");
	node_wait(c, 0, 100);
	node_until(a, status.refused[FARM_REFUSED_KEY] > 0);
	assert_int_equal(NODE_READ(b, distinct), 0);
	node_close(a);
	node_close(b);
	node_close(c);
	key_folder_remove(&other);
}

/* farm_reload returns when the keys are in use. */
static void keys_change_at_once(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");
	struct farm_config config = {
		.engines = {one.url}, .engine_count = 1, .name = "test", .node = "b"};
	struct key_folder other;

	(void)state;
	key_folder_make(&other);
	key_folder_write(&other, "1:" KEY_B "\n", 0600);
	config.key_file = other.path;
	warm(a);
	warm(b);
	node_new(a, 0, 100);
	node_wait(b, 0, 100);
	assert_int_equal(farm_reload(b->farm, &config), 0);
	node_new(a, 100, 100);
	node_until(b, status.refused[FARM_REFUSED_KEY] > 0);
	assert_int_equal(NODE_READ(b, distinct), 100);
	node_close(a);
	node_close(b);
	key_folder_remove(&other);
}

/* Add, promote, drop, on two nodes one after the other, under load. */
static void keys_rotate(void **state)
{
	static const char *const steps[] = {
		"1:" KEY_A "\n2:" KEY_B "\n", "2:" KEY_B "\n1:" KEY_A "\n", "2:" KEY_B "\n"};
	struct node *nodes[2] = {node_open(&both, "a"), node_open(&both, "b")};
	unsigned made = 0;

	(void)state;
	warm(nodes[0]);
	warm(nodes[1]);
	for (unsigned step = 0; step < 3; step++) {
		key_folder_write(&keys, steps[step], 0600);
		for (unsigned i = 0; i < 2; i++) {
			const struct farm_config config = {.engines = {one.url, two.url},
				.engine_count = 2,
				.key_file = keys.path,
				.name = "test",
				.node = i ? "b" : "a"};

			node_new(nodes[0], made, 500);
			assert_int_equal(farm_reload(nodes[i]->farm, &config), 0);
			node_new(nodes[0], made + 500, 500);
			made += 1000;
			node_wait(nodes[1], 0, made);
		}
	}
	node_once(nodes[1]);
	/* Nothing was refused, and no connection was lost. */
	node_until(
		nodes[1], status.refused[FARM_REFUSED_KEY] == 0 && status.engines[0].connects == 1);
	node_close(nodes[0]);
	node_close(nodes[1]);
}

/* What an attacker who may write to the engine can do. */
static void forged_entries(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");
	struct redisContext *context = redis_connect(&one);
	redisReply *reply, *blob;
	char bytes[16384];
	size_t size;

	(void)state;
	assert_non_null(context);
	warm(a);
	warm(b);
	node_new(a, 0, 50);
	node_wait(b, 0, 50);
	reply = run(context, "XRANGE sd:test:a:0 - + COUNT 1");
	blob = reply->element[0]->element[1]->element[1];
	size = blob->len;
	assert_true(size < sizeof(bytes));
	memcpy(bytes, blob->str, size);

	freeReplyObject(run(context, "XADD sd:test:a:0 * b %b", bytes, size));
	node_until(b, status.refused[FARM_REFUSED_SEQUENCE] == 1);
	bytes[39] = 0x77; /* the sequence, so that it looks new */
	freeReplyObject(run(context, "XADD sd:test:a:0 * b %b", bytes, size));
	node_until(b, status.refused[FARM_REFUSED_SEAL] == 1);
	memcpy(bytes, blob->str, size);
	bytes[8] ^= 1; /* another run */
	freeReplyObject(run(context, "XADD sd:test:a:0 * b %b", bytes, size));
	node_until(b, status.refused[FARM_REFUSED_SEAL] == 2);
	memcpy(bytes, blob->str, size);
	bytes[0] = 9;
	freeReplyObject(run(context, "XADD sd:test:a:0 * b %b", bytes, size));
	node_until(b, status.refused[FARM_REFUSED_VERSION] == 1);
	freeReplyObject(run(context, "XADD sd:test:a:0 * b %b", blob->str, (size_t)50));
	freeReplyObject(run(context, "XADD sd:test:a:0 * c %b", blob->str, size));
	node_until(b, status.refused[FARM_REFUSED_TRUNCATED] == 2);
	/* In another node's stream, and in the control stream. */
	freeReplyObject(run(context, "XADD sd:test:b:0 * b %b", blob->str, size));
	node_until(a, status.refused[FARM_REFUSED_FOREIGN] == 0);
	freeReplyObject(run(context, "XADD sd:test:nodes * b %b", blob->str, size));
	node_until(b, status.refused[FARM_REFUSED_FOREIGN] == 1);
	freeReplyObject(run(context, "XADD sd:test:nodes * b rubbish x y"));

	node_new(a, 50, 50);
	node_wait(b, 0, 100);
	node_once(b);
	node_until(b, status.nodes[0].gaps == 0);
	freeReplyObject(reply);
	redisFree(context);
	node_close(a);
	node_close(b);
}

/* Whatever is in the streams under the farm's names. */
static void keys_of_another_type(void **state)
{
	struct redisContext *context = redis_connect(&two);
	struct node *a, *b;

	(void)state;
	assert_non_null(context);
	freeReplyObject(run(context, "SET sd:test:nodes rubbish"));
	a = node_open(&both, "a");
	b = node_open(&both, "b");
	node_new(a, 0, 1000);
	node_wait(b, 0, 1000);
	node_until(a, status.engines[0].up && strstr(status.engines[1].error, "WRONGTYPE"));
	warm(a);
	freeReplyObject(run(context, "DEL sd:test:nodes"));
	node_until(a, status.engines[1].up);
	node_once(b);
	redisFree(context);
	node_close(a);
	node_close(b);
}

static void a_late_node(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 60000);
	node_new(b, 100000, 20000);
	for (unsigned i = 0; i < 1000; i++)
		node_record(b, i % 2 ? FARM_REMOVE : FARM_TAKEN, i * 7);
	node_wait(b, 7000, 53000);
	node_wait(a, 100000, 20000);
	node_until(b, status.engines[0].queued == 0 && status.engines[1].queued == 0);
	c = node_open(&both, "c");
	/* The live end does not wait for history. */
	node_new(a, 60000, 100);
	warm(c);
	node_wait(c, 60000, 100);
	node_wait(c, 7000, 53000);
	node_wait(c, 100000, 20000);
	assert_int_equal(node_has(c, 0, 7000), 6000);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(NODE_READ(c, got[i * 7]), 0);
	node_once(c);
	node_until(c, status.warm_up_percent == 100 && status.warm_up_sessions > 0);
	node_close(a);
	node_close(b);
	node_close(c);
}

/* Both nodes end; then a new one, which nobody tells which streams there are. */
static void history_of_nodes_that_are_gone(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 5000);
	node_new(b, 10000, 5000);
	node_wait(b, 0, 5000);
	node_wait(a, 10000, 5000);
	node_close(a);
	node_close(b);
	/* The first again: it gets its own sessions back as well. */
	a = node_open(&single, "a");
	node_wait(a, 0, 5000);
	node_wait(a, 10000, 5000);
	warm(a);
	node_once(a);
	node_until(a, !status.name_clash);
	node_close(a);
}

static void farm_stop_publishes_what_is_left(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");

	(void)state;
	warm(a);
	warm(b);
	for (unsigned i = 0; i < 200; i++)
		node_record(a, FARM_NEW, i);
	node_close(a);
	node_wait(b, 0, 200);
	node_close(b);
}

static void a_flush(void **state)
{
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	warm(a);
	warm(b);
	node_new(a, 0, 3000);
	node_new(b, 10000, 3000);
	node_wait(a, 10000, 3000);
	node_wait(b, 0, 3000);
	node_record(b, FARM_FLUSH, 0);
	node_until(a, NODE_READ(a, flushes) == 1);
	/* Times are in milliseconds: what is stored in that of the flush counts as older. */
	usleep(10000);
	node_new(a, 20000, 1000);
	node_new(b, 30000, 1000);
	node_wait(b, 20000, 1000);
	node_wait(a, 30000, 1000);
	c = node_open(&both, "c");
	warm(c);
	node_wait(c, 20000, 1000);
	node_wait(c, 30000, 1000);
	assert_int_equal(node_has(c, 0, 20000), 0);
	assert_int_equal(NODE_READ(a, flushes), 1);
	node_close(a);
	node_close(b);
	node_close(c);
}

/* c hears of the REMOVE first. */
static void a_removal_that_overtakes(void **state)
{
	struct node *a = node_open(&single, "a"), *b = node_open(&single, "b");

	(void)state;
	warm(a);
	warm(b);
	/* b's own client removes what b has not heard of yet. */
	node_pause(b, true);
	node_new(a, 0, 100);
	node_until(b, status.held_up > 0);
	node_record(b, FARM_REMOVE, 50);
	node_until(b, status.records == 1);
	node_pause(b, false);
	node_wait(b, 0, 50);
	node_wait(b, 51, 49);
	node_until(b, status.tombstoned == 1);
	assert_int_equal(NODE_READ(b, got[50]), 0);
	/* The same key again, by the node that removed it and by another, later. */
	node_new(b, 50, 1);
	node_wait(a, 50, 1);
	usleep(50000);
	node_new(a, 50, 1);
	node_wait(b, 50, 1);
	node_record(a, FARM_REMOVE, 50);
	node_new(a, 50, 1);
	node_until(b, NODE_READ(b, got[50]) == 2);
	node_close(a);
	node_close(b);
}

/* The history of one engine's MAXLEN is sized to the capacity. */
static void streams_are_bounded(void **state)
{
	struct node_config config = single;
	struct redisContext *context = redis_connect(&one);
	struct node *a, *b;
	redisReply *reply;

	(void)state;
	assert_non_null(context);
	config.capacity = 10000;
	a = node_open(&config, "a");
	warm(a);
	node_new(a, 0, 100000);
	node_until(a, status.sessions == 100000 && status.engines[0].queued == 0);
	reply = run(context, "XLEN sd:test:a:0");
	/* Batches hold up to 64 sessions; the engine trims by the hundred, or by 4 KB. */
	assert_in_range(reply->integer, 10000 / 64, 10000);
	freeReplyObject(reply);
	for (unsigned tries = 0, done = 0; !done; tries++) {
		reply = run(context, "TTL sd:test:a:0");
		done = reply->integer >= 60 && reply->integer <= 86400;
		freeReplyObject(reply);
		assert_in_range(tries, 0, 1000);
		usleep(10000);
	}
	b = node_open(&config, "b");
	warm(b);
	/* Not less than the capacity. */
	assert_in_range(NODE_READ(b, distinct), 10000, 20000);
	assert_true(node_has(b, 95000, 5000) == 5000);
	redisFree(context);
	node_close(a);
	node_close(b);
}

static void maxmemory(void **state)
{
	struct redisContext *context = redis_connect(&one);
	struct node *a = node_open(&both, "a"), *b = node_open(&both, "b"), *c;

	(void)state;
	assert_non_null(context);
	warm(a);
	warm(b);
	freeReplyObject(run(context, "CONFIG SET maxmemory 1"));
	node_new(a, 0, 5000);
	node_wait(b, 0, 5000);
	node_until(a, status.engines[0].dropped[FARM_DROPPED_ENGINE_FULL] > 0 &&
			      strstr(status.engines[0].error, "memory"));
	freeReplyObject(run(context, "CONFIG SET maxmemory 0"));
	node_new(a, 5000, 100);
	node_wait(b, 5000, 100);
	/* What it lacks is published again. */
	node_until(a, NODE_READ(a, resends) > 0 && status.engines[0].queued == 0 &&
			      !status.engines[0].error[0]);
	node_until(a, status.sessions >= 10200);
	redis_kill(&two);
	c = node_open(&single, "c");
	node_wait(c, 0, 5100);
	redisFree(context);
	redis_start(&two);
	node_close(a);
	node_close(b);
	node_close(c);
}

static void tls(void **state)
{
	struct node_config config;
	struct node *a, *b, *c;
	struct redis engine;
	char ca[96], name_url[128];

	(void)state;
	redis_open(&engine, TLS_PORT);
	snprintf(ca, sizeof(ca), "%s/ca.pem", engine.folder);
	config = (struct node_config){
		.engines = {engine.url}, .engine_count = 1, .key_file = keys.path, .ca_file = ca};
	a = node_open(&config, "a");
	/* By name, which takes the resolver's thread. */
	snprintf(name_url, sizeof(name_url), "rediss://farm:se%%25cret@localhost:%d", TLS_PORT);
	config.engines[0] = name_url;
	b = node_open(&config, "b");
	warm(a);
	warm(b);
	node_new(a, 0, 20000);
	node_wait(b, 0, 20000);
	node_once(b);
	/* The system trusts no such certificate. */
	config.ca_file = NULL;
	c = node_open(&config, "c");
	node_until(c, strstr(status.engines[0].error, "certificate") != NULL);
	node_until(c, farm_ready(c->farm));
	assert_int_equal(NODE_READ(c, distinct), 0);
	node_close(a);
	node_close(b);
	node_close(c);
	redis_close(&engine);
}

static void a_wrong_password(void **state)
{
	struct node_config config = single;
	struct node *a;
	char url[160];

	(void)state;
	snprintf(url, sizeof(url), "unix://farm:wrong@%s/redis.sock", one.folder);
	config.engines[0] = url;
	a = node_open(&config, "a");
	node_until(a, strstr(status.engines[0].error, "WRONGPASS") != NULL);
	node_until(a, !strstr(status.engines[0].url, "wrong"));
	node_until(a, farm_ready(a->farm));
	node_close(a);
}

/* The other engine does all the work, memory stays as it is, and nothing is late. */
static void an_engine_that_lies(void **state)
{
	struct rusage before, after;

	(void)state;
	for (int lie = 0; lie < FAKE_LIES; lie++) {
		struct node_config config = both;
		struct fake_redis fake;
		struct node *a, *b;

		fake_redis_open(&fake, (enum fake_lie)lie);
		config.engines[0] = fake.url;
		a = node_open(&config, "a");
		b = node_open(&config, "b");
		getrusage(RUSAGE_SELF, &before);
		node_until(a, atomic_load(&fake.connections) >= 2);
		for (unsigned i = 0; i < 10; i++) {
			node_new(a, 1000 * i, 1000);
			node_wait(b, 0, 1000 * (i + 1));
			usleep(50000);
		}
		node_until(a, farm_ready(a->farm) && status.engines[1].up);
		if (lie != FAKE_CLOCK && lie != FAKE_ENDLESS)
			node_until(a, !status.engines[0].up && status.engines[0].error[0]);
		if (lie == FAKE_CLOCK)
			node_until(a, status.engines[0].up);
		if (lie == FAKE_ENDLESS)
			node_until(a, strstr(status.engines[0].error, "repeats itself") != NULL ||
					      strstr(status.engines[0].error, "XREVRANGE") != NULL);
		node_until(a, !strchr(status.engines[0].error, '\x1b'));
		assert_int_equal(NODE_READ(b, wrong), 0);
		getrusage(RUSAGE_SELF, &after);
		if (after.ru_maxrss - before.ru_maxrss > 65536)
			fail_msg("lie %d: memory grew by %ld KB", lie,
				after.ru_maxrss - before.ru_maxrss);
		node_close(a);
		node_close(b);
		fake_redis_close(&fake);
	}
}

static void the_same_engine_twice(void **state)
{
	struct node_config config = both;
	struct node *a, *b;
	char url[160];

	(void)state;
	a = node_open(&single, "a");
	warm(a);
	/* Which is not the same text. */
	snprintf(url, sizeof(url), "unix://farm:se%%25cret@%s/./redis.sock", one.folder);
	config.engines[1] = url;
	b = node_open(&config, "b");
	node_until(b, status.engines[0].up && strstr(status.engines[1].error, "same server"));
	node_new(b, 0, 1000);
	node_wait(a, 0, 1000);
	node_once(a);
	node_until(a, status.refused[FARM_REFUSED_SEQUENCE] == 0);
	node_close(a);
	node_close(b);
}

/* A second node of the same name. */
static void a_name_twice(void **state)
{
	struct node *a = node_open(&single, "a"), *b;

	(void)state;
	warm(a);
	node_until(a, status.sequence == 0);
	sleep(2);
	b = node_open(&single, "a");
	node_until(a, status.name_clash);
	node_close(a);
	node_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(everything_arrives_once, begin, end),
		cmocka_unit_test_setup_teardown(
			everything_arrives_once_over_two_engines, begin, end),
		cmocka_unit_test_setup_teardown(a_peer_without_room, begin, end),
		cmocka_unit_test_setup_teardown(one_of_two_engines_is_killed, begin, end),
		cmocka_unit_test_setup_teardown(the_only_engine_is_killed, begin, end),
		cmocka_unit_test_setup_teardown(both_engines_are_killed, begin, end),
		cmocka_unit_test_setup_teardown(an_engine_that_is_stopped, begin, end),
		cmocka_unit_test_setup_teardown(both_engines_are_stopped, begin, end),
		cmocka_unit_test_setup_teardown(time_in_the_buffer_counts, begin, end),
		cmocka_unit_test_setup_teardown(a_partition_heals, begin, end),
		cmocka_unit_test_setup_teardown(a_blackholed_engine, begin, end),
		cmocka_unit_test_setup_teardown(a_newer_node, begin, end),
		cmocka_unit_test_setup_teardown(a_gap_is_repaired, begin, end),
		cmocka_unit_test_setup_teardown(a_gap_at_the_end_is_repaired, begin, end),
		cmocka_unit_test_setup_teardown(a_wrong_key, begin, end),
		cmocka_unit_test_setup_teardown(keys_change_at_once, begin, end),
		cmocka_unit_test_setup_teardown(keys_rotate, begin, end),
		cmocka_unit_test_setup_teardown(forged_entries, begin, end),
		cmocka_unit_test_setup_teardown(keys_of_another_type, begin, end),
		cmocka_unit_test_setup_teardown(a_late_node, begin, end),
		cmocka_unit_test_setup_teardown(history_of_nodes_that_are_gone, begin, end),
		cmocka_unit_test_setup_teardown(farm_stop_publishes_what_is_left, begin, end),
		cmocka_unit_test_setup_teardown(a_flush, begin, end),
		cmocka_unit_test_setup_teardown(a_removal_that_overtakes, begin, end),
		cmocka_unit_test_setup_teardown(streams_are_bounded, begin, end),
		cmocka_unit_test_setup_teardown(maxmemory, begin, end),
		cmocka_unit_test_setup_teardown(tls, begin, end),
		cmocka_unit_test_setup_teardown(a_wrong_password, begin, end),
		cmocka_unit_test_setup_teardown(an_engine_that_lies, begin, end),
		cmocka_unit_test_setup_teardown(the_same_engine_twice, begin, end),
		cmocka_unit_test_setup_teardown(a_name_twice, begin, end),
	};

	if (getenv("FARM_TEST"))
		cmocka_set_test_filter(getenv("FARM_TEST"));
	return cmocka_run_group_tests_name("farm", tests, NULL, NULL);
}
