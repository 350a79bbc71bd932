/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Adoption reads each element of a map exactly once, with several threads too: their parts meet
 * within a page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/xdp/map_reader.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Enough buckets for the most threads. */
#define CAPACITY (1U << 18)

static int map_fd;
static uint8_t seen[CAPACITY];

static void key_of(uint8_t key[SESSD_KEY_SIZE], uint32_t number)
{
	memset(key, 0x5a, SESSD_KEY_SIZE);
	memcpy(key, &number, sizeof(number));
}

static void fill(uint32_t from, uint32_t to)
{
	struct sessd_entry entry = {0};
	uint8_t key[SESSD_KEY_SIZE];

	for (uint32_t i = from; i < to; i++) {
		key_of(key, i);
		entry.life = sessd_life(1, i);
		assert_int_equal(bpf_map_update_elem(map_fd, key, &entry, BPF_ANY), 0);
	}
}

/* Reads the map, and deletes each element that it was given if `delete`. Returns how many. */
static uint32_t read_all(bool delete)
{
	struct map_reader *reader = map_reader_start(map_fd);
	const struct map_page *page;
	uint8_t key[SESSD_KEY_SIZE];
	uint32_t count = 0;
	int ret;

	assert_non_null(reader);
	memset(seen, 0, sizeof(seen));
	while ((ret = map_reader_next(reader, &page)) > 0) {
		for (uint32_t i = 0; i < page->count; i++, count++) {
			uint32_t number = sessd_life_slot(page->entries[i].life);

			assert_true(number < CAPACITY);
			key_of(key, number);
			assert_memory_equal(page->keys[i], key, sizeof(key));
			assert_int_equal(seen[number], 0);
			seen[number] = 1;
			if (delete)
				assert_int_equal(bpf_map_delete_elem(map_fd, key), 0);
		}
	}
	assert_int_equal(ret, 0);
	map_reader_end(reader);
	return count;
}

static void reads_each_once(void **state)
{
	/* Most parts are empty, then one page spans several, then each has many pages. */
	static const uint32_t counts[] = {0, 1, 7, 1000, 5000, 20000, 200000, CAPACITY};
	uint32_t stored = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		fill(stored, counts[i]);
		stored = counts[i];
		assert_int_equal(read_all(false), stored);
	}
	assert_int_equal(read_all(true), stored);
	assert_int_equal(read_all(false), 0);
}

/* It may be ended at any time, while its threads wait for a free page. */
static void ends_early(void **state)
{
	const struct map_page *page;
	struct map_reader *reader;

	(void)state;
	fill(0, 100000);
	reader = map_reader_start(map_fd);
	assert_non_null(reader);
	map_reader_end(reader);
	reader = map_reader_start(map_fd);
	assert_non_null(reader);
	assert_int_equal(map_reader_next(reader, &page), 1);
	map_reader_end(reader);
	map_reader_end(NULL);
	assert_int_equal(read_all(true), 100000);
}

static void errors_are_told(void **state)
{
	const struct map_page *page;
	struct map_reader *reader = map_reader_start(-1);

	(void)state;
	assert_non_null(reader);
	assert_int_equal(map_reader_next(reader, &page), -EBADF);
	assert_int_equal(map_reader_next(reader, &page), -EBADF);
	map_reader_end(reader);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_once),
		cmocka_unit_test(ends_early),
		cmocka_unit_test(errors_are_told),
	};

	map_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "read", SESSD_KEY_SIZE,
		sizeof(struct sessd_entry), CAPACITY, NULL);
	if (map_fd == -EPERM || map_fd == -EACCES) {
		puts("BPF maps need root, or CAP_BPF");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
