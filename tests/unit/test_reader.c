/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * What a reader admits, and what it counts and samples otherwise, and the names of the counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/reader.h"

#include <arpa/inet.h>
#include <string.h>

#define NOW  5000
#define PORT 4711

static struct allow_list allowed;

static int allow_private(void **state)
{
	(void)state;
	allow_list_default(&allowed);
	return 0;
}

static void open_both(struct reader_shared *shared, struct reader *reader, uint32_t gets,
	uint32_t news, unsigned talkers_of)
{
	assert_int_equal(reader_shared_open(shared, gets, news, talkers_of, true), 0);
	reader_init(reader, shared);
}

static enum request_kind admit(struct reader *reader, const char *source, unsigned version,
	unsigned type, size_t length, uint64_t now)
{
	uint8_t data[UDP_BUFFER] = {(uint8_t)version, (uint8_t)type};
	struct udp_datagram datagram = {.data = data, .length = length, .port = PORT};

	enum request_kind kind;

	assert_int_equal(address_parse(source, &datagram.source), 0);
	kind = reader_admit(reader, &allowed, &datagram, now);
	if (kind == REQUEST_GET)
		reader_answered(reader, kind, &datagram.source, data, true);
	return kind;
}

static unsigned sample_count;
static struct sessd_drop_sample samples[SESSD_DROP_REASONS];

static void sampled(void *ctx, const struct sessd_drop_sample *sample)
{
	(void)ctx;
	samples[sample_count++] = *sample;
}

static void drain(struct reader *reader)
{
	memset(samples, 0, sizeof(samples));
	sample_count = 0;
	drop_sampler_drain(&reader->samples, sampled, NULL);
}

static void admits(void **state)
{
	struct reader_shared shared;
	struct reader reader;

	(void)state;
	open_both(&shared, &reader, 0, 0, READER_TALKERS_ALL);
	assert_null(shared.limit);
	assert_int_equal(admit(&reader, "10.0.0.1", 1, SESSD_GET, 36, NOW), REQUEST_GET);
	assert_int_equal(admit(&reader, "fd00::1", 1, SESSD_NEW, 180, NOW), REQUEST_NEW);
	assert_int_equal(admit(&reader, "127.0.0.1", 1, SESSD_REMOVE, 65507, NOW), REQUEST_REMOVE);
	drain(&reader);
	assert_int_equal(sample_count, 0);
	for (size_t i = 0; i < sizeof(reader.counters) / sizeof(uint64_t); i++)
		assert_int_equal(((uint64_t *)&reader.counters)[i], 0);
	reader_shared_close(&shared);
	reader_shared_close(&shared); /* closed before */
}

