/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The queue from a reader to the writer: order, limits, wiping, and both sides at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/socket/update_ring.h"

#include <sessiond/protocol.h>

#include "tests/unit/random.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

#define ENTRIES	  8
#define VALUE_MAX 100
#define UPDATES	  300000

struct message {
	struct sessd_header header;
	uint8_t value[2000];
};

/* Update `number`: a NEW, or each fifth a REMOVE, with a value told by the number. */
static size_t make(struct message *message, uint64_t number)
{
	uint64_t words[4];
	size_t len = random_mix(number) % (VALUE_MAX + 1);

	memset(&message->header, 0, sizeof(message->header));
	message->header.version = SESSD_VERSION;
	message->header.type = number % 5 == 4 ? SESSD_REMOVE : SESSD_NEW;
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

static void on_new(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len)
{
	struct expected *expected = ctx;
	struct message message;
	size_t length = make(&message, expected->next);

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

static void fills_and_wraps(void **state)
{
	struct update_ring *ring = update_ring_create(ENTRIES, VALUE_MAX);
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, &expected};
	uint64_t pushed = 0, seed = 1;
	struct message message;

	(void)state;
	assert_non_null(ring);
	for (unsigned round = 0; round < 2000; round++) {
		unsigned max = random_below(&seed, 2 * ENTRIES);
		uint64_t before = expected.next;
		unsigned n;

		for (unsigned i = random_below(&seed, 2 * ENTRIES); i > 0; i--) {
			bool room = pushed - expected.next < ENTRIES;

			assert_int_equal(
				update_ring_push(ring, &message, make(&message, pushed)), room);
			pushed += room;
		}
		/* Not before it is published. */
		if (pushed == before || round == 0)
			assert_true(update_ring_empty(ring));
		update_ring_publish(ring);
		assert_int_equal(update_ring_empty(ring), pushed == before);
		n = update_ring_drain(ring, &sink, max);
		assert_int_equal(n, pushed - before < max ? pushed - before : max);
		assert_int_equal(expected.next, before + n);
	}
	assert_true(pushed > 5000);
	update_ring_destroy(ring);
	update_ring_destroy(NULL);
}

static void unpublished_is_unseen(void **state)
{
	struct update_ring *ring = update_ring_create(ENTRIES, VALUE_MAX);
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, &expected};
	struct message message;

	(void)state;
	assert_true(update_ring_push(ring, &message, make(&message, 0)));
	assert_true(update_ring_empty(ring));
	assert_int_equal(update_ring_drain(ring, &sink, 9), 0);
	update_ring_publish(ring);
	assert_int_equal(update_ring_drain(ring, &sink, 9), 1);
	/* The value does not stay behind. */
	for (size_t i = 0; i < expected.last_len; i++)
		assert_int_equal(expected.last_value[i], 0);
	assert_true(expected.last_len > 0);
	update_ring_destroy(ring);
}

static size_t told_len;
static unsigned told;

static void tell_len(void *ctx, const uint8_t key[SESSD_KEY_SIZE], uint16_t timeout,
	const void *value, size_t len)
{
	(void)ctx, (void)key, (void)timeout, (void)value;
	told_len = len;
	told++;
}

/* A value that is too long is told of with its length, and does not reach its neighbours. */
static void too_long(void **state)
{
	struct update_ring *ring = update_ring_create(ENTRIES, VALUE_MAX);
	struct update_sink lengths = {tell_len, NULL, NULL};
	struct expected expected = {.next = 1};
	struct update_sink sink = {on_new, on_remove, &expected};
	struct message message;
	size_t length;

	(void)state;
	memset(&message, 0xff, sizeof(message));
	make(&message, 0);
	assert_true(update_ring_push(ring, &message, SESSD_HEADER_SIZE + VALUE_MAX + 1));
	length = make(&message, 1);
	assert_true(update_ring_push(ring, &message, length));
	update_ring_publish(ring);
	assert_int_equal(update_ring_drain(ring, &lengths, 1), 1);
	assert_int_equal(told_len, VALUE_MAX + 1);
	assert_int_equal(update_ring_drain(ring, &sink, 1), 1);

	/* As long as UDP allows, though the datagram was cut. */
	make(&message, 0);
	assert_true(update_ring_push(ring, &message, 65507));
	update_ring_publish(ring);
	assert_int_equal(update_ring_drain(ring, &lengths, 1), 1);
	assert_int_equal(told_len, 65507 - SESSD_HEADER_SIZE);
	assert_int_equal(told, 2);
	/* The bytes behind a REMOVE are nobody's. */
	expected.next = 4;
	make(&message, 4);
	assert_true(update_ring_push(ring, &message, 1900));
	update_ring_publish(ring);
	assert_int_equal(update_ring_drain(ring, &sink, 1), 1);
	update_ring_destroy(ring);
}

static void *produce(void *arg)
{
	struct update_ring *ring = arg;
	struct message message;

	for (uint64_t i = 0; i < UPDATES;) {
		if (update_ring_push(ring, &message, make(&message, i)))
			i++;
		else
			sched_yield();
		if (i % 7 == 0 || i == UPDATES)
			update_ring_publish(ring);
		else if (i % 3 == 0)
			update_ring_publish(ring);
	}
	update_ring_publish(ring);
	return NULL;
}

static void two_threads(void **state)
{
	struct update_ring *ring = update_ring_create(64, VALUE_MAX);
	struct expected expected = {0};
	struct update_sink sink = {on_new, on_remove, &expected};
	pthread_t producer;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce, ring), 0);
	while (expected.next < UPDATES) {
		if (!update_ring_drain(ring, &sink, 16))
			sched_yield();
	}
	pthread_join(producer, NULL);
	assert_true(update_ring_empty(ring));
	update_ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills_and_wraps),
		cmocka_unit_test(unpublished_is_unseen),
		cmocka_unit_test(too_long),
		cmocka_unit_test(two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
