/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Entries of every length: packed ones can be unpacked, and ones with a changed bit are refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/xdp/mirror/entry.h"

#include "tests/unit/random.h"

#include <errno.h>
#include <string.h>

#define OVERFLOW_FD 77 /* no descriptor: the only look-up is the one below */
#define BLOCK	    5

static const uint8_t key[SESSD_KEY_SIZE] = "a session id for its entry";
static const struct session session = {.expires = 12345, .slot = 678, .sum = 0xabcd};

static __u64 secret[SESSD_GUARD_KEYS];
static uint8_t value[SESSD_VALUE_LIMIT], rest[SESSD_REST_SIZE(SESSD_VALUE_LIMIT)];
static size_t rest_size, block_size;
static uint32_t place; /* of the rest in its block */
static unsigned looked_up;
static bool there; /* in the overflow map */

int __wrap_bpf_map_lookup_elem(int fd, const void *block, void *found);
int __wrap_bpf_map_lookup_elem(int fd, const void *block, void *found)
{
	static const uint32_t right = BLOCK;

	assert_int_equal(fd, OVERFLOW_FD);
	looked_up++;
	if (!there || memcmp(block, &right, sizeof(right)) != 0)
		return -ENOENT;
	memset(found, 0xdd, block_size);
	memcpy((uint8_t *)found + place * rest_size, rest, rest_size);
	return 0;
}

static int setup(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (size_t i = 0; i < SESSD_GUARD_KEYS; i++)
		secret[i] = random_next(&seed) | 1;
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (uint8_t)random_next(&seed);
	return 0;
}

static struct sessd_entry pack(const struct entry_format *format, unsigned len)
{
	struct session packed = session;
	struct sessd_entry entry;

	packed.len = (uint16_t)len;
	memcpy(packed.key, key, sizeof(key));
	memset(&entry, 0xee, sizeof(entry));
	memset(rest, 0xee, sizeof(rest));
	rest_size = SESSD_REST_SIZE(format->value_max);
	block_size = SESSD_BLOCK_SIZE(format->value_max);
	place = len % SESSD_RESTS(format->value_max);
	entry_pack(format, &entry, rest, &packed, value);
	there = len > SESSD_INLINE_MAX;
	return entry;
}

/* What the program reads, as map_abi.h describes it. */
static void check_layout(const struct sessd_entry *entry, unsigned len)
{
	unsigned head = len > SESSD_INLINE_MAX ? SESSD_SPLIT : len;

	assert_int_equal(entry->life, sessd_life(session.expires, session.slot));
	assert_int_equal(entry->len, len);
	assert_int_equal(entry->sum, session.sum);
	assert_int_equal(
		entry->guard, sessd_guard(secret, key, entry->life, session.sum, value, len));
	assert_memory_equal(entry->data, value, head);
	for (unsigned i = head; i < sizeof(entry->data); i++)
		assert_int_equal(entry->data[i], 0);
	if (len == head) {
		assert_int_equal(rest[0], 0xee);
		return;
	}
	assert_memory_equal(rest, value + head, len - head);
	for (unsigned i = len - head; i < rest_size; i++)
		assert_int_equal(rest[i], 0);
	if (rest_size < sizeof(rest))
		assert_int_equal(rest[rest_size], 0xee);
}

static void number_rest(struct sessd_entry *entry)
{
	uint32_t number = BLOCK << SESSD_REST_BITS | place;

	if (entry->len > SESSD_INLINE_MAX)
		memcpy(entry->data + SESSD_SPLIT, &number, sizeof(number));
}

static int unpack(const struct entry_format *format, const struct sessd_entry *entry,
	const uint8_t *its, void *found)
{
	struct rest_reader reader = {0};
	int len;

	assert_int_equal(rest_reader_open(&reader, OVERFLOW_FD, format->value_max), 0);
	len = entry_unpack(format, entry, its, &reader, found);
	rest_reader_close(&reader);
	return len;
}

static void lengths(uint16_t value_max)
{
	const struct entry_format format = {.secret = secret, .value_max = value_max};
	uint8_t found[ENTRY_VALUE_SIZE(SESSD_VALUE_LIMIT) + 1];

	for (unsigned len = 1; len <= value_max; len++) {
		struct sessd_entry entry = pack(&format, len);

		check_layout(&entry, len);
		number_rest(&entry);
		memset(found, 0xdd, sizeof(found));
		looked_up = 0;
		assert_int_equal(unpack(&format, &entry, key, found), len);
		assert_int_equal(looked_up, len > SESSD_INLINE_MAX);
		assert_memory_equal(found, value, len);
		assert_int_equal(found[ENTRY_VALUE_SIZE(value_max)], 0xdd);
	}
}

static void every_length(void **state)
{
	(void)state;
	lengths(1);
	lengths(SESSD_INLINE_MAX);
	lengths(SESSD_INLINE_MAX + 1);
	lengths(SESSD_VALUE_DEFAULT_MAX);
	lengths(SESSD_VALUE_LIMIT);
}

static void refused(const struct entry_format *format, const struct sessd_entry *entry)
{
	uint8_t found[ENTRY_VALUE_SIZE(SESSD_VALUE_LIMIT)];

	assert_int_equal(unpack(format, entry, key, found), -EBADMSG);
}

static void changed_by_a_bit(void **state)
{
	const struct entry_format format = {.secret = secret, .value_max = 512};
	static const unsigned some[] = {1, 7, 8, 9, 144, 155, 156, 157, 160, 161, 400, 512};

	(void)state;
	for (size_t n = 0; n < sizeof(some) / sizeof(some[0]); n++) {
		unsigned len = some[n], head = len > SESSD_INLINE_MAX ? SESSD_SPLIT : len;
		struct sessd_entry entry = pack(&format, len);

		number_rest(&entry);
		for (unsigned bit = 0; bit < 8 * (offsetof(struct sessd_entry, data) + head);
			bit++) {
			((uint8_t *)&entry)[bit / 8] ^= (uint8_t)(1U << bit % 8);
			refused(&format, &entry);
			((uint8_t *)&entry)[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (unsigned bit = 0; bit < 8 * (len - head); bit++) {
			rest[bit / 8] ^= (uint8_t)(1U << bit % 8);
			refused(&format, &entry);
			rest[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
	}
}

static void foreign(void **state)
{
	const struct entry_format format = {.secret = secret, .value_max = 200};
	const struct entry_format less = {.secret = secret, .value_max = 199};
	static const uint8_t other[SESSD_KEY_SIZE] = "a session id for its entrY";
	uint8_t found[ENTRY_VALUE_SIZE(200)];
	struct sessd_entry entry = pack(&format, 200);

	(void)state;
	number_rest(&entry);
	assert_int_equal(unpack(&format, &entry, other, found), -EBADMSG);
	assert_int_equal(unpack(&format, &entry, key, found), 200);
	refused(&less, &entry);
	there = false;
	refused(&format, &entry);
	/* Of another block, and beyond the last rest of a block. */
	there = true;
	for (unsigned bit = 0; bit < 32; bit++) {
		entry.data[SESSD_SPLIT + bit / 8] ^= (uint8_t)(1U << bit % 8);
		refused(&format, &entry);
		entry.data[SESSD_SPLIT + bit / 8] ^= (uint8_t)(1U << bit % 8);
	}
	place = SESSD_RESTS_MAX - 1;
	number_rest(&entry);
	refused(&format, &entry);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length),
		cmocka_unit_test(changed_by_a_bit),
		cmocka_unit_test(foreign),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
