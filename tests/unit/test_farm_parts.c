/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Parts of a farm without an engine: sequence windows, tombstones, the publisher.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/farm/publisher.h"
#include "control/farm/sequence_window.h"
#include "control/farm/tombstones.h"

#include <stdlib.h>
#include <string.h>

static void numbers_in_any_order(void **state)
{
	struct sequence_window window;

	(void)state;
	assert_int_equal(window_open(&window, 100), 0);
	assert_false(window_seen(&window, 1));
	window_mark(&window, 50);
	assert_int_equal(window.low, 50);
	/* History, backwards. */
	for (uint64_t i = 49; i > 40; i--) {
		assert_false(window_seen(&window, i));
		window_mark(&window, i);
		assert_true(window_seen(&window, i));
	}
	window_mark(&window, 53);
	window_advance(&window);
	assert_int_equal(window.low, 50);
	assert_false(window_seen(&window, 51));
	window_mark(&window, 51);
	window_advance(&window);
	assert_int_equal(window.low, 51);
	assert_int_equal(window_give_up(&window, 53), 1);
	window_advance(&window);
	assert_int_equal(window.low, 53);
	/* What was given up may still come. */
	assert_false(window_seen(&window, 52));
	window_mark(&window, 52);
	assert_true(window_seen(&window, 52));
	window_close(&window);
}

static void numbers_that_are_too_old(void **state)
{
	struct sequence_window window;

	(void)state;
	assert_int_equal(window_open(&window, 100), 0); /* holds 128 */
	window_mark(&window, 1);
	window_mark(&window, 128);
	assert_true(window_seen(&window, 1));
	assert_false(window_seen(&window, 2));
	window_mark(&window, 129);
	assert_true(window_seen(&window, 1)); /* now for its age */
	assert_false(window_seen(&window, 2));
	window_mark(&window, 1000000);
	assert_true(window_seen(&window, 2));
	assert_true(window_seen(&window, 1000000 - 128));
	assert_false(window_seen(&window, 1000000 - 127));
	assert_true(window.low >= 1000000 - 128);
	/* Marking what is too old changes nothing. */
	window_mark(&window, 1000000 - 128);
	assert_false(window_seen(&window, 1000000 - 127));
	window_close(&window);
}

static void numbers_that_never_came(void **state)
{
	struct sequence_window window;

	(void)state;
	assert_int_equal(window_open(&window, 128), 0);
	window_begin(&window, 10);
	window_mark(&window, 12);
	assert_int_equal(window.low, 10);
	assert_int_equal(window_give_up(&window, 20), 1); /* 11, up to what was seen */
	window_advance(&window);
	assert_int_equal(window.low, 12);
	assert_int_equal(window_give_up(&window, 20), 8);
	assert_int_equal(window.low, 20);
	assert_int_equal(window_give_up(&window, 20), 0);
	window_mark(&window, 21);
	window_advance(&window);
	assert_int_equal(window.low, 21);
	window_close(&window);
}

/* Against an array, at random. */
static void windows_at_random(void **state)
{
	static bool seen[4096];
	struct sequence_window window;
	uint64_t high = 0;

	(void)state;
	srand(1);
	assert_int_equal(window_open(&window, 512), 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t number = high + (uint64_t)(rand() % 300);

		number = number > 280 ? number - 280 : 1;
		if (number >= 4096)
			break;
		assert_int_equal(window_seen(&window, number), seen[number]);
		window_mark(&window, number);
		seen[number] = true;
		high = number > high ? number : high;
	}
	window_close(&window);
}

static void make_key(unsigned number, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 0, SESSD_KEY_SIZE);
	memcpy(key, &number, sizeof(number));
}

static const struct tombstone *find(const struct tombstones *stones, unsigned number)
{
	uint8_t key[SESSD_KEY_SIZE];

	make_key(number, key);
	return tombstones_find(stones, key);
}

static void add(struct tombstones *stones, unsigned number, int64_t time)
{
	const struct tombstone stone = {.time = time, .run = 3, .sequence = number};
	uint8_t key[SESSD_KEY_SIZE];

	make_key(number, key);
	tombstones_add(stones, key, &stone);
}

static void tombstones_stay_for_two_rotations(void **state)
{
	struct tombstones stones;

	(void)state;
	assert_int_equal(tombstones_open(&stones, 100000), 0);
	for (unsigned i = 0; i < 50000; i++)
		add(&stones, i, i);
	for (unsigned i = 0; i < 50000; i++) {
		assert_non_null(find(&stones, i));
		assert_int_equal(find(&stones, i)->sequence, i);
	}
	assert_null(find(&stones, 50000));
	/* The latest removal counts. */
	add(&stones, 7, 100);
	add(&stones, 7, 50);
	assert_int_equal(find(&stones, 7)->time, 100);
	tombstones_rotate(&stones);
	assert_int_equal(find(&stones, 7)->time, 100);
	add(&stones, 7, 60);
	assert_int_equal(find(&stones, 7)->time, 100);
	add(&stones, 8, 200);
	tombstones_rotate(&stones);
	assert_null(find(&stones, 9));
	assert_int_equal(find(&stones, 8)->time, 200);
	tombstones_rotate(&stones);
	assert_null(find(&stones, 8));
	tombstones_close(&stones);
}

