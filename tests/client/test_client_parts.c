/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Breaker, placement, messages and sealing, each alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/breaker.h"
#include "client/exchange.h"
#include "client/placement.h"
#include "client/seal.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS 1000000ULL

static void breaker_backs_off(void **state)
{
	uint64_t now = 1000 * MS, backoff = BREAKER_BACKOFF_MIN_NS;
	struct breaker b = {0};

	(void)state;
	for (int i = 1; i < BREAKER_FAILURES; i++)
		assert_false(breaker_late(&b, now, now));
	/* An answer in between begins anew. */
	assert_false(breaker_good(&b));
	for (int i = 1; i < BREAKER_FAILURES; i++)
		assert_false(breaker_late(&b, now, now));
	assert_true(breaker_allows(&b, now));
	assert_true(breaker_late(&b, now, now));
	for (int i = 0; i < 10; i++) {
		uint64_t opened = now;

		/* What was under way then does not count again. */
		assert_false(breaker_late(&b, opened - 1, now));
		assert_false(breaker_allows(&b, now + backoff / 4 * 3 - 1));
		now += backoff / 4 * 5;
		/* One tries; the others wait. */
		assert_true(breaker_allows(&b, now));
		assert_false(breaker_allows(&b, now));
		assert_false(breaker_late(&b, now, now));
		backoff =
			backoff * 2 < BREAKER_BACKOFF_MAX_NS ? backoff * 2 : BREAKER_BACKOFF_MAX_NS;
	}
	assert_true(breaker_good(&b));
	assert_false(breaker_good(&b));
	assert_true(breaker_allows(&b, now));
	/* Refused is enough once. */
	assert_true(breaker_refused(&b, now, now));
	assert_false(breaker_allows(&b, now));
	/* If the one that tries is never heard of again, another does. */
	assert_true(breaker_allows(&b, now + 200 * MS));
	assert_true(breaker_allows(&b, now + 400 * MS));
}

static void random_key(uint8_t key[SESSD_KEY_SIZE])
{
	for (int i = 0; i < SESSD_KEY_SIZE; i++)
		key[i] = (uint8_t)rand();
}

static void placement_is_even_and_stays(void **state)
{
	uint64_t caches[5], fewer[4];
	unsigned owns[5] = {0}, moved = 0;
	uint8_t key[SESSD_KEY_SIZE], order[SESSIOND_CACHES_MAX], less[SESSIOND_CACHES_MAX];

	(void)state;
	srand(1);
	for (int i = 0; i < 5; i++) {
		struct endpoint endpoint = {.port = 54321};
		char text[32];

		snprintf(text, sizeof(text), "10.0.0.%d", i + 1);
		assert_int_equal(endpoint_parse(text, 54321, &endpoint), 0);
		caches[i] = placement_cache(&endpoint);
		if (i < 4)
			fewer[i] = caches[i];
	}
	for (int i = 0; i < 10000; i++) {
		unsigned seen = 0;

		random_key(key);
		placement_order(caches, 5, key, order);
		placement_order(fewer, 4, key, less);
		for (int j = 0; j < 5; j++)
			seen |= 1u << order[j];
		assert_int_equal(seen, 31);
		owns[order[0]]++;
		/* Without the fifth the rest keep their order. */
		moved += order[0] != less[0];
		assert_true(order[0] == less[0] || (order[0] == 4 && order[1] == less[0]));
	}
	for (int i = 0; i < 5; i++)
		assert_in_range(owns[i], 1800, 2200);
	assert_int_equal(moved, owns[4]);
	/* All servers must agree, whatever version they run: this must never change. */
	memset(key, 0xaa, sizeof(key));
	placement_order(caches, 5, key, order);
	print_message("order %u %u %u %u %u\n", order[0], order[1], order[2], order[3], order[4]);
	assert_memory_equal(order, "\3\2\0\4\1", 5);
}

static void replies(void **state)
{
	uint8_t key[SESSD_KEY_SIZE], d[SESSD_HEADER_SIZE + SESSD_VALUE_LIMIT + 1] = {0};
	struct exchange_value value;

	(void)state;
	memset(key, 7, sizeof(key));
	exchange_header(d, SESSD_OK, 0x1234, key);
	assert_memory_equal(d, "\1\x81\x12\x34\7\7", 6);
	assert_int_equal(exchange_read(d, 37, key, 0x1234, &value), EXCHANGE_OK);
	assert_ptr_equal(value.bytes, d + 36);
	assert_int_equal(value.len, 1);
	assert_int_equal(exchange_read(d, 1436, key, 0x1234, &value), EXCHANGE_OK);
	assert_int_equal(exchange_read(d, 1437, key, 0x1234, &value), EXCHANGE_STRAY);
	assert_int_equal(exchange_read(d, 36, key, 0x1234, &value), EXCHANGE_STRAY);
	assert_int_equal(exchange_read(d, 35, key, 0x1234, &value), EXCHANGE_STRAY);
	assert_int_equal(exchange_read(d, 0, key, 0x1234, &value), EXCHANGE_STRAY);
	assert_int_equal(exchange_read(d, 37, key, 0x1235, &value), EXCHANGE_STRAY);
	d[0] = 2;
	assert_int_equal(exchange_read(d, 37, key, 0x1234, &value), EXCHANGE_STRAY);
	exchange_header(d, SESSD_ERR, 0x1234, key);
	assert_int_equal(exchange_read(d, 36, key, 0x1234, &value), EXCHANGE_ERR);
	assert_int_equal(exchange_read(d, 37, key, 0x1234, &value), EXCHANGE_STRAY);
	exchange_header(d, SESSD_GET, 0x1234, key);
	assert_int_equal(exchange_read(d, 37, key, 0x1234, &value), EXCHANGE_STRAY);
}

