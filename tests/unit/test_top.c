/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 *
 * The text of `sessionctl top` from two samples of the daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/sessionctl/top.h"

static struct top_sample before, now;
static struct top_text text;

static void figure(const char *name, uint64_t was, uint64_t is)
{
	top_add_figure(&before, name, was);
	top_add_figure(&now, name, is);
}

static int reset(void **state)
{
	(void)state;
	memset(&before, 0, sizeof(before));
	memset(&now, 0, sizeof(now));
	before.at = 10000;
	now.at = 12000;
	return 0;
}

/* The line that begins with `start`. */
static const char *line(const char *start)
{
	for (unsigned i = 0; i < text.count; i++)
		if (strncmp(text.rows[i], start, strlen(start)) == 0)
			return text.rows[i];
	fail_msg("no line begins with %s", start);
	return "";
}

static void assert_words(const char *start, const char *words)
{
	char copy[TOP_COLUMNS_MAX + 1], got[TOP_COLUMNS_MAX + 2] = "", *save, *word;

	snprintf(copy, sizeof(copy), "%s", line(start));
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (got[0])
			strcat(got, " ");
		strcat(got, word);
	}
	assert_string_equal(got, words);
}

static void test_figures(void **state)
{
	(void)state;
	figure("uptime_seconds", 93784, 93786);
	figure("mode_xdp", 1, 1);
	figure("xdp_interfaces_native", 2, 2);
	figure("sessions", 250, 250000);
	figure("capacity", 1000000, 1000000);
	figure("get_hits", 1000, 1000 + 2 * 900);
	figure("get_misses", 0, 200);
	figure("get_expired", 5, 5);
	figure("get_torn", 0, 0);
	figure("take_hits", 0, 60);
	figure("take_misses", 0, 20);
	figure("take_lost_race", 0, 2);
	figure("xdp_take_hits", 0, 60);
	figure("xdp_get_hits", 1000, 1000 + 2 * 890);
	figure("slow_get_hits", 0, 20);
	figure("new_stored", 0, 246913);
	figure("new_exists", 0, 1);
	figure("new_empty", 0, 4);
	figure("new_failed", 0, 2);
	figure("remove_done", 0, 3);
	figure("remove_missing", 0, 3);
	figure("sessions_evicted", 0, 2469134);
	figure("drop_short", 0, 2);
	figure("drop_type", 0, 2);
	figure("xsk_drop_malformed", 0, 6);
	figure("xdp_runs", 1000, 2000);
	figure("xdp_run_nanoseconds", 0, 180000);
	top_text(&text, &before, &now, 23);
	assert_int_equal(text.count, 18);
	assert_words("sessiond", "sessiond: mode xdp, 2 native up 1d 02:03:06");
	assert_words("sessions ", "sessions [#######.......................] 25.0 % of 1000000: "
				  "250000");
	assert_words("hit ratio", "hit ratio 89.3 % now, 92.6 % since the start XDP program 180 ns "
				  "a packet");
	assert_words("GET hit", "GET hit 900 890 10 2800");
	assert_words("GET miss", "GET miss 100 0 0 200");
	assert_words("TAKE", "TAKE 41 30 0 82");
	assert_words("NEW stored", "NEW stored 123.5k 246.9k");
	assert_words("NEW already", "NEW already stored 0.5 1");
	assert_words("NEW refused", "NEW refused 3 6");
	assert_words("REMOVE", "REMOVE 3 6");
	assert_words("session evicted", "session evicted 1.23M 2.47M");
	assert_words("dropped", "dropped 5 0 3 10");
}

/* If the daemon measures times, they are shown and fit. */
static void test_latency(void **state)
{
	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	figure("answer_us_p50", 0, 5);
	figure("answer_us_p99", 0, 20);
	top_text(&text, &before, &now, 23);
	assert_words("latency", "latency daemon, us, p50 p99: answers 5, 20");
	figure("insert_us_p50", 0, 50000);
	figure("insert_us_p99", 0, 50000);
	top_text(&text, &before, &now, 23);
	assert_words("latency", "latency daemon, us, p50 p99: answers 5, 20 inserts 50000, 50000");
	/* A terminal of 24 lines still has room for TOP_SOURCES_LEAST sources. */
	assert_in_range(text.count + TOP_SOURCES_LEAST, 0, 23);
}