static void tombstones_are_bounded(void **state)
{
	struct tombstones stones;

	(void)state;
	assert_int_equal(tombstones_open(&stones, 1000), 0);
	for (unsigned i = 0; i < 1000000; i++)
		add(&stones, i, i);
	assert_true(stones.young.mask < stones.most);
	assert_true(stones.old.mask < stones.most);
	/* At least the last thousand. */
	for (unsigned i = 999000; i < 1000000; i++)
		assert_non_null(find(&stones, i));
	tombstones_close(&stones);
}

static struct farm_seal_tools tools;
static struct farm_ring ring;
static struct publisher publisher;

static int open_publisher(void **state)
{
	static const uint8_t boot[ENTRY_BOOT] = {1};
	const struct key_file keys = {.count = 1, .keys[0] = {.number = 1, .key = {1}}};

	(void)state;
	assert_int_equal(farm_seal_tools_open(&tools), 0);
	assert_int_equal(farm_ring_make(&ring, &keys, "www"), 0);
	assert_int_equal(publisher_open(&publisher, &tools, &ring, "a", boot, 6400, 512), 0);
	return 0;
}

static int close_publisher(void **state)
{
	(void)state;
	publisher_close(&publisher);
	farm_seal_tools_close(&tools);
	return 0;
}

static void publish(uint16_t size)
{
	static const uint8_t value[600];
	const struct farm_record record = {
		.type = FARM_NEW, .value = value, .value_len = size, .seconds_left = 5};

	assert_true(publisher_add(&publisher, &record, 1));
}

static void a_full_publisher(void **state)
{
	unsigned records = 0;

	(void)state;
	while (publisher_has_room(&publisher)) {
		publish(512);
		records++;
	}
	assert_true(publisher_last(&publisher) > PUBLISHER_SLOTS - PUBLISHER_SPREAD - 2);
	/* Whatever one round brings still fits. */
	for (unsigned i = 0; i < ENTRY_RECORDS_MAX; i++)
		publish(512);
	publisher_seal(&publisher, 1);
	assert_true(publisher_last(&publisher) <= PUBLISHER_SLOTS);
	for (uint64_t i = publisher.oldest; i <= publisher_last(&publisher); i++) {
		struct entry_header header;
		enum farm_refused why;

		assert_int_equal(entry_header_read(publisher_slot(&publisher, i)->entry,
					 publisher_slot(&publisher, i)->size, &header, &why),
			0);
		assert_int_equal(header.sequence, i);
	}
	assert_int_equal(publisher.sessions, records + ENTRY_RECORDS_MAX);
	publisher_release(&publisher, 20);
	assert_true(publisher_has_room(&publisher));
	publisher_release(&publisher, 10);
	assert_int_equal(publisher.oldest, 21);
}

static void values_above_the_limit(void **state)
{
	const struct farm_record record = {
		.type = FARM_NEW, .value = (const uint8_t *)"", .value_len = 513};

	(void)state;
	assert_false(publisher_add(&publisher, &record, 1));
	assert_int_equal(publisher.too_long, 1);
	assert_int_equal(publisher.batch->records, 0);
}

/* As many entries as hold the capacity, whether they are full or have one session. */
static void how_much_to_keep(void **state)
{
	(void)state;
	assert_int_equal(publisher_keep(&publisher, 1000), 1001);
	for (unsigned i = 0; i < 6400 * 3; i++) {
		publish(10);
		publisher_release(&publisher, publisher_last(&publisher));
	}
	assert_in_range(publisher_keep(&publisher, 1000), 100, 110);
	for (unsigned i = 0; i < 6400 * 3; i++) {
		publish(10);
		publisher_seal(&publisher, 1);
		publisher_release(&publisher, publisher_last(&publisher));
	}
	assert_in_range(publisher_keep(&publisher, 1000), 6300, 6500);
	/* Half a capacity later, half of what was before may go. */
	close_publisher(NULL);
	open_publisher(NULL);
	for (unsigned i = 0; i < 3200; i++) {
		publish(10);
		publisher_seal(&publisher, 1);
		publisher_release(&publisher, publisher_last(&publisher));
	}
	assert_in_range(publisher_keep(&publisher, 1000), 3200 + 480, 3200 + 540);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_in_any_order),
		cmocka_unit_test(numbers_that_are_too_old),
		cmocka_unit_test(numbers_that_never_came),
		cmocka_unit_test(windows_at_random),
		cmocka_unit_test(tombstones_stay_for_two_rotations),
		cmocka_unit_test(tombstones_are_bounded),
		cmocka_unit_test_setup_teardown(a_full_publisher, open_publisher, close_publisher),
		cmocka_unit_test_setup_teardown(
			values_above_the_limit, open_publisher, close_publisher),
		cmocka_unit_test_setup_teardown(how_much_to_keep, open_publisher, close_publisher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
