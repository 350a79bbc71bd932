/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The queue from a reader to the writer: order, limits, memory, wiping, and both sides at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/update_ring.h"

#include <sessiond/protocol.h>

#include "tests/unit/random.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES	  8
#define VALUE_MAX 100
#define UPDATES	  300000

struct message {
	struct sessd_header header;
	uint8_t value[2000];
};

/* Update `number`: a NEW, or every fifth a REMOVE or the reply to a TAKE, with a value determined
 * by the number. */
static size_t make(struct message *message, uint64_t number)
{
	uint64_t words[4];
	size_t len = random_mix(number) % (VALUE_MAX + 1);

	memset(&message->header, 0, sizeof(message->header));
	message->header.version = SESSD_VERSION;
	message->header.type = number % 5 != 4 ? SESSD_NEW : number % 2 ? SESSD_REMOVE : SESSD_OK;
	message->header.timeout = htons((uint16_t)(number % 65535));
	for (uint64_t i = 0; i < 4; i++)
		words[i] = random_mix(4 * number + i);
	memcpy(message->header.key, words, sizeof(words));
	for (size_t i = 0; i < len; i++)
		message->value[i] = (uint8_t)(number + i);
	return SESSD_HEADER_SIZE + len;
}

/* Checks that updates come whole and in order. */
struct expected {
	uint64_t next;
	const uint8_t *last_value;
	size_t last_len;
};

/* By the timeout: none, IPv4 or IPv6. */
static void set_source(struct update_request *request, const struct message *message)
{
	unsigned number = ntohs(message->header.timeout);

	request->source = message->header.key;
	request->source_len = number % 3 == 0 ? 0 : number % 3 == 1 ? 4 : 16;
}

static void check_source(const struct address *source, const struct message *message)
{
	unsigned number = ntohs(message->header.timeout);
	struct address ipv4;

	assert_int_equal(source != NULL, number % 3 != 0);
	address_from_ipv4(&ipv4, message->header.key);
	if (source)
		assert_memory_equal(source->bytes,
			number % 3 == 1 ? ipv4.bytes : message->header.key, sizeof(source->bytes));
}

static void on_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	struct expected *expected = ctx;
	struct message message;
	size_t length = make(&message, expected->next);

	check_source(source, &message);

	assert_int_equal(message.header.type, SESSD_NEW);
	assert_memory_equal(key, message.header.key, SESSD_KEY_SIZE);
	assert_int_equal(timeout, expected->next % 65535);
	assert_int_equal(len, length - SESSD_HEADER_SIZE);
	assert_memory_equal(value, message.value, len);
	expected->last_value = value;
	expected->last_len = len;
	expected->next++;
}

static void on_remove(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct expected *expected = ctx;
	struct message message;

	make(&message, expected->next);
	assert_int_equal(message.header.type, SESSD_REMOVE);
	assert_memory_equal(key, message.header.key, SESSD_KEY_SIZE);
	expected->next++;
}

static void on_taken(void *ctx, const uint8_t key[SESSD_KEY_SIZE])
{
	struct expected *expected = ctx;
	struct message message;

	make(&message, expected->next);
	assert_int_equal(message.header.type, SESSD_OK);
	assert_memory_equal(key, message.header.key, SESSD_KEY_SIZE);
	expected->next++;
}

static void open_ring(struct update_ring *ring, uint32_t depth)
{
	assert_int_equal(update_ring_open(ring, depth, VALUE_MAX, NULL), 0);
}

/* Pushes a datagram of `length` bytes; false if there is no room. */
static bool push(struct update_ring *ring, const struct message *message, size_t length)
{
	struct update_request request = {.request = &message->header, .length = (uint32_t)length};

	set_source(&request, message);
	if (update_ring_reserve(ring, 1) == 0)
		return false;
	update_ring_push(ring, &request, 1);
	return true;
}

static void fills_and_wraps(void **state)
{
	struct update_ring ring;
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, on_taken, &expected};
	uint64_t pushed = 0, seed = 1;
	struct message messages[2 * ENTRIES];
	struct update_request requests[2 * ENTRIES];

	(void)state;
	open_ring(&ring, ENTRIES);
	assert_true(update_ring_empty(&ring));
	for (unsigned round = 0; round < 4000; round++) {
		unsigned n = random_below(&seed, 2 * ENTRIES);
		unsigned max = random_below(&seed, 2 * ENTRIES);
		unsigned room = ENTRIES - (unsigned)(pushed - expected.next), got, pulled = 0;

		for (unsigned i = 0; i < n; i++) {
			size_t length = make(&messages[i], pushed + i);

			requests[i] = (struct update_request){
				.request = &messages[i].header, .length = (uint32_t)length};
			set_source(&requests[i], &messages[i]);
		}
		update_ring_look(&ring, n);
		got = update_ring_reserve(&ring, n);
		assert_int_equal(got, n < room ? n : room);
		/* It is not visible before it is pushed. */
		assert_int_equal(update_ring_waiting(&ring), pushed - expected.next);
		(round % 2 ? update_ring_push : update_ring_push_seq_cst)(&ring, requests, got);
		pushed += got;
		assert_int_equal(update_ring_waiting(&ring), pushed - expected.next);
		assert_int_equal(update_ring_empty(&ring), pushed == expected.next);
		if (round % 3 == 0)
			continue;
		do {
			got = update_ring_pull(&ring, &sink, max);
			assert_in_range(got, 0, max);
			pulled += got;
		} while (got > 0);
		assert_int_equal(expected.next, max ? pushed : pushed - update_ring_waiting(&ring));
		assert_true(pulled > 0 || max == 0 || update_ring_empty(&ring));
	}
	assert_true(pushed > 5000);
	update_ring_close(&ring);
	update_ring_close(&ring); /* closing twice is no error */
	memset(&ring, 0, sizeof(ring));
	update_ring_close(&ring);
}