static void make_ring(struct seal_ring *ring, uint8_t key, const char *scope)
{
	struct key_file keys = {.count = 1, .keys[0].number = 1};

	memset(keys.keys[0].key, key, KEY_FILE_KEY_SIZE);
	assert_int_equal(seal_ring_make(ring, &keys, scope), 0);
}

/* Every byte of a sealed value, and everything it is bound to, must be as it was. */
static void a_seal_that_was_touched(void **state)
{
	const struct sessiond_id id = {
		.bytes = "id", .len = 2, .tls_version = 0x0304, .context = "ctx", .context_len = 3};
	struct sessiond_id other;
	uint8_t name[SESSD_KEY_SIZE], sealed[200], value[200];
	struct seal_tools tools;
	struct seal_ring ring, foreign;
	size_t len = 11 + SESSIOND_SEAL_OVERHEAD;

	(void)state;
	assert_int_equal(seal_tools_open(&tools), 0);
	make_ring(&ring, 1, "www");
	assert_true(seal_name(&tools, ring.slots, &id, name));
	assert_true(
		seal_value(&tools, ring.slots, &id, name, (uint8_t *)"the session", 11, sealed));
	assert_true(seal_open(&tools, ring.slots, &id, name, sealed, len, value));
	assert_memory_equal(value, "the session", 11);
	for (size_t i = 0; i < len; i++) {
		sealed[i] ^= 0x40;
		assert_false(seal_open(&tools, ring.slots, &id, name, sealed, len, value));
		sealed[i] ^= 0x40;
	}
	for (size_t i = 0; i < len; i++)
		assert_false(seal_open(&tools, ring.slots, &id, name, sealed, i, value));
	assert_false(seal_open(&tools, ring.slots, &id, name, sealed, len + 1, value));
	name[0] ^= 1;
	assert_false(seal_open(&tools, ring.slots, &id, name, sealed, len, value));
	name[0] ^= 1;
	other = id;
	other.tls_version = 0x0303;
	assert_false(seal_open(&tools, ring.slots, &other, name, sealed, len, value));
	other = id;
	other.context_len = 2;
	assert_false(seal_open(&tools, ring.slots, &other, name, sealed, len, value));
	make_ring(&foreign, 1, "ww");
	assert_false(seal_open(&tools, foreign.slots, &id, name, sealed, len, value));
	make_ring(&foreign, 2, "www");
	assert_false(seal_open(&tools, foreign.slots, &id, name, sealed, len, value));
	/* The key id forged too. */
	memcpy(foreign.slots[0].id, ring.slots[0].id, 4);
	assert_false(seal_open(&tools, foreign.slots, &id, name, sealed, len, value));
	/* And still whole. */
	assert_true(seal_open(&tools, ring.slots, &id, name, sealed, len, value));
	seal_tools_close(&tools);
}

/* The same session sealed twice is not the same twice. */
static void nonces_differ(void **state)
{
	const struct sessiond_id id = {.bytes = "id", .len = 2};
	uint8_t name[SESSD_KEY_SIZE], one[64], two[64];
	struct seal_tools tools;
	struct seal_ring ring;

	(void)state;
	assert_int_equal(seal_tools_open(&tools), 0);
	make_ring(&ring, 1, "www");
	assert_true(seal_name(&tools, ring.slots, &id, name));
	assert_true(seal_value(&tools, ring.slots, &id, name, (uint8_t *)"x", 1, one));
	assert_true(seal_value(&tools, ring.slots, &id, name, (uint8_t *)"x", 1, two));
	assert_memory_not_equal(one + 5, two + 5, 12);
	assert_memory_not_equal(one + 17, two + 17, 17);
	seal_tools_close(&tools);
}

/* Made by another program, as seal.h has it, so that the format stays what it says. */
static void the_format_is_what_is_written(void **state)
{
	static const uint8_t vector[] = {
#include "sealed_vector.h"
	};
	const struct sessiond_id id = {
		.bytes = "an id of a session, thirty-two..", .len = 32, .tls_version = 0x0304};
	uint8_t name[SESSD_KEY_SIZE], value[64];
	struct seal_tools tools;
	struct seal_ring ring;

	(void)state;
	assert_int_equal(seal_tools_open(&tools), 0);
	make_ring(&ring, 0x11, "www");
	assert_true(seal_name(&tools, ring.slots, &id, name));
	assert_memory_equal(name, vector, SESSD_KEY_SIZE);
	assert_true(seal_open(&tools, ring.slots, &id, name, vector + SESSD_KEY_SIZE,
		sizeof(vector) - SESSD_KEY_SIZE, value));
	assert_memory_equal(value, "the session", 11);
	seal_tools_close(&tools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaker_backs_off),
		cmocka_unit_test(placement_is_even_and_stays),
		cmocka_unit_test(replies),
		cmocka_unit_test(a_seal_that_was_touched),
		cmocka_unit_test(nonces_differ),
		cmocka_unit_test(the_format_is_what_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
