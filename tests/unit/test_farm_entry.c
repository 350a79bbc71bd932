/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Entries of a farm: their bytes, their limits, and their sealing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/farm_seal.h"

#include <stdlib.h>
#include <string.h>

static const struct key_file file = {.count = 1, .keys[0] = {.number = 1, .key = {1, 2, 3}}};
static struct farm_seal_tools tools;
static struct farm_ring ring;
static struct batch batch;
static uint8_t entry[ENTRY_MAX], body[ENTRY_BODY_MAX];
static uint8_t value[SESSD_VALUE_LIMIT];

static int set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)(i * 7);
	batch_clear(&batch);
	assert_int_equal(farm_seal_tools_open(&tools), 0);
	assert_int_equal(farm_ring_make(&ring, &file, "www"), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	farm_seal_tools_close(&tools);
	return 0;
}

static struct farm_record session(uint8_t first, uint16_t size)
{
	struct farm_record record = {.type = FARM_NEW, .value_len = size, .value = value};

	memset(record.key, first, sizeof(record.key));
	record.seconds_left = 300U + first;
	return record;
}

static struct entry_header header_of(uint64_t sequence)
{
	struct entry_header header = {
		.sequence = sequence, .sealed = 0x102, .node = "cache-1.example"};

	memset(header.boot, 0xb0, sizeof(header.boot));
	return header;
}

static size_t seal(const struct farm_ring *by, uint64_t sequence)
{
	struct farm_subkey subkey = {0};
	struct entry_header header = header_of(sequence);
	size_t size = farm_seal(&tools, by, &subkey, &header, &batch, entry);

	farm_subkey_close(&subkey);
	assert_int_equal(size, ENTRY_MIN + batch.size);
	return size;
}

/* 0 if it opens, else why not, and 100. */
static int opens(const struct farm_ring *by, size_t size)
{
	struct farm_subkey subkey = {0};
	struct entry_header header;
	enum farm_refused why;
	int ret = 0;

	if (entry_header_read(entry, size, &header, &why) < 0)
		return 100 + (int)why;
	if (farm_open(&tools, by, &subkey, &header, entry, size, body, &why) < 0)
		ret = 100 + (int)why;
	farm_subkey_close(&subkey);
	return ret;
}

/* The bytes are the interface between versions. */
static void entry_bytes(void **state)
{
	static const uint8_t head[] = {1, 15, 0, 2};
	struct farm_record new = session('k', 3), removed = {.type = FARM_REMOVE};
	struct entry_header header = header_of(0x300005), back;
	enum farm_refused why;

	(void)state;
	assert_int_equal(batch_add(&batch, &new), BATCH_ADDED);
	assert_int_equal(batch_add(&batch, &removed), BATCH_ADDED);
	assert_int_equal(batch.size, 3 + 32 + 4 + 3 + 3 + 32);
	assert_memory_equal(batch.body, "\1\0\x27kkkk", 7);
	assert_memory_equal(batch.body + 35, "\0\0\1\x97", 4);
	assert_memory_equal(batch.body + 39, value, 3);
	assert_memory_equal(batch.body + 42, "\2\0\x20\0", 4);

	seal(&ring, 0x300005);
	assert_memory_equal(entry, head, sizeof(head));
	assert_memory_equal(entry + 4, ring.keys[0].id, 4);
	assert_memory_equal(entry + 8, header.boot, 16);
	assert_memory_equal(entry + 24, "\0\0\0\3\0\0\0\0\0\0\0\0\0\x30\0\5", 16);
	assert_memory_equal(entry + 40, "\0\0\0\0\0\0\1\2", 8);
	assert_memory_equal(entry + 48, "cache-1.example\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);

	assert_int_equal(entry_header_read(entry, ENTRY_MIN, &back, &why), 0);
	assert_int_equal(back.sequence, 0x300005);
	assert_int_equal(back.epoch, 3);
	assert_int_equal(back.sealed, 0x102);
	assert_int_equal(back.records, 2);
	assert_string_equal(back.node, header.node);
}

static void round_trip(void **state)
{
	struct record_cursor cursor = {body, 0};
	struct entry_record record;
	struct farm_record in[4] = {session(1, 144), session(2, 0),
		{.type = FARM_TAKEN, .key = {9}}, {.type = FARM_FLUSH}},
			   out;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(batch_add(&batch, &in[i]), BATCH_ADDED);
	assert_int_equal(batch.sessions, 2);
	assert_int_equal(batch.seconds_max, 302);
	assert_int_equal(opens(&ring, seal(&ring, 1)), 0);
	cursor.left = batch.size;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(record_next(&cursor, &record), 1);
		assert_int_equal(record_read(&record, &out), RECORD_GOOD);
		assert_int_equal(out.type, in[i].type);
		assert_int_equal(out.seconds_left, in[i].seconds_left);
		assert_int_equal(out.value_len, in[i].value_len);
		assert_memory_equal(out.key, in[i].key, sizeof(out.key));
		if (out.value_len > 0)
			assert_memory_equal(out.value, in[i].value, out.value_len);
	}
	assert_int_equal(record_next(&cursor, &record), 0);
}