static void reserved_is_unseen(void **state)
{
	struct update_ring ring;
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, on_taken, &expected};
	struct message message;

	(void)state;
	open_ring(&ring, ENTRIES);
	assert_int_equal(update_ring_reserve(&ring, 3), 3);
	assert_true(update_ring_empty(&ring));
	assert_int_equal(update_ring_pull(&ring, &sink, 9), 0);
	/* Unused reserved room is not lost. */
	assert_int_equal(update_ring_reserve(&ring, ENTRIES), ENTRIES);
	assert_true(push(&ring, &message, make(&message, 0)));
	assert_int_equal(update_ring_pull(&ring, &sink, 9), 1);
	/* The value is wiped. */
	for (size_t i = 0; i < expected.last_len; i++)
		assert_int_equal(expected.last_value[i], 0);
	assert_true(expected.last_len > 0);
	update_ring_close(&ring);
}

static size_t told_len;
static unsigned told;

static void tell_len(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	(void)source;
	(void)ctx, (void)key, (void)timeout, (void)value;
	told_len = len;
	told++;
}

/* A value that is too long is reported with its length, and does not overwrite its neighbours. */
static void too_long(void **state)
{
	struct update_ring ring;
	struct update_sink lengths = {tell_len, NULL, NULL, NULL};
	struct expected expected = {.next = 1};
	struct update_sink sink = {on_new, on_remove, on_taken, &expected};
	struct message message;
	size_t length;

	(void)state;
	open_ring(&ring, ENTRIES);
	memset(&message, 0xff, sizeof(message));
	make(&message, 0);
	assert_true(push(&ring, &message, SESSD_HEADER_SIZE + VALUE_MAX + 1));
	length = make(&message, 1);
	assert_true(push(&ring, &message, length));
	assert_int_equal(update_ring_pull(&ring, &lengths, 1), 1);
	assert_int_equal(told_len, VALUE_MAX + 1);
	assert_int_equal(update_ring_pull(&ring, &sink, 1), 1);

	/* As long as UDP allows, though the datagram was cut. */
	make(&message, 0);
	assert_true(push(&ring, &message, 65507));
	assert_int_equal(update_ring_pull(&ring, &lengths, 1), 1);
	assert_int_equal(told_len, 65507 - SESSD_HEADER_SIZE);
	assert_int_equal(told, 2);
	/* The bytes after a REMOVE's header are ignored. */
	expected.next = 4;
	make(&message, 4);
	assert_true(push(&ring, &message, 1900));
	assert_int_equal(update_ring_pull(&ring, &sink, 1), 1);
	update_ring_close(&ring);
}

static const uint8_t *expected_value;

static void same_value(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len, const struct address *source)
{
	(void)ctx, (void)timeout;
	assert_null(source);
	assert_memory_equal(key, expected_value - SESSD_KEY_SIZE, SESSD_KEY_SIZE);
	assert_memory_equal(value, expected_value, len);
	told_len = len;
}

/* Values of every length, from buffers of exact size, at any alignment. */
static void every_length(void **state)
{
	struct update_sink sink = {same_value, NULL, NULL, NULL};
	struct update_ring ring;

	(void)state;
	assert_int_equal(update_ring_open(&ring, 4, SESSD_VALUE_LIMIT, NULL), 0);
	for (unsigned len = 0; len <= SESSD_VALUE_LIMIT; len++) {
		uint8_t *memory = malloc(len % 16 + SESSD_HEADER_SIZE + len);
		uint8_t *datagram = memory + len % 16;
		struct update_request request = {.request = (struct sessd_header *)datagram,
			.length = SESSD_HEADER_SIZE + len};

		for (unsigned i = 0; i < SESSD_HEADER_SIZE + len; i++)
			datagram[i] = (uint8_t)(random_mix(len) + i * 7);
		datagram[0] = SESSD_VERSION;
		datagram[1] = SESSD_NEW;
		expected_value = datagram + SESSD_HEADER_SIZE;
		assert_int_equal(update_ring_reserve(&ring, 1), 1);
		update_ring_push(&ring, &request, 1);
		assert_int_equal(update_ring_pull(&ring, &sink, 1), 1);
		assert_int_equal(told_len, len);
		free(memory);
	}
	update_ring_close(&ring);
}

