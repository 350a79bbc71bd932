/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The line for `systemctl status`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/stats/status_text.h"

#include <string.h>

struct figure {
	const char *name;
	uint64_t value;
};

static void emit_all(void *ctx, stats_emit emit, void *emit_ctx)
{
	for (const struct figure *figure = ctx; figure->name; figure++)
		emit(emit_ctx, figure->name, figure->value);
}

static const char *line(
	const char *mode, bool fallback, struct figure *figures, struct status_last *last)
{
	static char text[STATUS_TEXT];

	return status_text(mode, fallback, emit_all, figures, last, text);
}

static void as_it_should_be(void **state)
{
	struct figure figures[] = {{"sessions", 5000}, {"capacity", 1000000}, {"get_hits", 0},
		{"get_misses", 0}, {"xdp_get_hits", 7}, {"reload_ok", 1}, {NULL, 0}};
	struct status_last last = {0};

	(void)state;
	assert_string_equal(
		line("xdp", false, figures, &last), "xdp: 5000 of 1000000 sessions, no GETs");
	figures[2].value = 930;
	figures[3].value = 70;
	assert_string_equal(line("xdp", false, figures, &last),
		"xdp: 5000 of 1000000 sessions, 93 % of 1000 GETs found");
	/* Since the last time. */
	figures[3].value = 80;
	assert_string_equal(line("xdp", false, figures, &last),
		"xdp: 5000 of 1000000 sessions, 0 % of 10 GETs found");
	assert_string_equal(
		line("xdp", false, figures, &last), "xdp: 5000 of 1000000 sessions, no GETs");
}

static void not_as_it_should_be(void **state)
{
	struct figure figures[] = {{"sessions", 18446744073709551615U},
		{"capacity", 18446744073709551615U}, {"reload_ok", 0}, {"farm_ready", 0},
		{"farm_warm_up_percent", 40}, {"farm_engines", 2}, {"farm_engines_up", 1},
		{"xdp_interfaces_generic", 1}, {"xdp_interfaces_detached", 2}, {NULL, 0}};
	struct status_last last = {0};

	(void)state;
	assert_string_equal(line("socket", true, figures, &last),
		"socket: 18446744073709551615 of 18446744073709551615 sessions, no GETs; "
		"warming up, 40 %; degraded: no XDP; degraded: XDP detached from 2 of its "
		"interfaces; degraded: generic XDP on 1 of its interfaces; degraded: 1 of 2 "
		"engines answer; the last reload failed");
	figures[0].value = figures[1].value = 10;
	figures[2].value = figures[3].value = 1;
	figures[6].value = 2;
	figures[7].value = figures[8].value = 0;
	assert_string_equal(
		line("socket", false, figures, &last), "socket: 10 of 10 sessions, no GETs");
	figures[2].value = 0;
	assert_string_equal(line("socket", false, figures, &last),
		"socket: 10 of 10 sessions, no GETs; the last reload failed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_should_be),
		cmocka_unit_test(not_as_it_should_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
