/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The table of figures and its uses. tests/cli checks that daemons print exactly its figures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/stats/metrics_families.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A name as `stats` prints it: `number` replaces '#'. */
static const char *printed(const struct figure *figure, const char *number, char name[96])
{
	size_t len = strcspn(figure->name, "#");

	if (figure->name[len])
		snprintf(name, 96, "%.*s%s%s", (int)len, figure->name, number,
			figure->name + len + 1);
	else
		snprintf(name, 96, "%s", figure->name);
	return name;
}

static void rows_are_found_by_name(void **state)
{
	char name[96];

	(void)state;
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];

		/* No duplicates: the lookup finds this row. */
		assert_ptr_equal(figure_find(printed(figure, "0", name)), figure);
		assert_ptr_equal(figure_find(printed(figure, "127", name)), figure);
		strcat(name, "x");
		assert_ptr_not_equal(figure_find(name), figure);
	}
	assert_null(figure_find(""));
	assert_null(figure_find("dpdk_port_link"));
	assert_null(figure_find("dpdk_portx_link"));
	assert_null(figure_find("dpdk_port#_link"));
	assert_null(figure_find("something_new"));
}

static void help_is_a_phrase(void **state)
{
	(void)state;
	for (size_t i = 0; i < figure_count; i++) {
		const char *help = figure_table[i].help;

		if (strlen(help) < 5 || help[strlen(help) - 1] == '.' || help[0] == ' ')
			fail_msg("%s: %s", figure_table[i].name, help);
		for (const char *c = help; *c; c++)
			assert_true(isprint((unsigned char)*c));
		assert_int_not_equal(figure_table[i].modes, 0);
	}
}

/* A counter's metric ends in _total, a gauge's does not: Prometheus tells them apart by it. */
static void metrics_agree_with_rows(void **state)
{
	char name[96];

	(void)state;
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];
		struct metrics_place place = metrics_place_of(printed(figure, "3", name), "daemon");

		if (figure->kind == FIGURE_STATS_ONLY)
			continue;
		print_message("%s: %s\n", name, place.name);
		assert_ptr_equal(place.figure, figure);
		assert_int_equal(place.counter, figure->kind != FIGURE_GAUGE);
		assert_int_equal(strcmp(strrchr(place.name, '_'), "_total") == 0, place.counter);
		if (strchr(figure->name, '#')) {
			assert_string_equal(
				place.label, strncmp(name, "dpdk_port", 9) == 0 ? "port" : "lcore");
			assert_int_equal(place.value_len, 1);
			assert_int_equal(*place.value, '3');
		}
	}
}

/* Every family has figures; a family without help has a row with help. */
static void families_have_figures(void **state)
{
	char name[96];

	(void)state;
	for (size_t i = 0; i < metrics_family_count; i++) {
		const struct metrics_family *family = &metrics_families[i];
		bool used = false;

		for (size_t k = 0; k < figure_count; k++)
			used |= strcmp(family->name,
					metrics_place_of(
						printed(&figure_table[k], "0", name), "daemon")
						.name) == 0;
		if (!used)
			fail_msg("nothing is in %s", family->name);
		if (!family->help)
			assert_non_null(figure_find(family->pattern));
	}
}

static void losses_are_sums(void **state)
{
	static const char *const losses[] = {"drop_short", "drop_not_allowed", "drop_limit_get",
		"drop_queue_full", "drop_socket_buffer", "xsk_drop_no_frame", "dpdk_drop_ring_full",
		"dpdk_drop_bad_checksum", "dpdk_port0_imissed", "dpdk_port12_rx_nombuf"};
	/* Parts of a sum; packets for others; packets that are no request; a port's frames. */
	static const char *const others[] = {"xdp_drop_short", "slow_drop_short", "dpdk_drop_arp",
		"dpdk_drop_fragment", "xdp_pass_new", "send_failed", "new_too_large",
		"dpdk_port0_ierrors", "dpdk_port_imissed", "dpdk_port0x_imissed", "drop"};

	(void)state;
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (!figure_is_loss(losses[i]))
			fail_msg("%s is a loss", losses[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (figure_is_loss(others[i]))
			fail_msg("%s is no loss", others[i]);
	/* Every drop counts, except in dpdk mode, which also sees packets for others. */
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *figure = &figure_table[i];
		struct metrics_place place = metrics_place_of(figure->name, "daemon");

		if (strcmp(place.name, "sessiond_dropped_total") == 0 &&
			figure->modes != FIGURE_DPDK)
			assert_int_equal(figure->kind, FIGURE_LOSS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found_by_name),
		cmocka_unit_test(help_is_a_phrase),
		cmocka_unit_test(metrics_agree_with_rows),
		cmocka_unit_test(families_have_figures),
		cmocka_unit_test(losses_are_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