static unsigned allocations;

static void *give(size_t bytes, const char *what, void *ctx)
{
	void *memory = aligned_alloc(64, bytes);

	assert_string_equal(what, "updates");
	assert_int_equal(bytes, *(size_t *)ctx);
	allocations++;
	memset(memory, 0, bytes);
	return memory;
}

static void take_back(void *memory, size_t bytes, void *ctx)
{
	assert_int_equal(bytes, *(size_t *)ctx);
	for (size_t i = 0; i < bytes; i++)
		assert_int_equal(((uint8_t *)memory)[i], 0);
	allocations--;
	free(memory);
}

static void *give_nothing(size_t bytes, const char *what, void *ctx)
{
	(void)bytes, (void)what, (void)ctx;
	return NULL;
}

/* The entries are in the caller's memory, and are returned without values. */
static void memory_of_the_caller(void **state)
{
	size_t bytes = update_ring_bytes(ENTRIES, VALUE_MAX);
	struct table_memory memory = {give, take_back, &bytes};
	struct table_memory none = {give_nothing, NULL, NULL};
	struct update_ring ring;
	struct message message;

	(void)state;
	assert_int_equal(bytes % 64, 0);
	assert_int_equal(update_ring_open(&ring, ENTRIES, VALUE_MAX, &memory), 0);
	assert_int_equal(allocations, 1);
	for (uint64_t i = 0; push(&ring, &message, make(&message, i)); i++)
		;
	update_ring_close(&ring);
	assert_int_equal(allocations, 0);
	assert_int_equal(update_ring_open(&ring, ENTRIES, VALUE_MAX, &none), -ENOMEM);
	update_ring_close(&ring);
}

static void *produce(void *arg)
{
	struct update_ring *ring = arg;
	struct message messages[7];
	struct update_request requests[7];

	for (uint64_t i = 0; i < UPDATES;) {
		unsigned n = (unsigned)(i % 7 + 1);

		if (n > UPDATES - i)
			n = (unsigned)(UPDATES - i);
		n = update_ring_reserve(ring, n);
		for (unsigned k = 0; k < n; k++) {
			size_t length = make(&messages[k], i + k);

			requests[k] = (struct update_request){
				.request = &messages[k].header, .length = (uint32_t)length};
			set_source(&requests[k], &messages[k]);
		}
		if (n > 0)
			update_ring_push(ring, requests, n);
		else
			sched_yield();
		i += n;
	}
	return NULL;
}

static void two_threads(void **state)
{
	struct update_ring ring;
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, on_taken, &expected};
	pthread_t producer;

	(void)state;
	open_ring(&ring, 64);
	assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
	while (expected.next < UPDATES) {
		if (!update_ring_pull(&ring, &sink, 16))
			sched_yield();
	}
	pthread_join(producer, NULL);
	assert_true(update_ring_empty(&ring));
	update_ring_close(&ring);
}

/* A consumer that sleeps when the ring is empty, and a producer that wakes it, as in socket
 * mode. */
struct sleeper {
	struct update_ring ring;
	atomic_int sleeps;
	sem_t wake;
};

static void *produce_and_wake(void *arg)
{
	struct sleeper *sleeper = arg;
	struct message message;

	for (uint64_t i = 0; i < UPDATES / 10;) {
		struct update_request request = {
			.request = &message.header, .length = (uint32_t)make(&message, i)};

		set_source(&request, &message);
		if (update_ring_reserve(&sleeper->ring, 1) == 0) {
			sched_yield();
			continue;
		}
		update_ring_push_seq_cst(&sleeper->ring, &request, 1);
		if (atomic_exchange(&sleeper->sleeps, 0))
			sem_post(&sleeper->wake);
		i++;
	}
	return NULL;
}

/* It never sleeps past a push. */
static void wakes_a_sleeper(void **state)
{
	struct sleeper sleeper = {.sleeps = 0};
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, on_taken, &expected};
	struct timespec until;
	pthread_t producer;

	(void)state;
	open_ring(&sleeper.ring, 64);
	sem_init(&sleeper.wake, 0, 0);
	assert_int_equal(pthread_create(&producer, NULL, produce_and_wake, &sleeper), 0);
	while (expected.next < UPDATES / 10) {
		if (update_ring_pull(&sleeper.ring, &sink, 16))
			continue;
		atomic_store(&sleeper.sleeps, 1);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += 30;
		if (update_ring_empty(&sleeper.ring))
			assert_int_equal(sem_timedwait(&sleeper.wake, &until), 0);
		atomic_store(&sleeper.sleeps, 0);
	}
	pthread_join(producer, NULL);
	sem_destroy(&sleeper.wake);
	update_ring_close(&sleeper.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_wraps),
		cmocka_unit_test(reserved_is_unseen),
		cmocka_unit_test(too_long),
		cmocka_unit_test(every_length),
		cmocka_unit_test(memory_of_the_caller),
		cmocka_unit_test(two_threads),
		cmocka_unit_test(wakes_a_sleeper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
