/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parsing of a datagram in user space, and the reply.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/drop_sample.h"
#include "dataplane/request.h"

#include <string.h>

#define NOW 5000

static void classifies(void **state)
{
	uint8_t datagram[600] = {0};

	(void)state;
	for (unsigned version = 0; version < 256; version++) {
		for (unsigned type = 0; type < 256; type++) {
			enum request_kind kind = version != 1		? REQUEST_VERSION
						 : type == SESSD_NEW	? REQUEST_NEW
						 : type == SESSD_GET	? REQUEST_GET
						 : type == SESSD_REMOVE ? REQUEST_REMOVE
						 : type == SESSD_TAKE	? REQUEST_TAKE
									: REQUEST_TYPE;

			datagram[0] = (uint8_t)version;
			datagram[1] = (uint8_t)type;
			assert_int_equal(request_classify(datagram, 36), kind);
			assert_int_equal(request_classify(datagram, 548), kind);
			assert_int_equal(request_classify(datagram, 65507), kind);
			/* The length is checked first. */
			assert_int_equal(request_classify(datagram, 35), REQUEST_SHORT);
		}
	}
	for (size_t len = 0; len < 36; len++)
		assert_int_equal(request_classify(datagram, len), REQUEST_SHORT);
}

static void counts_drops(void **state)
{
	struct request_counters counters = {0}, total = {0};

	(void)state;
	request_count_drop(&counters, REQUEST_SHORT);
	request_count_drop(&counters, REQUEST_VERSION);
	request_count_drop(&counters, REQUEST_VERSION);
	request_count_drop(&counters, REQUEST_TYPE);
	request_count_drop(&counters, REQUEST_REFUSED);
	request_count_drop(&counters, REQUEST_GET);
	request_count_drop(&counters, REQUEST_TAKE);
	request_count_drop(&counters, REQUEST_NEW);
	request_count_drop(&counters, REQUEST_REMOVE);
	request_counters_sum(&total, &counters);
	request_counters_sum(&total, &counters);
	assert_int_equal(total.drop_short, 2);
	assert_int_equal(total.drop_version, 4);
	assert_int_equal(total.drop_type, 2);
	assert_int_equal(total.drop_not_allowed, 2);
	assert_int_equal(total.drop_limit_get, 4);
	assert_int_equal(total.drop_limit_new, 4);
	assert_int_equal(total.get_hits + total.get_misses, 0);
}

static void put(struct table *table, uint8_t first, uint64_t expires, uint16_t len, uint16_t sum)
{
	struct session session = {.key = {first}, .expires = expires, .len = len, .sum = sum};
	uint8_t value[SESSD_VALUE_LIMIT];

	memset(value, first, len);
	session.slot = table_alloc(table);
	table_insert(table, table_hash(table, session.key), &session, value);
}

static size_t get(struct table *table, uint8_t first, uint8_t *buffer, size_t length, uint16_t *sum,
	struct request_counters *counters)
{
	struct sessd_header *header = (struct sessd_header *)buffer;

	memset(buffer, 0xee, length);
	*header = (struct sessd_header){
		.version = 1, .type = SESSD_GET, .timeout = 0x3412, .key = {first}};
	return request_get(
		table, table_hash(table, header->key), header, NOW, buffer, sum, counters);
}

/* In place, as in the readers: the reply has the header with a changed type, then the value, and
 * none of the request's trailing bytes. */
static void answers(void **state)
{
	struct table_config config = {.capacity = 10, .value_max = 512};
	struct table *table = table_create(&config);
	struct sessd_header expected = {.version = 1, .timeout = 0x3412};
	struct request_counters counters = {0};
	uint8_t buffer[2048], value[512], other[2048];
	uint16_t sum = 1;

	(void)state;
	put(table, 1, NOW + 1, 512, 77);
	put(table, 2, NOW, 100, 5);
	put(table, 3, NOW + 1, 1, 6);

	expected.type = SESSD_OK;
	expected.key[0] = 1;
	memset(value, 1, sizeof(value));
	assert_int_equal(get(table, 1, buffer, 548, &sum, &counters), 548);
	assert_memory_equal(buffer, &expected, sizeof(expected));
	assert_memory_equal(buffer + 36, value, 512);
	assert_int_equal(sum, 77);
	assert_int_equal(counters.get_hits, 1);

	expected.key[0] = 3;
	assert_int_equal(get(table, 3, buffer, 548, NULL, &counters), 37);
	assert_memory_equal(buffer, &expected, sizeof(expected));
	assert_int_equal(buffer[36], 3);

	/* Into another buffer: the request is unchanged. */
	assert_int_equal(request_get(table, table_hash(table, expected.key), &expected, NOW, other,
				 &sum, &counters),
		37);
	assert_memory_equal(other, buffer, 37);

	expected.type = SESSD_ERR;
	expected.key[0] = 2;
	assert_int_equal(get(table, 2, buffer, 548, &sum, &counters), 36);
	assert_memory_equal(buffer, &expected, sizeof(expected));
	assert_int_equal(sum, 0);
	assert_int_equal(counters.get_expired, 1);

	expected.key[0] = 9;
	assert_int_equal(get(table, 9, buffer, 36, &sum, &counters), 36);
	assert_memory_equal(buffer, &expected, sizeof(expected));
	assert_int_equal(counters.get_misses, 1);
	assert_int_equal(counters.get_hits, 3);
	assert_int_equal(counters.get_torn + counters.get_retries, 0);
	table_destroy(table);
}

