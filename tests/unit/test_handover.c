/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Sessions go from one writer to the next by a memory file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/sessions/handover.h"
#include "control/sessions/writer_private.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define VALUE_MAX 1400
#define SESSIONS  300

/* An engine whose readers read the writer's table, and that does nothing. */
static struct update_sink sink;

static void table_config(struct engine *engine, struct table_config *config)
{
	(void)engine;
	config->value_max = VALUE_MAX;
	config->populate = false;
}

static int start(struct engine *engine, struct table *table, const struct update_sink *given)
{
	(void)engine;
	(void)table;
	sink = *given;
	return 0;
}

static int rest(struct engine *engine, int timeout_ms)
{
	(void)engine;
	(void)timeout_ms;
	usleep(1000);
	return 0;
}

static void wake(struct engine *engine)
{
	(void)engine;
}

static const struct engine_ops ops = {
	.name = "plain", .table_config = table_config, .start = start, .poll = rest, .wake = wake};

static struct writer *make(uint32_t capacity, uint16_t value_max)
{
	const struct writer_config config = {.capacity = capacity, .value_max = value_max};
	struct writer *writer = writer_create(&ops, NULL, &config);

	assert_non_null(writer);
	return writer;
}

/* A writer whose thread has run: `sink` is its. */
static struct writer *make_stopped(uint32_t capacity)
{
	struct writer *writer = make(capacity, VALUE_MAX);

	assert_int_equal(writer_start(writer), 0);
	writer_stop(writer);
	return writer;
}

static void key_of(uint32_t number, uint8_t key[SESSD_KEY_SIZE])
{
	memset(key, 7, SESSD_KEY_SIZE);
	memcpy(key, &number, sizeof(number));
}

static unsigned len_of(uint32_t number)
{
	return 1 + number * 37 % VALUE_MAX;
}

static void put(uint32_t number, uint16_t timeout)
{
	uint8_t key[SESSD_KEY_SIZE], value[VALUE_MAX];

	key_of(number, key);
	memset(value, (int)number, sizeof(value));
	value[0] = (uint8_t)(number >> 8);
	sink.on_new(sink.ctx, key, timeout, value, len_of(number), NULL);
}

static uint32_t slot_of(struct writer *writer, uint32_t number)
{
	uint8_t key[SESSD_KEY_SIZE];

	key_of(number, key);
	return writer_find_slot(writer, key);
}

static bool visited(struct writer *writer, uint32_t number)
{
	return mark_test(table_marks(writer->table), slot_of(writer, number));
}

/* Whether it is there; then it must be as it was put. */
static bool get(struct writer *writer, uint32_t number)
{
	uint8_t key[SESSD_KEY_SIZE], value[VALUE_MAX];
	unsigned retries = 0;
	uint16_t len, sum;

	key_of(number, key);
	if (table_get(writer->table, table_hash(writer->table, key), key, clock_tick(), value, &len,
		    &sum, &retries) != TABLE_HIT)
		return false;
	assert_int_equal(len, len_of(number));
	assert_int_equal(value[0], (uint8_t)(number >> 8));
	for (unsigned i = 1; i < len; i++)
		assert_int_equal(value[i], (uint8_t)number);
	return true;
}

static void on_stat(void *ctx, const char *name, uint64_t value)
{
	if (strcmp(name, "opaque_sessions") == 0)
		*(uint64_t *)ctx = value;
}

/* Sessions by their kind: these values are no sessions of OpenSSL. */
static uint64_t opaque(struct writer *writer)
{
	uint64_t count = UINT64_MAX;

	writer_stats(writer, on_stat, &count);
	return count;
}

static void all(void **state)
{
	struct writer *from = make_stopped(SESSIONS), *to;
	struct session before, after;
	uint64_t sessions, bytes;
	int fd;

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++)
		put(i, (uint16_t)(1000 + i));
	for (uint32_t i = 0; i < SESSIONS; i += 3)
		assert_true(get(from, i));
	/* What a client has taken is gone. */
	assert_true(table_claim(from->table, slot_of(from, 5)));
	bytes = handover_bytes(from);
	fd = handover_write(from, &sessions);
	assert_true(fd >= 0);
	assert_int_equal(sessions, SESSIONS - 1);
	assert_int_equal(
		lseek(fd, 0, SEEK_END), bytes - sizeof(struct handover_session) - len_of(5));

	to = make(2 * SESSIONS, VALUE_MAX);
	assert_int_equal(handover_read(to, fd), 0);
	assert_int_equal(table_count(to->table), SESSIONS - 1);
	assert_int_equal(to->sessions_adopted, SESSIONS - 1);
	assert_int_equal(opaque(to), SESSIONS - 1);
	for (uint32_t i = 0; i < SESSIONS; i++) {
		if (i == 5) {
			assert_int_equal(slot_of(to, i), TABLE_NO_SLOT);
			continue;
		}
		assert_int_equal(visited(to, i), i % 3 == 0);
		assert_true(get(to, i));
		assert_true(table_slot(from->table, slot_of(from, i), &before));
		assert_true(table_slot(to->table, slot_of(to, i), &after));
		assert_true(before.expires == after.expires);
		assert_int_equal(before.sum, after.sum);
	}
	/* Nobody can change it; it can be read again, into the same table without effect. */
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(handover_read(to, fd), 0);
	assert_int_equal(to->sessions_adopted, SESSIONS - 1);
	close(fd);
	writer_destroy(from);
	writer_destroy(to);
}

