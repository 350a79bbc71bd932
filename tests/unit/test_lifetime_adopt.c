/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The writer with an engine whose sessions outlived the last daemon: their marks did too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "control/sessions/writer.h"

#include <string.h>

#define CAPACITY 64

static uint64_t marks[MARKS_WORDS(CAPACITY)];

static void table_config(struct engine *engine, struct table_config *config)
{
	(void)engine;
	config->marks = marks;
}

/* Slots 0 to 9, of which the even ones were visited; another, visited, has ended. */
static int adopt(
	struct engine *engine, bool (*found)(void *ctx, const struct session *session), void *ctx)
{
	struct session session = {.expires = clock_expiry(clock_tick(), 600), .len = 100};

	(void)engine;
	for (session.slot = 0; session.slot < 10; session.slot++) {
		session.key[0] = session.slot;
		if (session.slot % 2 == 0)
			mark_set(marks, session.slot);
		assert_true(found(ctx, &session));
	}
	session.slot = 20;
	session.key[0] = 20;
	session.expires = 0;
	mark_set(marks, 20);
	assert_false(found(ctx, &session));
	/* Numbers that no array of marks has. */
	session.expires = clock_expiry(clock_tick(), 600);
	session.slot = SESSD_SLOT_LIMIT - 1;
	assert_false(found(ctx, &session));
	return 0;
}

static void marks_outlive(void **state)
{
	static const struct engine_ops ops = {
		.name = "test", .table_config = table_config, .adopt = adopt};
	const struct writer_config config = {.capacity = CAPACITY, .value_max = 512};
	struct writer *writer = writer_create(&ops, NULL, &config);

	(void)state;
	assert_non_null(writer);
	assert_int_equal(writer_adopt(writer), 0);
	for (unsigned slot = 0; slot < 10; slot++)
		assert_int_equal(mark_test(marks, slot), slot % 2 == 0);
	writer_destroy(writer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_outlive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