static unsigned found_count;
static struct sessd_drop_sample found_last;

static void found(void *ctx, const struct sessd_drop_sample *event)
{
	(void)ctx;
	found_count++;
	found_last = *event;
}

/* One sample per second and reason, at any rate. */
static void samples(void **state)
{
	struct drop_sampler sampler = {0};
	struct address source = {{1, 2, 3}};
	uint8_t datagram[36] = {7, 9};
	uint64_t second = 1000000000U >> SESSD_TICK_SHIFT;

	(void)state;
	for (uint64_t now = NOW; now < NOW + 10; now++) {
		drop_sample_request(&sampler, REQUEST_VERSION, datagram, &source, 54321, now);
		drop_sample_request(&sampler, REQUEST_GET, datagram, &source, 54321, now);
	}
	drop_sampler_drain(&sampler, found, NULL);
	assert_int_equal(found_count, 1);
	assert_int_equal(found_last.reason, SESSD_DROP_VERSION);
	assert_int_equal(found_last.detail, 7);
	assert_int_equal(ntohs(found_last.port), 54321);
	assert_memory_equal(found_last.source, source.bytes, 16);
	/* Drained, but the second is not over; another reason has its own limit. */
	drop_sample_request(&sampler, REQUEST_VERSION, datagram, &source, 1, NOW + second - 1);
	drop_sample_request(&sampler, REQUEST_TYPE, datagram, &source, 1, NOW + second - 1);
	drop_sampler_drain(&sampler, found, NULL);
	assert_int_equal(found_count, 2);
	assert_int_equal(found_last.reason, SESSD_DROP_TYPE);
	assert_int_equal(found_last.detail, 9);
	drop_sample_request(&sampler, REQUEST_VERSION, datagram, &source, 1, NOW + second);
	drop_sample_request(&sampler, REQUEST_SHORT, NULL, &source, 1, NOW + second);
	drop_sampler_drain(&sampler, found, NULL);
	assert_int_equal(found_count, 4);
	drop_sampler_drain(&sampler, found, NULL);
	assert_int_equal(found_count, 4);
}

/* A TAKE is answered as a GET is, once: then the session is gone, for the writer to delete. */
static void takes(void **state)
{
	struct table_config config = {.capacity = 10, .value_max = 512};
	struct table *table = table_create(&config);
	struct request_counters counters = {0};
	struct sessd_header request = {.version = 1, .type = SESSD_TAKE, .key = {1}};
	uint64_t hash = table_hash(table, request.key);
	uint8_t reply[2048], value[300];
	uint16_t sum = 1;

	(void)state;
	put(table, 1, NOW + 1, 300, 77);
	put(table, 2, NOW, 100, 5);
	memset(value, 1, sizeof(value));
	assert_int_equal(request_take(table, hash, &request, NOW, reply, &sum, &counters), 336);
	assert_int_equal(reply[1], SESSD_OK);
	assert_memory_equal(reply + 36, value, 300);
	assert_int_equal(sum, 77);
	assert_int_equal(counters.take_hits, 1);
	assert_true(table_taken(table, table_find(table, hash, request.key)));

	assert_int_equal(request_take(table, hash, &request, NOW, reply, &sum, &counters), 36);
	assert_int_equal(reply[1], SESSD_ERR);
	assert_int_equal(sum, 0);
	assert_int_equal(get(table, 1, reply, 548, &sum, &counters), 36);
	assert_int_equal(counters.get_misses, 1);
	request.key[0] = 2;
	hash = table_hash(table, request.key);
	assert_int_equal(request_take(table, hash, &request, NOW, reply, NULL, &counters), 36);
	request.key[0] = 3;
	hash = table_hash(table, request.key);
	assert_int_equal(request_take(table, hash, &request, NOW, reply, NULL, &counters), 36);
	assert_int_equal(counters.take_misses, 3);
	assert_int_equal(counters.take_lost_race, 0);
	assert_int_equal(counters.get_hits + counters.get_expired, 0);
	table_destroy(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classifies),
		cmocka_unit_test(counts_drops),
		cmocka_unit_test(answers),
		cmocka_unit_test(takes),
		cmocka_unit_test(samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