/* What GETs have asked for stays, then what ends last. */
static void less_room(void **state)
{
	struct writer *from = make_stopped(SESSIONS), *to = make(50, VALUE_MAX);
	uint64_t sessions;
	int fd;

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++)
		put(i, (uint16_t)(1000 + 10 * i));
	for (uint32_t i = 20; i < 30; i++)
		assert_true(get(from, i));
	fd = handover_write(from, &sessions);
	assert_int_equal(handover_read(to, fd), 0);
	assert_int_equal(table_count(to->table), 50);
	for (uint32_t i = 0; i < SESSIONS; i++)
		assert_int_equal(get(to, i), (i >= 20 && i < 30) || i >= SESSIONS - 40);
	close(fd);
	writer_destroy(from);
	writer_destroy(to);
}

static void shorter_values(void **state)
{
	struct writer *from = make_stopped(SESSIONS), *to = make(SESSIONS, 512);
	uint64_t sessions;
	int fd;

	(void)state;
	for (uint32_t i = 0; i < SESSIONS; i++)
		put(i, 1000);
	fd = handover_write(from, &sessions);
	assert_int_equal(handover_read(to, fd), 0);
	for (uint32_t i = 0; i < SESSIONS; i++)
		assert_int_equal(get(to, i), len_of(i) <= 512);
	close(fd);
	writer_destroy(from);
	writer_destroy(to);
}

static int file_of(const uint8_t *bytes, size_t size, bool seal)
{
	int fd = memfd_create("test", MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	if (seal)
		assert_int_equal(fcntl(fd, F_ADD_SEALS,
					 F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
			0);
	return fd;
}

static void refused(const uint8_t *bytes, size_t size, bool seal)
{
	struct writer *to = make(10, VALUE_MAX);
	int fd = file_of(bytes, size, seal);

	assert_int_equal(handover_read(to, fd), -EINVAL);
	assert_non_null(strstr(error_message(), "the sessions of the last daemon are lost: "));
	assert_int_equal(table_count(to->table), 0);
	close(fd);
	writer_destroy(to);
}

/* Cut anywhere, extended, of another version, with impossible lengths, or not sealed: nothing of it
 * is stored. */
static void damaged(void **state)
{
	struct writer *from = make_stopped(10), *to;
	struct handover_session *first;
	uint64_t sessions;
	uint8_t bytes[512];
	size_t size;
	int fd;

	(void)state;
	put(1, 1000);
	put(2, 1000);
	fd = handover_write(from, &sessions);
	assert_int_equal(sessions, 2);
	size = (size_t)pread(fd, bytes, sizeof(bytes), 0);
	assert_in_range(size, 100, sizeof(bytes) - 1);
	close(fd);
	for (size_t cut = 1; cut < size; cut++)
		refused(bytes, cut, true);
	refused(bytes, size + 1, true);
	refused(bytes, size, false);
	for (size_t i = 0; i < sizeof(struct handover_head); i++) {
		bytes[i] ^= 0x80;
		refused(bytes, size, true);
		bytes[i] ^= 0x80;
	}
	first = (struct handover_session *)(bytes + sizeof(struct handover_head));
	for (unsigned len = 0; len < 65536; len += 4097) {
		uint16_t was = first->len;

		first->len = (uint16_t)len;
		refused(bytes, size, true);
		first->len = was;
	}
	/* Lifetimes that no NEW can have. */
	first->expires = clock_tick() + clock_ticks(70000);
	to = make(10, VALUE_MAX);
	fd = file_of(bytes, size, true);
	assert_int_equal(handover_read(to, fd), 0);
	assert_int_equal(table_count(to->table), 1);
	assert_true(get(to, 2));
	close(fd);
	writer_destroy(from);
	writer_destroy(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all),
		cmocka_unit_test(less_room),
		cmocka_unit_test(shorter_values),
		cmocka_unit_test(damaged),
	};

	log_open(LOG_LEVEL_NOTICE);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
