/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Socket mode's engine with a writer, over the loopback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/writer.h"
#include "dataplane/engine.h"
#include "dataplane/table/table.h"
#include "dataplane/talkers.h"
#include "tests/unit/udp_client.h"

#include "common/clock.h"

#include <sessiond/protocol.h>

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FLOOD_BATCH 128

struct world {
	bool busy_poll, no_take;
	uint16_t port;
	struct engine_config config;
	struct engine *engine;
	struct writer *writer;
};

static struct world world;
static struct allow_list allowed, nobody;

static int open_engine(unsigned threads, size_t listens)
{
	struct engine_config *config = &world.config;

	*config = (struct engine_config){
		.listen_count = listens,
		.capacity = 1000,
		.value_max = 512,
		.threads = threads,
		.busy_poll = world.busy_poll,
		.take = !world.no_take,
	};
	for (size_t i = 0; i < listens; i++) {
		char text[32];

		snprintf(text, sizeof(text), "127.0.0.%zu", i + 1);
		assert_int_equal(endpoint_parse(text, world.port, &config->listen[i]), 0);
	}
	return engine_socket.open(&world.engine, &world.config);
}

static int start(unsigned threads, size_t listens)
{
	const struct writer_config writer_config = {.capacity = 1000, .value_max = 512};
	int err = open_engine(threads, listens);

	if (err)
		return err;
	world.writer = writer_create(&engine_socket, world.engine, &writer_config);
	assert_non_null(world.writer);
	allow_list_default(&allowed);
	assert_int_equal(engine_socket.set_allow(world.engine, &allowed), 0);
	assert_int_equal(writer_start(world.writer), 0);
	return 0;
}

static void stop(void)
{
	writer_stop(world.writer);
	engine_socket.close(world.engine, false);
	writer_destroy(world.writer);
}

/* A port that most likely no other test run uses at this time. */
static int choose_port(void **state)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	socklen_t size = sizeof(any);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	world.busy_poll = false;
	if (bind(fd, (struct sockaddr *)&any, size) < 0 ||
		getsockname(fd, (struct sockaddr *)&any, &size) < 0)
		return -1;
	world.port = ntohs(any.sin_port);
	close(fd);
	return 0;
}

static int choose_port_busy(void **state)
{
	int err = choose_port(state);

	world.busy_poll = true;
	return err;
}

/* Sends a request for `key`; the value is `len` bytes of the key's number. */
static void request(int fd, enum sessd_type type, uint32_t key, size_t len)
{
	uint8_t message[SESSD_HEADER_SIZE + 600] = {SESSD_VERSION, (uint8_t)type, 1, 0};

	memcpy(message + 4, &key, sizeof(key));
	memset(message + SESSD_HEADER_SIZE, (int)key, len);
	assert_int_equal(send(fd, message, SESSD_HEADER_SIZE + len, 0), SESSD_HEADER_SIZE + len);
}

/* The length of the value in the reply to a GET or TAKE, 0 for a miss; -1 without an answer. */
static int ask(int fd, enum sessd_type type, uint32_t key)
{
	uint8_t reply[2048];
	ssize_t n;

	request(fd, type, key, 0);
	n = recv(fd, reply, sizeof(reply), 0);
	if (n < 0)
		return -1;
	assert_true(n >= SESSD_HEADER_SIZE);
	assert_memory_equal(reply + 4, &key, sizeof(key));
	assert_int_equal(reply[1], n > SESSD_HEADER_SIZE ? SESSD_OK : SESSD_ERR);
	for (ssize_t i = SESSD_HEADER_SIZE; i < n; i++)
		assert_int_equal(reply[i], (uint8_t)key);
	return (int)n - SESSD_HEADER_SIZE;
}

static int get(int fd, uint32_t key)
{
	return ask(fd, SESSD_GET, key);
}

static int get_until(int fd, uint32_t key, int wanted)
{
	int got = get(fd, key);

	for (unsigned i = 0; i < 1000 && got != wanted; i++) {
		usleep(1000);
		got = get(fd, key);
	}
	return got;
}