static void a_batch_ends_at_64_records_or_12_kilobytes(void **state)
{
	struct farm_record small = session(1, 100), large = session(2, SESSD_VALUE_LIMIT);
	struct farm_record too_long = session(3, SESSD_VALUE_LIMIT), odd = {.type = 77};
	unsigned records = 0;

	(void)state;
	too_long.value_len++;
	assert_int_equal(batch_add(&batch, &too_long), BATCH_REFUSED);
	assert_int_equal(batch_add(&batch, &odd), BATCH_REFUSED);
	while (batch_add(&batch, &small) == BATCH_ADDED)
		records++;
	assert_int_equal(records, ENTRY_RECORDS_MAX);
	batch_clear(&batch);
	for (records = 0; batch_add(&batch, &large) == BATCH_ADDED; records++)
		;
	assert_int_equal(records, 8);
	assert_true(batch.size <= ENTRY_BODY_MAX);
	assert_int_equal(opens(&ring, seal(&ring, 1)), 0);
	batch_clear(&batch);
	for (size_t i = 0; i < sizeof(batch.body); i++)
		assert_int_equal(batch.body[i], 0);
}

/* A newer version may add types, and bytes to all but FARM_NEW, whose value ends it. */
static void a_newer_version(void **state)
{
	struct farm_record removed = {.type = FARM_REMOVE, .key = {5}}, out;
	uint8_t longer[40] = {5};
	struct record_cursor cursor;
	struct entry_record record;

	(void)state;
	assert_int_equal(batch_add_bytes(&batch, 50, "what is it", 10), BATCH_ADDED);
	assert_int_equal(batch_add_bytes(&batch, FARM_REMOVE, longer, sizeof(longer)), BATCH_ADDED);
	assert_int_equal(batch_add_bytes(&batch, FARM_FLUSH, longer, 1), BATCH_ADDED);
	assert_int_equal(batch_add(&batch, &removed), BATCH_ADDED);
	cursor = (struct record_cursor){batch.body, batch.size};
	assert_int_equal(record_next(&cursor, &record), 1);
	assert_int_equal(record_read(&record, &out), RECORD_UNKNOWN);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(record_next(&cursor, &record), 1);
		assert_int_equal(record_read(&record, &out), RECORD_GOOD);
		if (out.type == FARM_REMOVE)
			assert_int_equal(out.key[0], 5);
	}
	entry[0] = 2;
	assert_int_equal(opens(&ring, ENTRY_MIN), 100 + FARM_REFUSED_VERSION);
}

static void broken_records(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{"\1", 1},
		{"\1\0", 2},
		{"\1\0\1", 3},
		{"\1\xff\xff"
		 "abc",
			6},
		{"\1\0\0", 3}, /* a session without a key */
		{"\2\0\4abcd", 7},
	};
	struct entry_record record;
	struct farm_record out;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Exactly as long, for the sanitizer. */
		uint8_t *bytes = test_malloc(cases[i].size);
		struct record_cursor cursor = {bytes, cases[i].size};
		int ret;

		memcpy(bytes, cases[i].bytes, cases[i].size);
		ret = record_next(&cursor, &record);
		if (ret == 1)
			assert_int_equal(record_read(&record, &out), RECORD_BROKEN);
		else
			assert_int_equal(ret, -1);
		test_free(bytes);
	}
}