/* A line only in a farm; with it a terminal of 24 lines still has room for sources. */
static void test_farm(void **state)
{
	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	figure("answer_us_p50", 0, 5);
	figure("answer_us_p99", 0, 20);
	top_text(&text, &before, &now, 23);
	for (unsigned i = 0; i < text.count; i++)
		assert_int_not_equal(strncmp(text.rows[i], "farm", 4), 0);
	figure("farm_engines", 2, 2);
	figure("farm_engines_up", 2, 1);
	figure("farm_caches_alive", 3, 3);
	figure("farm_lag_ms", 1, 7);
	figure("farm_published", 100, 300);
	figure("farm_received", 0, 20);
	top_text(&text, &before, &now, 23);
	assert_words(
		"farm", "farm 1 of 2 engines, 3 others, lag 7 ms, 100/s out, 10/s in, WARMING UP");
	figure("farm_ready", 0, 1);
	top_text(&text, &before, &now, 23);
	assert_words("farm", "farm 1 of 2 engines, 3 others, lag 7 ms, 100/s out, 10/s in");
	assert_in_range(text.count + TOP_SOURCES_LEAST, 0, 23);
}

/* In dpdk mode, frames without room were lost; frames for others were not. */
static void test_dpdk(void **state)
{
	(void)state;
	figure("mode_dpdk", 1, 1);
	figure("capacity", 100, 100);
	figure("get_hits", 0, 2000);
	figure("drop_short", 0, 2);
	figure("dpdk_drop_ring_full", 0, 20);
	figure("dpdk_drop_tx_full", 0, 200);
	figure("dpdk_port0_imissed", 0, 2000);
	figure("dpdk_drop_arp", 0, 7);
	figure("dpdk_drop_other_port", 0, 7);
	top_text(&text, &before, &now, 23);
	assert_words("GET hit", "GET hit 1000 2000");
	assert_words("dropped", "dropped 1111 2222");
}

/* Restarted in between: counters fell, so there is no rate, and never a negative one. */
static void test_restart(void **state)
{
	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	figure("get_hits", 1000000, 10);
	top_text(&text, &before, &now, 23);
	assert_words("GET hit", "GET hit 0 10");
	assert_words("hit ratio", "hit ratio - now, 100.0 % since the start");
	/* Nor with only one sample. */
	memset(&before, 0, sizeof(before));
	top_text(&text, &before, &now, 23);
	assert_words("GET hit", "GET hit 0 10");
}

static void test_sources(void **state)
{
	char one[128];

	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	assert_true(top_add_source(&before, "10.0.0.1 1000 0 0"));
	assert_true(top_add_source(&now, "10.0.0.1 1200 0 0 150"));
	assert_true(top_add_source(&now, "fd00::2 0 500 100"));
	assert_false(top_add_source(&now, "10.0.0.1 1200"));
	assert_int_equal(now.source_count, 2);
	top_text(&text, &before, &now, 23);
	assert_words("fd00::2", "fd00::2 0 - 250 50 75.0 %");
	assert_words("10.0.0.1", "10.0.0.1 100 75.0 % 0 0 25.0 %");
	assert_true(line("fd00::2") < line("10.0.0.1"));
	/* More than fit: the terminal's last line stays free. */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(one, sizeof(one), "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.%u %u 1 1", i,
			1000000 + i);
		assert_true(top_add_source(&now, one));
	}
	assert_int_equal(now.source_count, TOP_SOURCES_MAX);
	top_text(&text, &before, &now, 23);
	assert_int_equal(text.count, 23);
	for (unsigned i = 0; i < text.count; i++)
		assert_true(strlen(text.rows[i]) <= TOP_COLUMNS);
	snprintf(now.no_sources, sizeof(now.no_sources), "mode dpdk keeps no counts by source");
	now.source_count = 0;
	top_text(&text, &before, &now, 23);
	line("mode dpdk keeps");
}