static void serves(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(start(3, 2), 0);
	fd = udp_client("127.0.0.2", world.port);
	for (uint32_t key = 1; key < 50; key++) {
		size_t len = key == 7 ? 513 : 11 * key % 512 + 1;

		assert_int_equal(get(fd, key), 0);
		request(fd, SESSD_NEW, key, len);
		assert_int_equal(get_until(fd, key, len > 512 ? 0 : (int)len), len > 512 ? 0 : len);
		request(fd, SESSD_REMOVE, key, 0);
		assert_int_equal(get_until(fd, key, 0), 0);
	}
	/* A second daemon on the port is refused, although the sockets are shared. */
	assert_int_equal(engine_socket.open(&(struct engine *){NULL}, &world.config), -EADDRINUSE);
	close(fd);
	stop();
}

/* Replies name the VRF of the request: the loopback interface itself works, an interface that does
 * not exist fails. */
static void vrf(void **state)
{
	uint32_t lo = if_nametoindex("lo"), nowhere = 1U << 30;
	int fd;

	(void)state;
	assert_int_equal(start(2, 2), 0);
	fd = udp_client("127.0.0.2", world.port);
	assert_int_equal(engine_socket.set_vrf(world.engine, lo, lo, true), 0);
	assert_int_equal(get(fd, 1), 0);
	assert_int_equal(engine_socket.set_vrf(world.engine, lo, lo, false), 0);
	assert_int_equal(engine_socket.set_vrf(world.engine, lo, nowhere, true), 0);
	assert_int_equal(get(fd, 1), -1);
	assert_int_equal(engine_socket.set_vrf(world.engine, lo, nowhere, false), 0);
	assert_int_equal(get(fd, 1), 0);
	close(fd);
	stop();
}

static void on_stat(void *ctx, const char *name, uint64_t value)
{
	if (strcmp(name, "sessions") == 0)
		*(uint64_t *)ctx = value;
}

static uint64_t sessions(void)
{
	uint64_t count = UINT64_MAX;

	writer_stats(world.writer, on_stat, &count);
	return count;
}

/* A session that is taken is gone at once, and so is its place: 1000 are all there is room for. */
static void takes(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(start(2, 1), 0);
	fd = udp_client("127.0.0.1", world.port);
	for (uint32_t key = 1; key < 3000; key++) {
		int len = (int)(key % 512) + 1;

		request(fd, SESSD_NEW, key, (size_t)len);
		assert_int_equal(get_until(fd, key, len), len);
		assert_int_equal(ask(fd, SESSD_TAKE, key), len);
		assert_int_equal(ask(fd, SESSD_TAKE, key), 0);
		assert_int_equal(get(fd, key), 0);
	}
	for (unsigned i = 0; i < 10000 && sessions() > 0; i++)
		usleep(1000);
	assert_int_equal(sessions(), 0);
	/* And the key can be stored again. */
	request(fd, SESSD_NEW, 1, 9);
	assert_int_equal(get_until(fd, 1, 9), 9);
	close(fd);
	stop();
}

/* --take no: as if it were a message of unknown type. */
static void takes_not(void **state)
{
	struct timeval soon = {.tv_usec = 100000};
	int fd;

	(void)state;
	world.no_take = true;
	assert_int_equal(start(1, 1), 0);
	fd = udp_client("127.0.0.1", world.port);
	request(fd, SESSD_NEW, 1, 9);
	assert_int_equal(get_until(fd, 1, 9), 9);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon)), 0);
	assert_int_equal(ask(fd, SESSD_TAKE, 1), -1);
	assert_int_equal(get_until(fd, 1, 9), 9);
	close(fd);
	stop();
	world.no_take = false;
}

static atomic_bool flood_ends;

static void *flood(void *arg)
{
	int fd = udp_client("127.0.0.1", world.port);
	uint8_t message[SESSD_HEADER_SIZE] = {SESSD_VERSION, SESSD_GET};
	struct iovec iov = {message, sizeof(message)};
	struct mmsghdr messages[FLOOD_BATCH] = {0};
	uint8_t reply[64];

	(void)arg;
	for (unsigned i = 0; i < FLOOD_BATCH; i++)
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
	while (!atomic_load(&flood_ends)) {
		sendmmsg(fd, messages, FLOOD_BATCH, 0);
		recv(fd, reply, sizeof(reply), MSG_DONTWAIT);
	}
	close(fd);
	return NULL;
}

