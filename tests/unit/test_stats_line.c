/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 the sessiond authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/stats/stats_line.h"

static void some_figures(void *ctx, stats_emit emit, void *emit_ctx)
{
	(void)ctx;
	emit(emit_ctx, "uptime_seconds", 77);
	emit(emit_ctx, "sessions", 5);
	emit(emit_ctx, "capacity", 100);
	emit(emit_ctx, "get_hits", 10);
	emit(emit_ctx, "get_misses", 3);
	emit(emit_ctx, "get_expired", 2);
	emit(emit_ctx, "get_torn", 1);
	emit(emit_ctx, "get_retries", 1000); /* not a separate request */
	emit(emit_ctx, "new_stored", 7);
	emit(emit_ctx, "new_exists", 4);
	emit(emit_ctx, "remove_done", 2);
	emit(emit_ctx, "remove_missing", 1);
	emit(emit_ctx, "sessions_expired", 8);
	emit(emit_ctx, "sessions_evicted", 9);
	emit(emit_ctx, "drop_short", 20);
	emit(emit_ctx, "drop_type", 1);
	emit(emit_ctx, "xsk_drop_no_frame", 4);
	/* Parts of the figures above, not counted again. */
	emit(emit_ctx, "xdp_get_hits", 9);
	emit(emit_ctx, "slow_get_hits", 1);
	emit(emit_ctx, "xdp_drop_short", 20);
}

static void test_sums(void **state)
{
	char line[STATS_LINE_SIZE];

	(void)state;
	assert_string_equal(stats_line(some_figures, NULL, line),
		"5 of 100 sessions, 16 GETs, 10 hits, 6 misses, 11 NEWs, 3 REMOVEs, 8 expired, "
		"9 evicted, 25 dropped, up 77 seconds");
}

static void farm_figures(void *ctx, stats_emit emit, void *emit_ctx)
{
	some_figures(ctx, emit, emit_ctx);
	emit(emit_ctx, "farm_engines", 2);
	emit(emit_ctx, "farm_engines_up", 1);
	emit(emit_ctx, "farm_caches_alive", 3);
	emit(emit_ctx, "farm_lag_ms", 4);
	emit(emit_ctx, "farm_gaps", 5);
	emit(emit_ctx, "farm_drop_queue_full", 6);
	emit(emit_ctx, "farm_drop_engine_slow", 60);
	emit(emit_ctx, "farm_refused_key", 7);
	emit(emit_ctx, "farm_stored", 1000);
}

static void test_farm(void **state)
{
	char line[STATS_LINE_SIZE];

	(void)state;
	assert_string_equal(stats_line(farm_figures, NULL, line),
		"5 of 100 sessions, 16 GETs, 10 hits, 6 misses, 11 NEWs, 3 REMOVEs, 8 expired, "
		"9 evicted, 25 dropped, up 77 seconds, farm: 1 of 2 engines, 3 other caches, "
		"lag 4 ms, 5 gaps, 66 not published, 7 refused");
}

/* dpdk mode sees all frames on the wire: those for others are no loss, those without room are. */
static void dpdk_figures(void *ctx, stats_emit emit, void *emit_ctx)
{
	static const char *const others[] = {"arp", "icmp", "not_ip", "not_udp", "other_host",
		"other_port", "not_local", "fragment", "ip_options", "other_vlan", "echo_refused",
		"neighbour_limit"};
	char name[64];

	(void)ctx;
	emit(emit_ctx, "drop_short", 1);
	emit(emit_ctx, "dpdk_drop_ring_full", 10);
	emit(emit_ctx, "dpdk_drop_tx_full", 100);
	emit(emit_ctx, "dpdk_drop_no_room", 1000);
	emit(emit_ctx, "dpdk_drop_bad_checksum", 10000);
	emit(emit_ctx, "dpdk_port0_imissed", 100000);
	emit(emit_ctx, "dpdk_port12_rx_nombuf", 1000000);
	emit(emit_ctx, "dpdk_port0_rx_packets", 7);
	emit(emit_ctx, "dpdk_ports", 7);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		snprintf(name, sizeof(name), "dpdk_drop_%s", others[i]);
		emit(emit_ctx, name, 7);
	}
}

static void test_dpdk(void **state)
{
	char line[STATS_LINE_SIZE];

	(void)state;
	assert_non_null(strstr(stats_line(dpdk_figures, NULL, line), " 1111111 dropped,"));
}

static void huge_figures(void *ctx, stats_emit emit, void *emit_ctx)
{
	static const char *const names[] = {"uptime_seconds", "sessions", "capacity", "get_hits",
		"get_misses", "new_stored", "remove_done", "sessions_expired", "sessions_evicted",
		"drop_short"};

	(void)ctx;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		emit(emit_ctx, names[i], UINT64_MAX);
}

static void test_room(void **state)
{
	char line[STATS_LINE_SIZE];

	(void)state;
	stats_line(huge_figures, NULL, line);
	assert_non_null(strstr(line, " seconds"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_farm),
		cmocka_unit_test(test_dpdk),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