/* What became of the sessions of sources: a page, and beside their requests where it is wide. */
static void test_makers(void **state)
{
	struct top_view view = {0};

	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	assert_true(top_add_source(&before, "10.0.0.1 0 0 0 0 0"));
	assert_true(top_add_maker(&before, "10.0.0.1 10 20 9 100 10"));
	assert_true(top_add_source(&now, "10.0.0.1 200 0 0 150 40"));
	assert_true(top_add_maker(&now, "10.0.0.1 11 40 10 140 12"));
	assert_true(top_add_maker(&now, "10.0.0.2 1 1 1 0 0"));
	assert_true(top_add_maker(&now, "- 0 5 0 0 0"));
	assert_false(top_add_maker(&now, "10.0.0.2 1 1 1 0"));
	assert_int_equal(now.source_count, 3);
	top_show(&text, &view, &before, &now, 23);
	assert_words("10.0.0.1", "10.0.0.1 100 75.0 % 0 0 100.0 %");
	assert_true(top_key(&view, 't'));
	top_show(&text, &view, &before, &now, 23);
	assert_words("10.0.0.1", "10.0.0.1 11 25.0 % 20 1 20");
	assert_words("10.0.0.2", "10.0.0.2 1 100.0 % 0 0 0");
	assert_words("-", "- 0 0.0 % 0 0 0");
	for (unsigned i = 0; i < text.count; i++)
		assert_true(strlen(text.rows[i]) <= TOP_COLUMNS);
	assert_true(top_key(&view, 'o')); /* sorts here, too */
	assert_int_equal(view.page, TOP_MAKERS);
	/* The main page has no column for drops, unless it is wide or sorted by them. */
	assert_true(top_key(&view, 'm'));
	top_show(&text, &view, &before, &now, 23);
	assert_words("sources by drops",
		"sources by drops, by samples GET/s hits NEW/s REMOVE/s drop/s");
	assert_words("10.0.0.1", "10.0.0.1 100 75.0 % 0 0 20");
	view.columns = TOP_WIDE;
	top_show(&text, &view, &before, &now, 23);
	assert_words("10.0.0.1", "10.0.0.1 100 75.0 % 0 0 100.0 % 11 25.0 % 20 1 20");
}