/* One socket of a thread is never empty: the other is still served. */
static void no_starvation(void **state)
{
	pthread_t threads[2];
	int fd;

	(void)state;
	assert_int_equal(start(1, 2), 0);
	fd = udp_client("127.0.0.2", world.port);
	assert_int_equal(get(fd, 1), 0);
	atomic_store(&flood_ends, false);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, flood, NULL), 0);
	usleep(100000);
	for (int i = 0; i < 20; i++)
		assert_int_equal(get(fd, 1), 0);
	atomic_store(&flood_ends, true);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(fd);
	stop();
}

/* Lists are swapped under load; each holds from the moment that set_allow returns. */
static void allow_under_load(void **state)
{
	struct timeval wait = {.tv_usec = 20000};
	pthread_t thread;
	int fd;

	(void)state;
	assert_int_equal(start(2, 1), 0);
	fd = udp_client("127.0.0.1", world.port);
	atomic_store(&flood_ends, false);
	assert_int_equal(pthread_create(&thread, NULL, flood, NULL), 0);
	for (int i = 0; i < 300; i++)
		assert_int_equal(
			engine_socket.set_allow(world.engine, i % 2 ? &allowed : &nobody), 0);
	atomic_store(&flood_ends, true);
	pthread_join(thread, NULL);
	usleep(200000); /* for the flood's queued requests */
	assert_int_equal(get(fd, 1), 0);
	assert_int_equal(engine_socket.set_allow(world.engine, &nobody), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)), 0);
	assert_int_equal(get(fd, 1), -1);
	close(fd);
	stop();
}

struct counted {
	uint64_t done, missing;
};

static void count_removes(void *ctx, const char *name, uint64_t value)
{
	struct counted *counted = ctx;

	if (strcmp(name, "remove_done") == 0)
		counted->done = value;
	else if (strcmp(name, "remove_missing") == 0)
		counted->missing = value;
}

/* NEW and REMOVE of a session come from different sockets, one right after the other: even with
 * several readers none overtakes the other. */
static void removes_follow_their_news(void **state)
{
	enum {
		CLIENTS = 16,
		KEYS = 4000
	};
	struct counted counted = {0};
	int fds[CLIENTS];

	(void)state;
	assert_int_equal(start(4, 1), 0);
	for (unsigned i = 0; i < CLIENTS; i++)
		fds[i] = udp_client("127.0.0.1", world.port);
	for (uint32_t key = 1; key <= KEYS; key++) {
		request(fds[key % CLIENTS], SESSD_NEW, key, 144);
		request(fds[(key + 1) % CLIENTS], SESSD_REMOVE, key, 0);
		if (key % 64 == 0)
			usleep(500); /* the queues hold more */
	}
	for (unsigned i = 0; i < 1000 && counted.done + counted.missing < KEYS; i++) {
		usleep(1000);
		writer_stats(world.writer, count_removes, &counted);
	}
	assert_int_equal(counted.missing, 0);
	assert_int_equal(counted.done, KEYS);
	for (unsigned i = 0; i < CLIENTS; i++)
		close(fds[i]);
	stop();
}

struct drops {
	uint64_t queue_full;
	struct talker source;
};

static void on_queue_full(void *ctx, const char *name, uint64_t value)
{
	struct drops *drops = ctx;

	if (strcmp(name, "drop_queue_full") == 0)
		drops->queue_full = value;
}

static void on_source(void *ctx, const struct talker *talker)
{
	struct drops *drops = ctx;

	drops->source = *talker;
}

/* What finds no room on the way to the writer, and what is no request, are drops of their source.
 * No writer empties the queue. */