/* Each dropped datagram is counted, and one sample per reason is taken. */
static void drops(void **state)
{
	static const struct {
		const char *source;
		unsigned version, type;
		size_t length;
		enum request_kind kind;
		size_t counter;
		enum sessd_drop_reason reason;
		unsigned detail;
	} cases[] = {
		{"10.0.0.1", 1, SESSD_GET, 35, REQUEST_SHORT,
			offsetof(struct request_counters, drop_short), SESSD_DROP_SHORT, 0},
		{"10.0.0.2", 7, SESSD_GET, 36, REQUEST_VERSION,
			offsetof(struct request_counters, drop_version), SESSD_DROP_VERSION, 7},
		{"10.0.0.3", 1, SESSD_OK, 36, REQUEST_TYPE,
			offsetof(struct request_counters, drop_type), SESSD_DROP_TYPE, SESSD_OK},
		{"192.0.2.1", 1, SESSD_GET, 36, REQUEST_REFUSED,
			offsetof(struct request_counters, drop_not_allowed), SESSD_DROP_NOT_ALLOWED,
			0},
		/* The source is checked first: an unknown source learns nothing from replies. */
		{"2001:db8::1", 7, 9, 3, REQUEST_REFUSED,
			offsetof(struct request_counters, drop_not_allowed), SESSD_DROP_NOT_ALLOWED,
			0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reader_shared shared;
		struct reader reader;
		struct address source;
		uint64_t *counters = (uint64_t *)&reader.counters;

		open_both(&shared, &reader, 1000, 1000, READER_TALKERS_ALL);
		for (unsigned k = 0; k < 3; k++)
			assert_int_equal(admit(&reader, cases[i].source, cases[i].version,
						 cases[i].type, cases[i].length, NOW),
				cases[i].kind);
		for (size_t k = 0; k < sizeof(reader.counters) / sizeof(uint64_t); k++)
			assert_int_equal(counters[k], k * 8 == cases[i].counter ? 3 : 0);
		drain(&reader);
		assert_int_equal(sample_count, 1);
		assert_int_equal(samples[0].reason, cases[i].reason);
		assert_int_equal(samples[0].detail, cases[i].detail);
		assert_int_equal(ntohs(samples[0].port), PORT);
		assert_int_equal(address_parse(cases[i].source, &source), 0);
		assert_memory_equal(samples[0].source, source.bytes, sizeof(source.bytes));
		reader_shared_close(&shared);
	}
}

/* GETs have one bucket, NEWs and REMOVEs another; a malformed datagram uses neither. */
static void limits(void **state)
{
	struct reader_shared shared;
	struct reader reader;
	unsigned gets = 0, updates = 0;

	(void)state;
	open_both(&shared, &reader, 10, 4, READER_TALKERS_ALL);
	for (unsigned i = 0; i < 20; i++) {
		admit(&reader, "10.0.0.1", 9, SESSD_GET, 36, NOW);
		gets += admit(&reader, "10.0.0.1", 1, SESSD_GET, 36, NOW) == REQUEST_GET;
		updates += admit(&reader, "10.0.0.1", 1, i % 2 ? SESSD_NEW : SESSD_REMOVE, 40,
				   NOW) != REQUEST_REFUSED;
	}
	assert_int_equal(gets, 10);
	assert_int_equal(updates, 4);
	assert_int_equal(reader.counters.drop_limit_get, 10);
	assert_int_equal(reader.counters.drop_limit_new, 16);
	assert_int_equal(reader.counters.drop_version, 20);
	assert_int_equal(reader.counters.drop_not_allowed, 0);
	/* Another source has its own buckets. */
	assert_int_equal(admit(&reader, "10.0.0.2", 1, SESSD_GET, 36, NOW), REQUEST_GET);
	drain(&reader);
	assert_int_equal(sample_count, 1); /* the version */
	reader_shared_close(&shared);
}

static struct talker talker;
static unsigned talker_count;

static void keep(void *ctx, const struct talker *found)
{
	(void)ctx;
	talker = *found;
	talker_count++;
}

static void ask_as(struct reader_shared *shared, struct reader *reader, unsigned talkers_of)
{
	open_both(shared, reader, 3, 3, talkers_of);
	talkers_watch(shared->talkers, 1);
	for (unsigned i = 0; i < 5; i++) {
		admit(reader, "10.0.0.1", 1, SESSD_GET, 36, NOW);
		admit(reader, "10.0.0.1", 1, SESSD_NEW, 40, NOW);
		admit(reader, "10.0.0.1", 1, SESSD_REMOVE, 36, NOW);
		admit(reader, "10.0.0.1", 1, SESSD_OK, 36, NOW);
		admit(reader, "192.0.2.1", 1, SESSD_GET, 36, NOW);
	}
	talker_count = 0;
	talkers_list(shared->talkers, keep, NULL);
	assert_int_equal(talker_count, 1);
	reader_shared_close(shared);
}

/* A source over its limit is counted, although it is not served. */
static void counts_sources(void **state)
{
	struct reader_shared shared;
	struct reader reader;

	(void)state;
	ask_as(&shared, &reader, READER_TALKERS_ALL);
	assert_int_equal(talker.gets, 5);
	assert_int_equal(talker.hits, 3);
	assert_int_equal(talker.news, 5);
	assert_int_equal(talker.removes, 5);
	assert_int_equal(talker.drops, 2 + 7 + 5); /* five are of a type that nobody may send */
	/* If another part has counted the others. */
	ask_as(&shared, &reader, READER_TALKERS_GETS);
	assert_int_equal(talker.gets, 5);
	assert_int_equal(talker.news + talker.removes, 0);
	assert_int_equal(talker.drops, 2 + 7 + 5);
}

struct emitted {
	unsigned count;
	bool drop_type, get_hits;
};

static void emitted(void *ctx, const char *name, uint64_t value)
{
	struct emitted *seen = ctx;

	assert_memory_equal(name, "slow_", 5);
	seen->count++;
	if (strcmp(name, "slow_drop_type") == 0) {
		seen->drop_type = true;
		assert_int_equal(value, 3);
	} else if (strcmp(name, "slow_get_hits") == 0) {
		seen->get_hits = true;
		assert_int_equal(value, 1);
	} else {
		assert_int_equal(value, 0);
	}
}

static void emits(void **state)
{
	struct request_counters counters = {.drop_type = 3};
	struct emitted seen = {0};

	(void)state;
	request_count_get(&counters, TABLE_HIT);
	reader_emit(&counters, "slow_", emitted, &seen);
#define X(...) +1
	assert_int_equal(seen.count, 0 SESSD_REQUEST_COUNTERS(X));
#undef X
	assert_true(seen.drop_type && seen.get_hits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(admits),
		cmocka_unit_test(drops),
		cmocka_unit_test(limits),
		cmocka_unit_test(counts_sources),
		cmocka_unit_test(emits),
	};

	return cmocka_run_group_tests(tests, allow_private, NULL);
}
