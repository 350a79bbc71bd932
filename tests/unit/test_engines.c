/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of modes: its flags match the engines, and the order in which auto tries them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void rows_are_true(void **state)
{
	(void)state;
	for (size_t i = 0; i < engine_mode_count; i++) {
		const struct engine_mode *mode = &engine_modes[i];

		assert_ptr_equal(engines_find(mode->name), mode);
		assert_non_null(mode->path);
		if (!mode->ops) {
			assert_non_null(mode->build);
			continue;
		}
		assert_string_equal(mode->ops->name, mode->name);
		assert_int_equal(!!(mode->flags & ENGINE_PINS), !!mode->ops->stale_pins);
		assert_int_equal(!!mode->ops->adopt, !!mode->ops->would_adopt);
	}
	assert_null(engines_find("auto"));
	assert_null(engines_find(""));
	assert_false(engine_mode_has(NULL, ~0U));
}

/* xdp first, where it is built in and interfaces are given; sockets last; never dpdk. */
static void auto_order(void **state)
{
	static struct engine_config config;
	const struct engine_mode *xdp = engines_find("xdp"), *socket = engines_find("socket");

	(void)state;
	assert_ptr_equal(engines_auto(NULL, &config), socket);
	assert_null(engines_auto(socket, &config));
	config.interface_count = 1;
	assert_ptr_equal(engines_auto(NULL, &config), xdp->ops ? xdp : socket);
	assert_ptr_equal(engines_auto(xdp, &config), socket);
	assert_null(engines_auto(socket, &config));
}

static void memory(void **state)
{
	static struct engine_config config = {.capacity = 1000, .value_max = 512};
	const struct table_config table = {.capacity = 1000, .value_max = 512}, index = {1000};
	const struct engine_mode *xdp = engines_find("xdp");

	(void)state;
	strcpy(config.pin_dir, "/nowhere/7300");
	assert_int_equal(engines_memory_needed(engines_find("socket"), &config),
		table_reserved_bytes(&table));
	/* The memory of the index, and of the values in the kernel. */
	if (xdp->ops)
		assert_true(engines_memory_needed(xdp, &config) >
			    table_reserved_bytes(&index) + 1000 * 512);
}

/* A mode's own pins are not stale: it adopts them. A build without xdp mode cannot read a folder of
 * pins. */
static void pins(void **state)
{
	struct engine_config config = {.pin_dir = "/tmp/test_engines.XXXXXX"};
	struct engine_stale stale;
	const struct engine_mode *xdp = engines_find("xdp"), *socket = engines_find("socket");

	(void)state;
	assert_non_null(mkdtemp(config.pin_dir));
	assert_int_equal(engines_stale_pins(xdp, &config, &stale), 0);
	assert_int_equal(engines_stale_pins(socket, &config, &stale), xdp->ops ? 0 : -ENOSYS);
	assert_int_equal(rmdir(config.pin_dir), 0);
	assert_int_equal(engines_stale_pins(socket, &config, &stale), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_true),
		cmocka_unit_test(auto_order),
		cmocka_unit_test(memory),
		cmocka_unit_test(pins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