/* Each bit of an entry is authenticated. */
static void a_flipped_bit(void **state)
{
	struct farm_record new = session(1, 20);
	size_t size;

	(void)state;
	batch_add(&batch, &new);
	size = seal(&ring, 77);
	for (size_t bit = 0; bit < size * 8; bit++) {
		entry[bit / 8] ^= (uint8_t)(1U << bit % 8);
		if (opens(&ring, size) == 0)
			fail_msg("opens with bit %zu flipped", bit);
		entry[bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	for (size_t cut = 1; cut < size; cut++)
		if (opens(&ring, size - cut) == 0)
			fail_msg("opens without its last %zu bytes", cut);
	assert_int_equal(opens(&ring, size), 0);
}

static void keys_and_their_rotation(void **state)
{
	struct key_file second = {.count = 1, .keys[0] = {.number = 2, .key = {4, 5}}}, both;
	struct farm_record new = session(1, 20);
	struct farm_ring other, two, elsewhere;
	size_t size;

	(void)state;
	both = second;
	both.count = 2;
	both.keys[1] = file.keys[0];
	assert_int_equal(farm_ring_make(&other, &second, "www"), 0);
	assert_int_equal(farm_ring_make(&two, &both, "www"), 0);
	assert_int_equal(farm_ring_make(&elsewhere, &file, "www2"), 0);
	batch_add(&batch, &new);
	size = seal(&ring, 1);
	assert_int_equal(opens(&other, size), 100 + FARM_REFUSED_KEY);
	assert_int_equal(opens(&elsewhere, size), 100 + FARM_REFUSED_KEY);
	assert_int_equal(opens(&two, size), 0);
	size = seal(&two, 2);
	assert_int_equal(opens(&other, size), 0);
	assert_int_equal(opens(&ring, size), 100 + FARM_REFUSED_KEY);
}

/* A sealing subkey goes from key to key and epoch to epoch; what it sealed differs in all. */
static void epochs(void **state)
{
	static const uint64_t sequences[] = {1, (1U << 20) - 1, 1U << 20, 5ULL << 30};
	static uint8_t earlier[4][ENTRY_MAX];
	struct farm_record new = session(1, 20);
	struct farm_subkey subkey = {0}, opener = {0};
	size_t size = 0;

	(void)state;
	batch_add(&batch, &new);
	for (size_t i = 0; i < 4; i++) {
		struct entry_header header = header_of(sequences[i]), back;
		enum farm_refused why;

		size = farm_seal(&tools, &ring, &subkey, &header, &batch, entry);
		assert_int_equal(entry_header_read(entry, size, &back, &why), 0);
		assert_int_equal(back.epoch, sequences[i] >> 20);
		assert_int_equal(
			farm_open(&tools, &ring, &opener, &back, entry, size, body, &why), 0);
		assert_memory_equal(body, batch.body, batch.size);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(
				earlier[j] + ENTRY_HEADER, entry + ENTRY_HEADER, batch.size);
		memcpy(earlier[i], entry, size);
	}
	farm_subkey_close(&subkey);
	farm_subkey_close(&opener);
}

static void hello_and_resend(void **state)
{
	struct entry_hello hello = {.sequence = 1ULL << 40, .count = FARM_NODES_MAX}, hello_back;
	struct entry_resend resend = {.boot = {1, 2}, .node = "b"}, resend_back;
	struct record_cursor cursor;
	struct entry_record record;

	(void)state;
	for (unsigned i = 0; i < hello.count; i++)
		memset(hello.nodes[i], 'a' + (int)i % 26, 1 + i % FARM_NAME_MAX);
	assert_true(entry_hello_add(&batch, &hello));
	assert_true(entry_resend_add(&batch, &resend));
	cursor = (struct record_cursor){batch.body, batch.size};
	assert_int_equal(record_next(&cursor, &record), 1);
	assert_int_equal(record.type, ENTRY_HELLO);
	assert_true(entry_hello_read(&record, &hello_back));
	assert_int_equal(hello_back.sequence, hello.sequence);
	for (unsigned i = 0; i < hello.count; i++)
		assert_string_equal(hello_back.nodes[i], hello.nodes[i]);
	assert_false(hello_back.takes_local);
	/* A node that says nothing of it. */
	record.size--;
	assert_true(entry_hello_read(&record, &hello_back));
	assert_true(hello_back.takes_local);
	record.size--;
	assert_false(entry_hello_read(&record, &hello_back));
	assert_int_equal(record_next(&cursor, &record), 1);
	assert_true(entry_resend_read(&record, &resend_back));
	assert_string_equal(resend_back.node, "b");
	assert_memory_equal(resend_back.boot, resend.boot, ENTRY_BOOT);
	record.size--;
	assert_false(entry_resend_read(&record, &resend_back));
}

static void names(void **state)
{
	(void)state;
	assert_true(entry_name_valid("a", 1));
	assert_true(entry_name_valid("A-z_0.9", 7));
	assert_false(entry_name_valid("", 0));
	assert_false(entry_name_valid("a:b", 3));
	assert_false(entry_name_valid("a b", 3));
	assert_false(entry_name_valid("a\0b", 3));
	assert_false(entry_name_valid("abcdefghijklmnopqrstuvwxyzabcdefg", 33));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(entry_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_batch_ends_at_64_records_or_12_kilobytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_newer_version, set_up, tear_down),
		cmocka_unit_test_setup_teardown(broken_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flipped_bit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_and_their_rotation, set_up, tear_down),
		cmocka_unit_test_setup_teardown(epochs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hello_and_resend, set_up, tear_down),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