/* Sources in another order, and from a later one on; pages. */
static void test_choices(void **state)
{
	struct top_view view = {0};

	(void)state;
	figure("mode_socket", 1, 1);
	figure("capacity", 100, 100);
	figure("get_hits", 0, 10);
	figure("resumed_estimate", 0, 30);
	figure("not_resumed_estimate", 0, 10);
	figure("evicted_age_seconds", 0, 812);
	figure("drop_short", 0, 4);
	figure("new_too_large", 0, 40);
	figure("remove_ignored", 0, 0);
	assert_true(top_add_source(&now, "10.0.0.1 100 0 0 99"));
	assert_true(top_add_source(&now, "10.0.0.2 50 0 0 5"));
	assert_true(top_add_source(&now, "10.0.0.3 0 400 0 0"));
	assert_true(top_add_context(&now, "farm 1.3 3 5 4"));
	assert_true(top_add_context(&now, "farm2 1.2 1 1 0"));
	assert_false(top_add_context(&now, "farm2 1.2 1 1"));
	top_show(&text, &view, &before, &now, 23);
	assert_words(
		"resumed", "resumed 75.0 % of found sessions, estimated evicted at 812 s (median)");
	figure("resumption_paused", 0, 1);
	top_show(&text, &view, &before, &now, 23);
	assert_words(
		"resumed", "resumed 75.0 % of found sessions, paused evicted at 812 s (median)");
	assert_true(line("10.0.0.3") < line("10.0.0.1"));
	assert_true(top_key(&view, 'x'));
	top_show(&text, &view, &before, &now, 23);
	assert_true(line("10.0.0.2") < line("10.0.0.1"));
	assert_true(line("10.0.0.1") < line("10.0.0.3"));
	assert_true(top_key(&view, 's'));
	assert_true(top_key(&view, 'j'));
	top_show(&text, &view, &before, &now, 23);
	assert_true(line("10.0.0.2") < line("10.0.0.3"));
	for (unsigned i = 0; i < text.count; i++)
		assert_int_not_equal(strncmp(text.rows[i], "10.0.0.1", 8), 0);
	assert_true(top_key(&view, 'd'));
	top_show(&text, &view, &before, &now, 23);
	assert_int_equal(text.count, 3);
	assert_words("new_too_large", "new_too_large 20 40");
	assert_true(line("new_too_large") < line("drop_short"));
	assert_true(top_key(&view, 'c'));
	top_show(&text, &view, &before, &now, 23);
	assert_words("farm2", "farm2 1.2 1 1 0");
	assert_true(top_key(&view, 'h'));
	top_show(&text, &view, &before, &now, 23);
	line("d  drops");
	assert_true(text.count < 23);
	/* The same key again leads back. */
	assert_true(top_key(&view, 'h'));
	assert_int_equal(view.page, TOP_MAIN);
	assert_false(top_key(&view, 'z'));
	/* Beside the main page on a wide terminal, and never wider than it. */
	for (unsigned columns = 40; columns <= 200; columns += 40) {
		bool beside = false, contexts = false;

		view.columns = columns;
		top_show(&text, &view, &before, &now, 49);
		for (unsigned i = 0; i < text.count; i++) {
			assert_true(strlen(text.rows[i]) <= columns);
			beside |= strlen(text.rows[i]) > 80 &&
				  strstr(text.rows[i] + 80, "new_too_large") != NULL;
			contexts |= strlen(text.rows[i]) > 120 &&
				    strstr(text.rows[i] + 120, "farm2") != NULL;
		}
		assert_int_equal(contexts, columns >= TOP_WIDEST);
		assert_int_equal(beside, columns >= TOP_WIDE);
	}
}

/* The largest figures, and more of them than fit. */
static void test_room(void **state)
{
	static const char *const names[] = {"uptime_seconds", "mode_xdp", "xdp_interfaces_native",
		"xdp_interfaces_generic", "sessions", "capacity", "get_hits", "xdp_get_hits",
		"slow_get_hits", "new_stored", "remove_done", "sessions_evicted", "drop_short"};
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		figure(names[i], 0, i == 4 ? UINT32_MAX : UINT64_MAX);
	for (unsigned i = 0; i < TOP_FIGURES_MAX; i++) {
		snprintf(name, sizeof(name), "drop_%u", i);
		figure(name, 0, UINT64_MAX);
	}
	assert_int_equal(now.figure_count, TOP_FIGURES_MAX);
	for (unsigned room = 0; room <= 30; room++) {
		top_text(&text, &before, &now, room);
		assert_true(text.count <= room);
	}
	now.figure_count = 0;
	snprintf(now.trouble, sizeof(now.trouble), "no sessiond answers on %0120d", 0);
	top_text(&text, &before, &now, 23);
	assert_int_equal(text.count, 2);
}

/* The daemon is not running: the XDP program's own counters. */
static void test_pinned(void **state)
{
	(void)state;
	now.pinned = before.pinned = true;
	snprintf(now.trouble, sizeof(now.trouble), "no sessiond answers");
	figure("xdp_get_hits", 0, 2000);
	figure("xdp_get_misses", 0, 0);
	top_text(&text, &before, &now, 23);
	assert_words("GET hit", "GET hit 1000 1000 0 2000");
	assert_words("hit ratio", "hit ratio 100.0 % now, 100.0 % since the start");
	line("no sessiond answers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_figures, reset),
		cmocka_unit_test_setup(test_latency, reset),
		cmocka_unit_test_setup(test_farm, reset),
		cmocka_unit_test_setup(test_dpdk, reset),
		cmocka_unit_test_setup(test_restart, reset),
		cmocka_unit_test_setup(test_sources, reset),
		cmocka_unit_test_setup(test_makers, reset),
		cmocka_unit_test_setup(test_choices, reset),
		cmocka_unit_test_setup(test_room, reset),
		cmocka_unit_test_setup(test_pinned, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
