/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * Options that cannot be read because memory ran out, at a start and at a reload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/config/options.h"

#include "common/log.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned allowed; /* allocations until one fails; 0: all are */
static bool no_lines;	 /* for inih's allocations */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
	if (allowed > 0 && --allowed == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return __real_malloc(size);
}

int __real_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user);
int __wrap_ini_parse_stream(ini_reader reader, void *stream, ini_handler handler, void *user)
{
	return no_lines ? -2 : __real_ini_parse_stream(reader, stream, handler, user);
}

static char path[] = "/tmp/sessiond-options-XXXXXX";
static char *arguments[] = {(char *)"sessiond", (char *)"--config", path, NULL};

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "capacity = 777\n", 15), 15);
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static void is_told(const char *what)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "%s: out of memory: not read, try again", what);
	assert_string_equal(error_message(), expected);
}

static void file(void **state)
{
	struct options options;

	(void)state;
	allowed = 1;
	assert_int_equal(options_parse(&options, 3, arguments, NULL), -ENOMEM);
	assert_int_equal(allowed, 0);
	is_told(path);
	no_lines = true;
	assert_int_equal(options_parse(&options, 3, arguments, NULL), -ENOMEM);
	no_lines = false;
	is_told(path);
	assert_int_equal(options_parse(&options, 3, arguments, NULL), 0);
	assert_int_equal(options.engine.capacity, 777);
}

/* The running options are unchanged. */
static void reload(void **state)
{
	static struct options running, next, before;

	(void)state;
	assert_int_equal(options_parse(&running, 3, arguments, NULL), 0);
	memset(&next, 7, sizeof(next));
	before = next;
	for (unsigned n = 1; n <= 2; n++) {
		allowed = n;
		assert_int_equal(
			options_reload(&next, 3, arguments, &running, NULL, NULL, NULL), -ENOMEM);
		assert_int_equal(allowed, 0);
		if (n == 1)
			assert_string_equal(
				error_message(), "out of memory: the options were not reloaded");
		else
			is_told(path);
		assert_memory_equal(&next, &before, sizeof(next));
	}
	assert_int_equal(options_reload(&next, 3, arguments, &running, NULL, NULL, NULL), 0);
	assert_int_equal(next.engine.capacity, 777);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file),
		cmocka_unit_test(reload),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