static void drops_by_source(void **state)
{
	enum {
		MALFORMED = 7,
		ENOUGH = 100
	};
	const struct update_sink sink = {0};
	struct table_config config = {.capacity = 1000, .value_max = 512};
	struct drops drops = {0};
	struct table *table;
	uint32_t key = 1;
	int fd;

	(void)state;
	assert_int_equal(open_engine(1, 1), 0);
	engine_socket.table_config(world.engine, &config);
	table = table_create(&config);
	assert_non_null(table);
	allow_list_default(&allowed);
	assert_int_equal(engine_socket.set_allow(world.engine, &allowed), 0);
	assert_int_equal(engine_socket.start(world.engine, table, &sink), 0);
	engine_socket.watch(world.engine, 1);
	fd = udp_client("127.0.0.1", world.port);
	for (; key < 100000 && drops.queue_full < ENOUGH; key++) {
		request(fd, SESSD_NEW, key, 10);
		if (key % 64 == 0) {
			get(fd, 0); /* it has read them */
			engine_socket.stats(world.engine, on_queue_full, &drops);
		}
	}
	for (unsigned i = 0; i < MALFORMED; i++)
		assert_int_equal(send(fd, "short", 5, 0), 5);
	assert_int_equal(get(fd, 0), 0);
	engine_socket.stats(world.engine, on_queue_full, &drops);
	engine_socket.talkers(world.engine, on_source, &drops);
	assert_true(drops.queue_full >= ENOUGH);
	assert_int_equal(drops.source.news, key - 1);
	assert_int_equal(drops.source.drops, drops.queue_full + MALFORMED);
	/* A NEW that the writer refuses. */
	engine_socket.lost(world.engine, &drops.source.source);
	engine_socket.talkers(world.engine, on_source, &drops);
	assert_int_equal(drops.source.drops, drops.queue_full + MALFORMED + 1);
	close(fd);
	engine_socket.close(world.engine, false);
	table_destroy(table);
}

/* The first change wakes an idle writer: all but a few of the next GETs see it. */
static void wakes_the_writer(void **state)
{
	uint64_t slowest = 0;
	int fd;

	(void)state;
	assert_int_equal(start(1, 1), 0);
	fd = udp_client("127.0.0.1", world.port);
	for (uint32_t key = 1; key <= 40; key++) {
		uint64_t began, took;

		usleep(3000);
		began = clock_tick();
		request(fd, SESSD_NEW, key, 100);
		while (get(fd, key) == 0 && clock_tick() - began < 1000)
			;
		took = clock_tick() - began;
		slowest = took > slowest ? took : slowest;
	}
	/* Without the wake it would usually sleep for a quarter of a second. */
	assert_in_range(slowest, 0, 100);
	close(fd);
	stop();
}

/* Out of descriptors at each step of the start: it is refused, and nothing is closed or freed that
 * was never opened. New memory is not zeroed here. */
static void too_few_descriptors(void **state)
{
	struct rlimit before, limit;
	int first = dup(0), err = -1;
	unsigned refused = 0;

	(void)state;
	close(first);
	mallopt(M_PERTURB, 0xfe);
	alarm(60);			  /* garbage from malloc may look like many sockets */
	assert_int_equal(start(2, 1), 0); /* fills in the configuration */
	stop();
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	for (limit.rlim_cur = (rlim_t)first; err && refused < 100; limit.rlim_cur++) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		err = engine_socket.open(&world.engine, &world.config);
		refused += err != 0;
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(err, 0);
	assert_in_range(refused, 4, 20);
	engine_socket.close(world.engine, false);
	assert_int_equal(dup(0), first);
	close(first);
	mallopt(M_PERTURB, 0);
	alarm(0);
}

static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Idle readers use their whole CPU with busy polling, and none without. */
static void sleeps_unless_told(void **state)
{
	uint64_t began;

	(void)state;
	assert_int_equal(start(1, 1), 0);
	began = cpu_ms();
	for (unsigned i = 0; i < (world.busy_poll ? 1000U : 20U) && cpu_ms() - began < 50; i++)
		usleep(10000);
	if (world.busy_poll)
		assert_true(cpu_ms() - began >= 50);
	else
		assert_true(cpu_ms() - began < 50);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(serves, choose_port),
		cmocka_unit_test_setup(vrf, choose_port),
		cmocka_unit_test_setup(takes, choose_port),
		cmocka_unit_test_setup(takes_not, choose_port),
		cmocka_unit_test_setup(no_starvation, choose_port),
		cmocka_unit_test_setup(allow_under_load, choose_port),
		cmocka_unit_test_setup(removes_follow_their_news, choose_port),
		cmocka_unit_test_setup(drops_by_source, choose_port),
		cmocka_unit_test_setup(wakes_the_writer, choose_port),
		cmocka_unit_test_setup(too_few_descriptors, choose_port),
		cmocka_unit_test_setup(sleeps_unless_told, choose_port),
		cmocka_unit_test_setup(serves, choose_port_busy),
		cmocka_unit_test_setup(no_starvation, choose_port_busy),
		cmocka_unit_test_setup(allow_under_load, choose_port_busy),
		cmocka_unit_test_setup(sleeps_unless_told, choose_port_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
